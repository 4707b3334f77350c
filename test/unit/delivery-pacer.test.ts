import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPacer, pacerFor } from '../../src/delivery/pacer.ts';

/** The most moments that any 60 seconds hold. */
function busiestMinute(moments: readonly number[]): number {
  let first = 0;
  let most = 0;
  for (let last = 0; last < moments.length; last += 1) {
    while ((moments[last] ?? 0) - (moments[first] ?? 0) > 60_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

test('no minute holds more than the limit, whenever requests come and however often the process restarts', () => {
  const pauses = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 })), {
    minLength: 150,
    maxLength: 400,
  });
  const restarts = fc.array(fc.integer({ min: 0, max: 399 }), { maxLength: 10 });
  fc.assert(
    fc.property(pauses, restarts, (gaps, restartsAt) => {
      const moments: number[] = [];
      let now = 0;
      let pacer = createPacer(100, now);
      gaps.forEach((gap, i) => {
        now += gap;
        if (restartsAt.includes(i)) pacer = createPacer(100, now);
        now = pacer.reserve(now);
        moments.push(now);
      });
      expect(busiestMinute(moments)).toBeLessThanOrEqual(100);
      // Also between the last request of one process and the first of the next.
      moments.slice(1).forEach((moment, i) => {
        expect(moment - (moments[i] ?? 0)).toBeGreaterThanOrEqual(600);
      });
    }),
    { numRuns: 200 },
  );
});

test('requests that arrive up to a second late still make no more than the limit in a minute', () => {
  const pacer = createPacer(100, 0);
  const arrivals = Array.from({ length: 300 }, (_, i) => pacer.reserve(0) + (i % 100 === 0 ? 1000 : 0));
  expect(busiestMinute(arrivals.sort((a, b) => a - b))).toBeLessThanOrEqual(100);
});

test('the full speed is used: more than 97 in a minute', () => {
  const pacer = createPacer(100, 0);
  const moments = Array.from({ length: 300 }, () => pacer.reserve(0));
  expect(busiestMinute(moments)).toBeGreaterThan(97);
});

test('a request that left late pushes the next one back', () => {
  const pacer = createPacer(100, 0);
  const first = pacer.reserve(0);
  pacer.left(first + 5000);
  expect(pacer.reserve(first + 5000)).toBeGreaterThanOrEqual(first + 5000 + 600);
});

test('jobs that share a token share its minute, and the slower limit holds for both', () => {
  const one = pacerFor('token-shared', 100, 0);
  const two = pacerFor('token-shared', 50, 0);
  expect(two).toBe(one);
  const first = two.reserve(0);
  expect(one.reserve(0) - first).toBeGreaterThanOrEqual(1200);
  expect(pacerFor('token-other', 100, 0)).not.toBe(one);
});
