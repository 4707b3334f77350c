import { expect, test } from 'vitest';
import { type Concurrency, createConcurrency } from '../../src/delivery/concurrency.ts';

const BOUNDS = { start: 4, max: 128 };

function answer(concurrency: Concurrency, times: number, latencyMs: number): void {
  for (let i = 0; i < times; i += 1) concurrency.onAnswer(latencyMs, 'answered');
}

test('it starts at 4 and doubles each round until the ceiling', () => {
  const concurrency = createConcurrency(BOUNDS);
  expect(concurrency.limit).toBe(4);
  answer(concurrency, 4, 20);
  expect(concurrency.limit).toBe(8);
  answer(concurrency, 8, 20);
  expect(concurrency.limit).toBe(16);
  answer(concurrency, 1000, 20);
  expect(concurrency.limit).toBe(128);
});

test('H01: a 429 halves it, and a burst of them from the same round halves it once', () => {
  const concurrency = createConcurrency(BOUNDS);
  answer(concurrency, 60, 20);
  expect(concurrency.limit).toBe(64);
  for (let i = 0; i < 60; i += 1) concurrency.onAnswer(20, 'throttled');
  expect(concurrency.limit).toBe(32);
});

test('H01: it never falls below one', () => {
  const concurrency = createConcurrency(BOUNDS);
  for (let i = 0; i < 500; i += 1) concurrency.onAnswer(20, 'throttled');
  expect(concurrency.limit).toBe(1);
});

test('after congestion it rises by one each round, no longer by doubling', () => {
  const concurrency = createConcurrency(BOUNDS);
  answer(concurrency, 60, 20);
  concurrency.onAnswer(20, 'throttled');
  answer(concurrency, 64, 20);
  expect(concurrency.limit).toBe(32);
  answer(concurrency, 34, 20);
  expect(concurrency.limit).toBe(33);
});

test('latency that rises clearly over its baseline lowers it', () => {
  const concurrency = createConcurrency(BOUNDS);
  answer(concurrency, 60, 40);
  const before = concurrency.limit;
  answer(concurrency, 30, 900);
  expect(concurrency.limit).toBeLessThan(before);
});

test('a quick server that becomes a little slower under load is not congested', () => {
  const concurrency = createConcurrency(BOUNDS);
  answer(concurrency, 100, 0.3);
  answer(concurrency, 500, 9);
  expect(concurrency.limit).toBe(128);
});

test('a lasting change of the network becomes the new baseline', () => {
  const concurrency = createConcurrency(BOUNDS);
  answer(concurrency, 100, 20);
  answer(concurrency, 20_000, 400);
  expect(concurrency.limit).toBeGreaterThan(60);
});

test('answers that say nothing about load change nothing', () => {
  const concurrency = createConcurrency(BOUNDS);
  for (let i = 0; i < 100; i += 1) concurrency.onAnswer(30_000, 'failed');
  expect(concurrency.limit).toBe(4);
});

test('it does not rise above what is used', () => {
  const concurrency = createConcurrency(BOUNDS);
  for (let i = 0; i < 500; i += 1) concurrency.onAnswer(20, 'answered', 2);
  expect(concurrency.limit).toBe(4);
});
