import { expect, test } from 'vitest';
import { createPacer, pacerFor } from '../../src/delivery/pacer.ts';
import { turnOf } from '../../src/destinations/patience.ts';
import { createLog, realIo } from '../../src/io.ts';

test('while the limit is used up nothing leaves, neither what has its moment already nor what asks for one', () => {
  const pacer = createPacer(600, 0);
  const before = pacer.reserve(1000);
  pacer.rest(5000);
  expect(pacer.left(before)).toBe(5000 - before);
  expect(pacer.reserve(2000)).toBeGreaterThanOrEqual(5000);
  expect(pacer.left(5000)).toBe(0);
});

test('after the rest requests keep their distance again, however many waited', () => {
  const pacer = createPacer(600, 0);
  const moments = Array.from({ length: 5 }, () => pacer.reserve(0));
  pacer.rest(10_000);
  let now = 10_000;
  const left = moments.map(() => {
    const wait = pacer.left(now);
    now += wait;
    if (wait > 0) expect(pacer.left(now)).toBe(0);
    return now;
  });
  left.slice(1).forEach((moment, i) => {
    expect(moment - (left[i] ?? 0)).toBeGreaterThanOrEqual(100);
  });
});

test('a shorter rest does not end a longer one', () => {
  const pacer = createPacer(600, 0);
  pacer.rest(5000);
  pacer.rest(2000);
  expect(pacer.reserve(0)).toBeGreaterThanOrEqual(5000);
});

test('what is a little late each time keeps the pace, and no span of requests is shorter by more than that', () => {
  const pacer = createPacer(60_000 / 20, 0);
  let now = 0;
  const left: number[] = [];
  for (let n = 0; n < 500; n += 1) {
    now = Math.max(now, pacer.reserve(now));
    for (let wait = pacer.left(now); wait > 0; wait = pacer.left(now)) now += wait;
    // A timer that is late, a commit now and then.
    now += n % 3 === 0 ? 4 : 1;
    left.push(now);
  }
  const first = left[0] ?? 0;
  expect((left.at(-1) ?? 0) - first).toBeLessThan(500 * 20 * 1.03);
  for (const [i, at] of left.entries())
    for (const span of [1, 10, 50]) {
      const before = left[i - span];
      if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(span * 20 - 5);
    }
});

test('calls that are told that the limit is used up take no moment from those that leave after it', async () => {
  let now = 0;
  const sleep = async (ms: number): Promise<void> => {
    now += ms;
  };
  const io = { ...realIo(createLog('silent')), monotonic: () => now, sleep };
  const { signal } = new AbortController();
  pacerFor('used up', 600, now).rest(60_000);
  for (let n = 0; n < 500; n += 1)
    expect(await turnOf('used up', 600, io, signal, 1000)).toMatchObject({ code: 'THROTTLED', afterMs: 60_000 });
  now = 60_000;
  expect(await turnOf('used up', 600, io, signal, 1000)).toBeUndefined();
  expect(now).toBeLessThan(60_200);
});
