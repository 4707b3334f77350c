import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lookAfterMs, partsOf, type Row, sendAsJobs } from '../../src/destinations/jobs.ts';
import type { Answer } from '../../src/model.ts';

const rowsOf = (sizes: readonly number[]): Row[] => sizes.map((bytes, at) => ({ at, json: 'x'.repeat(bytes), bytes }));

test('parts hold every row in order, within both bounds unless a row is larger by itself', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 })),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 120 }),
      (sizes, rows, bytes) => {
        const parts = partsOf(rowsOf(sizes), { rows, bytes });
        expect(parts.flat().map(({ at }) => at)).toEqual(sizes.map((_, at) => at));
        for (const part of parts) {
          expect(part.length).toBeLessThanOrEqual(rows);
          const joined = part.map(({ json }) => json).join(',').length;
          if (part.length > 1) expect(joined).toBeLessThanOrEqual(bytes);
        }
      },
    ),
  );
});

test('looks become rarer, up to the time that is set', () => {
  expect([0, 1, 2, 3, 4, 99].map((nth) => lookAfterMs(nth, 5000))).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
});

test('each row gets the answer of its job, however many rows are refused one by one', async () => {
  const signal = new AbortController().signal;
  const refused: Answer = { kind: 'rejected', code: 'bad', reason: 'bad' };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), async (bad, rows) => {
      let jobs = 0;
      const answers = await sendAsJobs(
        rowsOf(bad.map(() => 1)),
        {
          bounds: { rows, bytes: 1000 },
          async handIn(part) {
            if (part.some(({ at }) => bad[at])) return { refused };
            jobs += 1;
            return { job: String(jobs) };
          },
          async answersOf(_job, part) {
            return part.map(({ at }) => ({ kind: 'accepted', proof: { kind: 'row_result', eventId: String(at) } }));
          },
        },
        signal,
      );
      expect([...answers].toSorted(([a], [b]) => a - b)).toEqual(
        bad.map((isBad, at) => [
          at,
          isBad ? refused : { kind: 'accepted', proof: { kind: 'row_result', eventId: String(at) } },
        ]),
      );
    }),
  );
});

test('after a part that could not be handed in the rest is not tried, and what was handed in is asked for', async () => {
  const handed: number[] = [];
  const answers = await sendAsJobs(
    rowsOf([1, 1, 1]),
    {
      bounds: { rows: 1, bytes: 10 },
      async handIn([row]) {
        handed.push(row?.at ?? -1);
        if (row?.at === 0) return { job: 'a' };
        return { answer: { kind: 'retryable', code: 'THROTTLED', reason: 'full', afterMs: 9 } };
      },
      answersOf: async () => [{ kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'a' } }],
    },
    new AbortController().signal,
  );
  expect(handed).toEqual([0, 1]);
  expect(answers.get(0)).toMatchObject({ kind: 'accepted' });
  expect(answers.get(1)).toMatchObject({ kind: 'retryable', code: 'THROTTLED' });
  expect(answers.get(2)).toMatchObject({ kind: 'retryable', code: 'NOT_SENT', afterMs: 9 });
});
