import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as klaviyo from '../../src/destinations/klaviyo/classify.ts';
import type { Asked, Reply } from '../../src/destinations/patience.ts';
import * as sfmc from '../../src/destinations/sfmc/classify.ts';

function reply(status: number, body: string, truncated = false): Reply {
  return { kind: 'reply', status, header: () => undefined, body, ...(truncated ? { truncated } : {}) };
}

/** Names that the providers use, with anything in them. */
const body = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .dictionary(
      fc.constantFrom('requestId', 'status', 'data', 'errors', 'links', 'page', 'count', 'items', 'resultMessages'),
      fc.oneof(
        fc.jsonValue(),
        fc.array(
          fc.dictionary(fc.constantFrom('id', 'attributes', 'code', 'source', 'status', 'message'), fc.jsonValue()),
        ),
        fc.dictionary(fc.constantFrom('id', 'attributes', 'requestStatus', 'hasErrors', 'next'), fc.jsonValue()),
      ),
    )
    .map((object) => JSON.stringify(object)),
);

const asked: fc.Arbitrary<Asked> = fc.oneof(
  fc
    .record({ status: fc.integer({ min: 200, max: 499 }), body })
    .map(({ status, body }) => ({ reply: reply(status, body) })),
  fc.constantFrom<Asked>(
    { stopped: { kind: 'unknown', code: 'NO_ANSWER', reason: 'none' } },
    { stopped: { kind: 'retryable', code: 'NOT_SENT', reason: 'none', afterMs: 5 } },
    { stopped: { kind: 'halted', code: 'TLS', reason: 'none' } },
  ),
);

describe.each([
  ['Klaviyo', klaviyo],
  ['Salesforce', sfmc],
])('%s', (_name, { handedIn, progressOf }) => {
  test('whatever comes back to rows that are handed in is a job, a refusal or an answer that accepts nothing', () => {
    fc.assert(
      fc.property(asked, (given) => {
        const result = handedIn(given);
        if ('job' in result) {
          expect(result.job).toMatch(/^[\w=.:-]+$/);
          return;
        }
        const answer = 'refused' in result ? result.refused : result.answer;
        expect(answer.kind).not.toBe('accepted');
        if ('refused' in result) expect(answer.kind).toBe('rejected');
      }),
    );
  });

  test('what is asked after that never says that a row was surely not taken', () => {
    fc.assert(
      fc.property(asked, (given) => {
        const progress = progressOf(given);
        if (typeof progress === 'string' || !('stopped' in progress)) return;
        const { stopped } = progress;
        expect(stopped.kind === 'unknown' || (stopped.kind === 'halted' && stopped.doubtful === true)).toBe(true);
      }),
    );
  });
});

test('lists of results and of errors are read or not understood, and nothing is thrown', () => {
  fc.assert(
    fc.property(asked, (given) => {
      const page = sfmc.resultsPage(given);
      if ('stopped' in page) expect(['unknown', 'halted']).toContain(page.stopped.kind);
      else
        for (const item of page.items)
          if (item.status !== 'OK') expect(sfmc.rowAnswer(item, 'x').kind).not.toBe('accepted');
      const errors = klaviyo.importErrors(given);
      if ('stopped' in errors) expect(['unknown', 'halted']).toContain(errors.stopped.kind);
      else expect(typeof errors.next).toBe('string');
    }),
  );
});

test('an answer that was cut is not understood, whatever its first bytes say', () => {
  const job = JSON.stringify({ data: { id: 'a' }, requestId: 'a' });
  for (const { handedIn } of [klaviyo, sfmc]) {
    expect(handedIn({ reply: reply(202, job) })).toEqual({ job: 'a' });
    expect(handedIn({ reply: reply(202, job, true) })).toMatchObject({
      answer: { kind: 'unknown', code: 'BAD_ANSWER' },
    });
  }
});

test('a request is done only where Salesforce says all three: complete, OK and without errors', () => {
  const look = (status: object): sfmc.Progress => sfmc.progressOf({ reply: reply(200, JSON.stringify({ status })) });
  const done = { requestStatus: 'Complete', resultStatus: 'OK', hasErrors: false };
  expect(look(done)).toBe('all-well');
  for (const other of [
    { resultStatus: 'Has Errors' },
    { hasErrors: true },
    { hasErrors: null },
    { requestStatus: 'Error' },
  ])
    expect(look({ ...done, ...other })).toBe('with-errors');
  expect(look({ ...done, requestStatus: 'Executing' })).toBe('later');
});

test('of the link to the next page of errors only the cursor is taken', () => {
  const page = (next: unknown): unknown =>
    klaviyo.importErrors({ reply: reply(200, JSON.stringify({ data: [], links: { next } })) });
  expect(page('https://collector.example.com/?page%5Bcursor%5D=abc')).toEqual({ errors: [], next: 'abc' });
  expect(page('/x?page[cursor]=abc')).toEqual({ errors: [], next: 'abc' });
  expect(page(null)).toEqual({ errors: [], next: '' });
  expect(page('http://[')).toEqual({ errors: [], next: '' });
});
