import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HttpReply } from '../../src/delivery/http.ts';
import { classify, clean } from '../../src/destinations/extole/classify.ts';
import type { Answer } from '../../src/model.ts';

const NOW = Date.UTC(2026, 10, 20, 14, 3, 0);

function reply(status: number, body = '', headers: Record<string, string> = {}): HttpReply {
  return { kind: 'reply', status, body, header: (name) => headers[name] };
}

function ask(status: number, body?: string, headers?: Record<string, string>): Answer {
  return classify(reply(status, body, headers), 'v6', NOW);
}

function error(status: number, code: string, message = 'said Extole'): string {
  return JSON.stringify({ unique_id: 'u-1', http_status_code: status, code, message, parameters: {} });
}

test('a 200 that names the event is a yes, and the person is kept where there is one', () => {
  expect(ask(200, '{"event_id":"e1"}')).toEqual({
    kind: 'accepted',
    proof: { kind: 'event_id', eventId: 'e1' },
    http: 200,
  });
  expect(ask(200, '{"event_id":"e1","person_id":"p1"}')).toEqual({
    kind: 'accepted',
    proof: { kind: 'person_id', eventId: 'e1', personId: 'p1' },
    http: 200,
  });
});

test('only version 5 may call the event "id"', () => {
  expect(classify(reply(200, '{"id":"e1"}'), 'v5', NOW)).toMatchObject({ kind: 'accepted', proof: { eventId: 'e1' } });
  expect(ask(200, '{"id":"e1"}')).toMatchObject({ kind: 'unknown' });
});

test('H18: ids beyond 2^53 are kept digit by digit, as strings and as numbers', () => {
  const id = '7465313346145957284';
  expect(ask(200, `{"event_id":"${id}"}`)).toMatchObject({ proof: { eventId: id } });
  expect(ask(200, `{"event_id":${id},"person_id": 9007199254740993}`)).toMatchObject({
    proof: { eventId: id, personId: '9007199254740993' },
  });
});

test.each([
  '<html>Sign in</html>',
  '',
  '{}',
  'null',
  '[]',
  '"e1"',
  '7',
  '{"event_id":null}',
  '{"event_id":""}',
  '{"event_id":{}}',
  '{"event_id":true}',
  '{"event_id":1e5}',
  '{"event_id":-3}',
  '{"event_id":1.5}',
  '{"data":{"event_id":"e1"}}',
  '{"event_id":"e1',
  '{"event_id":"e1"} trailing',
])('H07: a 200 with %j is unknown', (body) => {
  expect(ask(200, body)).toMatchObject({ kind: 'unknown', code: 'BAD_ANSWER', http: 200 });
});

test('H07: a 200 whose body was cut at the limit is unknown, though what came parses', () => {
  const cut: HttpReply = {
    kind: 'reply',
    status: 200,
    header: () => undefined,
    body: '{"event_id":"e1"}',
    truncated: true,
  };
  expect(classify(cut, 'v6', NOW)).toMatchObject({ kind: 'unknown' });
});

test.each([201, 202, 204, 206, 301, 302, 303, 307, 308])(
  'H08: a %d comes from somewhere else and stops the destination',
  (status) => {
    const answer = ask(status, '{"event_id":"e1"}');
    expect(answer).toMatchObject({ kind: 'halted', code: 'MISROUTED', http: status });
    // Only a 204 and a redirect say that nothing was done; behind another yes somebody may have done it.
    expect(answer).toMatchObject(
      [201, 202, 206].includes(status) ? { doubtful: true } : { reason: expect.not.stringContaining('accepted') },
    );
  },
);

test.each([404, 405, 421])('H13: a %d is a wrong path and stops the destination', (status) => {
  expect(ask(status)).toMatchObject({ kind: 'halted', code: 'MISROUTED' });
});

test('H09: a 200 with an error header is a rejection with its message', () => {
  expect(ask(200, '{"event_id":"e1"}', { 'x-extole-error-message': 'no such program' })).toEqual({
    kind: 'rejected',
    code: 'EXTOLE_ERROR_MESSAGE',
    reason: 'no such program',
    http: 200,
  });
  expect(ask(200, '{"event_id":"e1"}', { 'x-extole-error-message': '' })).toMatchObject({ kind: 'rejected' });
});

test.each(['missing_event_name', 'invalid_event_time_format', 'event_blocked', 'invalid_json', 'validation_error'])(
  'H10: 400 %s rejects the row and keeps the reference',
  (code) => {
    expect(ask(400, error(400, code))).toEqual({
      kind: 'rejected',
      code,
      reason: 'said Extole',
      http: 400,
      uniqueId: 'u-1',
    });
  },
);

test('H10: a 400 without a readable body is a rejection all the same', () => {
  expect(ask(400, '<html>')).toEqual({ kind: 'rejected', code: 'HTTP_400', reason: 'Extole answered 400', http: 400 });
  expect(ask(400, error(400, 'bad code\n'))).toMatchObject({ code: 'HTTP_400', reason: 'said Extole' });
});

