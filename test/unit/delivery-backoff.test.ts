import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffBound, backoffDelay, retryAfterMs } from '../../src/delivery/backoff.ts';

const DEFAULT = { first: 1000, cap: 30_000 };
const NOW = Date.UTC(2026, 10, 20, 14, 3, 0);

test('the bound doubles from 1 s and stays at 30 s', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((tries) => backoffBound(tries, DEFAULT))).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
  ]);
});

test('a delay lies between zero and the bound, whatever the number of tries', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (tries, random) => {
        const delay = backoffDelay(tries, DEFAULT, random);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(backoffBound(tries, DEFAULT));
      },
    ),
  );
});

test.each([
  ['2', 2000],
  [' 120 ', 120_000],
  ['0', 1000],
  ['999999', 600_000],
  ['Fri, 20 Nov 2026 14:03:30 GMT', 30_000],
  ['Fri, 20 Nov 2026 14:02:00 GMT', 1000],
  ['Sat, 21 Nov 2026 14:03:00 GMT', 600_000],
])('H02: Retry-After %j is taken as %d ms', (value, expected) => {
  expect(retryAfterMs(value, NOW)).toBe(expected);
});

test.each(['-1', '1.5', '', 'soon', '2026-11-20', 'Fri, 99 Nov 2026 14:03:30 GMT', '1e3', '0x10', '9'.repeat(40)])(
  'H02: Retry-After %j is ignored',
  (value) => {
    expect(retryAfterMs(value, NOW)).toBeUndefined();
  },
);

test('H02: any text gives nothing, or 1 s to 10 min', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (text) => {
      const ms = retryAfterMs(text, NOW);
      expect(ms === undefined || (ms >= 1000 && ms <= 600_000)).toBe(true);
    }),
  );
});
