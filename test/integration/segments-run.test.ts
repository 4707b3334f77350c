import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fates } from './support/e2e-results.ts';
import { openSegmentsWorld, type SegmentsWorld, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

beforeEach(async () => {
  segments = await openSegmentsWorld();
});
afterEach(() => segments.close());

test('a snapshot becomes the cohort, and of the next one only the differences leave', async () => {
  segments.drop('a.csv', users(1, 25));
  const first = await segments.world.run('segments');
  expect(first.run, first.stderr).toMatchObject({
    lane: 'members',
    delivered: 25,
    open: 0,
    balanced: true,
    halted: null,
  });
  expect(first.code).toBe(0);
  expect(segments.members().sort()).toEqual(users(1, 25).sort());
  expect(segments.braze.cohorts.get('vip')).toMatchObject({ name: 'VIP customers' });
  expect(segments.results('a.csv')).toHaveLength(25);
  const before = segments.braze.received.length;
  segments.drop('b.csv', users(3, 27));
  const { code, run } = await segments.world.run('segments');
  expect(run).toMatchObject({ delivered: 25, open: 0, balanced: true });
  expect(code).toBe(0);
  expect(segments.members().sort()).toEqual(users(3, 27).sort());
  expect(segments.braze.received.length - before).toBe(1);
});
