import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

beforeEach(async () => {
  segments = await openSegmentsWorld();
  segments.drop('a.csv', users(1, 10));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 10 });
});
afterEach(() => segments.close());

test('a member whom the target refuses to remove stays confirmed, and goes with the next snapshot', async () => {
  segments.braze.setFaults(({ path }) => (path.endsWith('/users') ? { kind: 'status', status: 400 } : undefined));
  segments.drop('b.csv', users(1, 9));
  const refused = await segments.world.run('segments');
  expect(refused.run).toMatchObject({ delivered: 9, balanced: true });
  expect(segments.members()).toHaveLength(10);
  segments.braze.setFaults(() => undefined);
  segments.drop('c.csv', users(1, 9));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 9, balanced: true });
  expect(segments.members().sort()).toEqual(users(1, 9).sort());
});
