import fc from 'fast-check';
import { expect, test } from 'vitest';
import { classify as classifyBraze } from '../../src/destinations/braze/classify.ts';
import { limitOf } from '../../src/destinations/braze/limit.ts';
import { classify as classifyIterable } from '../../src/destinations/iterable/classify.ts';
import type { Asked, Reply } from '../../src/destinations/patience.ts';
import type { Profile } from '../../src/destinations/profile.ts';

const NOW = Date.UTC(2026, 10, 21, 6, 0, 0);

function reply(status: number, body: string, headers: Record<string, string> = {}): Reply {
  return { kind: 'reply', status, body, header: (name) => headers[name] };
}

const people: Profile[] = ['ann', 'bob', 'eve'].map((name) => ({
  email: `${name}@example.com`,
  userId: `${name}-1`,
  fields: { share_link: `https://share.example.com/${name}` },
}));

const words = fc.oneof(
  fc.constantFrom(
    'success',
    'share_link',
    'ann@example.com',
    ' BOB@example.com ',
    'attributes',
    'index 1',
    'BadApiKey',
  ),
  fc.string(),
);
const value = fc.oneof(
  words,
  fc.integer({ min: -1, max: 4 }),
  fc.constant(null),
  fc.boolean(),
  fc.array(words),
  fc.object(),
);
const names = fc.constantFrom(
  ...['successCount', 'failCount', 'filteredOutFields', 'invalidEmails', 'code', 'msg', 'params'],
  ...['message', 'errors', 'attributes_processed'],
);
const failed = fc.dictionary(fc.constantFrom('invalidEmails', 'notFoundUserIds', 'others'), value);
const error = fc.record({ type: value, input_array: value, index: value }, { requiredKeys: [] });
const body = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .tuple(fc.dictionary(names, value), fc.option(failed), fc.option(fc.array(fc.oneof(error, words))))
    .map(([object, failedUpdates, errors]) =>
      JSON.stringify({ ...object, failedUpdates, ...(errors ? { errors } : {}) }),
    ),
);
const status = fc.oneof(fc.constantFrom(200, 201, 400, 401, 403, 409, 413), fc.integer({ min: 200, max: 499 }));

test('whatever Iterable or Braze answers: one answer for each user, or a refusal of the call; a yes only by a 2xx', () => {
  fc.assert(
    fc.property(status, body, fc.integer({ min: 1, max: 3 }), (code, text, count) => {
      const users = people.slice(0, count);
      const asked: Asked = { reply: reply(code, text) };
      const braze = classifyBraze(asked, users);
      if ('suspects' in braze) expect(braze.suspects.size).toBeGreaterThan(0);
      for (const called of [classifyIterable(asked, users), braze]) {
        if (!('answers' in called)) {
          expect(called.refused.kind).toBe('rejected');
          continue;
        }
        expect(called.answers).toHaveLength(count);
        for (const { kind } of called.answers) if (kind === 'accepted') expect([200, 201, 202]).toContain(code);
      }
    }),
    { numRuns: 500 },
  );
});

test('an answer that was cut is no yes, though what came of it reads like one', () => {
  const iterable = reply(200, '{"successCount":1,"failCount":0,"failedUpdates":{}}');
  const braze = reply(201, '{"message":"success","attributes_processed":1}');
  const one = people.slice(0, 1);
  expect(classifyIterable({ reply: iterable }, one)).toMatchObject({ answers: [{ kind: 'accepted' }] });
  expect(classifyIterable({ reply: { ...iterable, truncated: true } }, one)).toMatchObject({
    answers: [{ code: 'BAD_ANSWER' }],
  });
  expect(classifyBraze({ reply: braze }, one)).toMatchObject({ answers: [{ kind: 'accepted' }] });
  expect(classifyBraze({ reply: { ...braze, truncated: true } }, one)).toMatchObject({
    answers: [{ code: 'BAD_ANSWER' }],
  });
});

test('an identifier that differs from another one in case only is matched exactly', () => {
  const users: Profile[] = ['AB', 'ab', 'Cd'].map((userId) => ({ userId, fields: { share_link: 'x' } }));
  const text = JSON.stringify({ successCount: 1, failCount: 2, failedUpdates: { notFoundUserIds: ['ab', ' CD'] } });
  const called = classifyIterable({ reply: reply(200, text) }, users);
  expect('answers' in called && called.answers.map(({ kind }) => kind)).toEqual(['accepted', 'rejected', 'rejected']);
});

test('the older lists beside failedUpdates count as well, and other lists beside it do not', () => {
  const text = JSON.stringify({
    ...{ successCount: 2, failCount: 1, failedUpdates: {}, invalidEmails: ['bob@example.com'] },
    createdFields: ['ann@example.com'],
  });
  const called = classifyIterable({ reply: reply(200, text) }, people);
  expect('answers' in called && called.answers.map(({ kind }) => kind)).toEqual(['accepted', 'rejected', 'accepted']);
});

test('a field that was dropped and is none of ours stops nothing', () => {
  const text = '{"successCount":3,"failCount":0,"failedUpdates":{},"filteredOutFields":["favourite_colour"]}';
  expect(classifyIterable({ reply: reply(200, text) }, people)).toMatchObject({
    answers: Array(3).fill({ kind: 'accepted' }),
  });
});

const LIMITS: readonly (readonly [string, number, Record<string, string>, object])[] = [
  ['nothing is said', 200, {}, {}],
  [
    'a reset in seconds',
    200,
    { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '3' },
    { remaining: 7, restMs: 3000 },
  ],
  [
    'a reset as a time, by our clock',
    200,
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 90) },
    { remaining: 0, restMs: 90_000 },
  ],
  [
    'a reset as a time, by their clock',
    200,
    {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(NOW / 1000 + 90),
      date: 'Sat, 21 Nov 2026 06:01:00 GMT',
    },
    { remaining: 0, restMs: 30_000 },
  ],
  ['a reset that has passed', 200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 - 5) }, {}],
  [
    'a 429 whatever remains',
    429,
    { 'x-ratelimit-remaining': '9', 'x-ratelimit-reset': '2' },
    { remaining: 0, restMs: 2000 },
  ],
  [
    'a 429 that says how long',
    429,
    { 'x-ratelimit-reset': '50', 'x-ratelimit-retry-after': '1.5' },
    { remaining: 0, restMs: 1500 },
  ],
  ['words for numbers', 200, { 'x-ratelimit-remaining': 'none', 'x-ratelimit-reset': 'soon' }, {}],
  ['a day', 200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '86400' }, { remaining: 0, restMs: 7_200_000 }],
];

test.each(LIMITS)("Braze's limit headers: %s", (_title, code, headers, expected) => {
  expect(limitOf(reply(code, '{}', headers), NOW)).toEqual(expected);
});