test.each([413, 422, 431])('H14: a %d rejects that row', (status) => {
  expect(ask(status)).toMatchObject({ kind: 'rejected', code: `HTTP_${status}`, http: status });
});

test.each([
  [401, 'UNAUTHORIZED'],
  [402, 'PAYMENT_REQUIRED'],
  [403, 'FORBIDDEN'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
])('H11, H12: a %d stops the destination and rejects nothing', (status, code) => {
  expect(ask(status, error(status, 'access_denied'))).toMatchObject({ kind: 'halted', code, http: status });
});

test('H01, H02: a 429 is tried again, when Retry-After says if it says so', () => {
  expect(ask(429, error(429, 'too_many_requests'))).not.toHaveProperty('afterMs');
  expect(ask(429, '', { 'retry-after': '7' })).toMatchObject({ kind: 'retryable', code: 'THROTTLED', afterMs: 7000 });
  expect(ask(429, '', { 'retry-after': '-1' })).not.toHaveProperty('afterMs');
  expect(ask(408)).toMatchObject({ kind: 'retryable' });
  expect(ask(425)).toMatchObject({ kind: 'retryable' });
});

test.each([500, 501, 502, 503, 504, 599])('H03: after a %d nobody knows', (status) => {
  expect(ask(status, '{"event_id":"e1"}')).toMatchObject({ kind: 'unknown', code: 'SERVER_ERROR', http: status });
});

test('what was surely not sent is tried again; what may have been is unknown', () => {
  expect(classify({ kind: 'not-sent', code: 'ECONNREFUSED', message: 'refused' }, 'v6', NOW)).toEqual({
    kind: 'retryable',
    code: 'NOT_SENT',
    reason: 'nothing was sent: refused (ECONNREFUSED)',
  });
  expect(classify({ kind: 'ambiguous', code: 'ECONNRESET', message: 'reset' }, 'v6', NOW)).toMatchObject({
    kind: 'unknown',
  });
});

test('H17: a server that cannot prove who it is stops the destination', () => {
  const refused: HttpReply = {
    kind: 'not-sent',
    code: 'CERT_HAS_EXPIRED',
    message: 'certificate has expired',
    tls: true,
  };
  expect(classify(refused, 'v6', NOW)).toMatchObject({ kind: 'halted', code: 'TLS' });
});

test('H19: control, invisible and reversing characters in a message are taken out', () => {
  const message = 'no\r\nhost\u0000: \u001b[31mred\u001b[0m \u202Eevil\u200b \ud800 end';
  const answer = ask(400, error(400, 'event_blocked', message));
  expect(answer).toMatchObject({ kind: 'rejected', reason: 'no host : [31mred [0m evil end' });
});

test('H19: a message without end is cut', () => {
  expect(clean('x'.repeat(10_000))).toHaveLength(300);
  expect(clean('😀'.repeat(10_000)).endsWith('…')).toBe(true);
});

const anyReply = fc.oneof(
  fc.record({ kind: fc.constant('not-sent' as const), code: fc.string(), message: fc.string() }),
  fc.record({ kind: fc.constant('ambiguous' as const), code: fc.string(), message: fc.string() }),
  fc
    .record({
      status: fc.oneof(fc.integer({ min: 100, max: 599 }), fc.integer()),
      body: fc.oneof(
        fc.string(),
        fc.json(),
        fc
          .record(
            {
              event_id: fc.jsonValue(),
              id: fc.jsonValue(),
              person_id: fc.jsonValue(),
              code: fc.jsonValue(),
              message: fc.jsonValue(),
            },
            { requiredKeys: [] },
          )
          .map((value) => JSON.stringify(value)),
      ),
      headers: fc.record(
        { 'x-extole-error-message': fc.string(), 'retry-after': fc.oneof(fc.string(), fc.nat().map(String)) },
        { requiredKeys: [] },
      ),
    })
    .map(({ status, body, headers }) => reply(status, body, headers)),
);

test('every reply has an answer, and only a 200 with an event id and no error header is a yes', () => {
  fc.assert(
    fc.property(anyReply, fc.constantFrom('v5' as const, 'v6' as const), (any, api) => {
      const answer = classify(any, api, NOW);
      expect(['accepted', 'rejected', 'retryable', 'unknown', 'halted']).toContain(answer.kind);
      if (answer.kind === 'accepted') {
        expect(any.kind === 'reply' && any.status === 200 && any.header('x-extole-error-message') === undefined).toBe(
          true,
        );
        expect(answer.proof.eventId).not.toBe('');
      } else {
        expect(answer.code).toMatch(/^[\w.-]+$/);
        expect(answer.reason).not.toMatch(/\p{Cc}/u);
        expect(answer.reason.length).toBeLessThan(2000);
      }
    }),
    { numRuns: 3000 },
  );
});
