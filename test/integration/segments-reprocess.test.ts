import { afterEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

afterEach(() => segments.close());

const reprocess = (file: string) =>
  segments.world.cli(['reprocess', file, '--by', 'eve', '--reason', 'the job was wrong']);

test('a file of members is not processed again where a later one was synced, and the newest one is', async () => {
  segments = await openSegmentsWorld({ job: { guards: { maxShrink: 1, maxGrowth: 1 } } });
  segments.drop('a.csv', users(1, 10));
  await segments.world.run('segments');
  segments.drop('b.csv', users(2, 11));
  await segments.world.run('segments');
  segments.job({ guards: { maxShrink: 1, maxGrowth: 1 }, segments: { vip: 'Very important' } });
  const old = await reprocess('p1');
  expect(old.code).toBe(2);
  expect(old.stderr).toMatch(/a later file, b\.csv \(p2\), were synced since, and a\.csv would undo/);
  expect(old.stderr).toContain('have it sent once more');
  await segments.world.run('segments');
  expect(segments.members().sort()).toEqual(users(2, 11).sort());
  const newest = await reprocess('p2');
  expect(newest.stderr).not.toContain('were synced since');
  // Sent once more, the earlier file is the newest.
  segments.drop('a.csv', users(1, 10));
  await segments.world.run('segments');
  expect(segments.members().sort()).toEqual(users(1, 10).sort());
});
