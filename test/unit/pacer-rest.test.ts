import { expect, test } from 'vitest';
import { createPacer } from '../../src/delivery/pacer.ts';

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
