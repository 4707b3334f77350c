import { afterEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, snapshot, users } from './support/segments-world.ts';

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
  expect(old.stderr).toMatch(
    /b\.csv \(p2\), a later file of the same segment, was synced since, and a\.csv would undo/,
  );
  expect(old.stderr).toContain('have it sent once more');
  await segments.world.run('segments');
  expect(segments.members().sort()).toEqual(users(2, 11).sort());
  const newest = await reprocess('p2');
  expect([newest.code, newest.stderr]).toEqual([0, expect.not.stringContaining('synced since')]);
  // Sent once more, the earlier file is the newest.
  segments.drop('a.csv', users(1, 10));
  await segments.world.run('segments');
  expect(segments.members().sort()).toEqual(users(1, 10).sort());
});

test('before a file of members is processed again it is told what it would change, and then it changes that', async () => {
  segments = await openSegmentsWorld({ job: { guards: { maxShrink: 1, maxGrowth: 1 } } });
  segments.world.drop('a.csv', snapshot(['user-1,x1', 'user-2,x2', 'user-3,x3'], 'id,other'));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 3, balanced: true });
  segments.world.drop('b.csv', snapshot(['user-1,user-1', 'user-2,user-9'], 'id,other'));
  await segments.world.run('segments');
  expect(segments.members().sort()).toEqual(users(1, 2));
  // The other column was meant.
  segments.job({ guards: { maxShrink: 1, maxGrowth: 1 }, members: { id: 'other' } });
  const preview = await segments.world.cli(['reprocess', 'p2', '--dry-run', '--json']);
  expect(preview.json()).toMatchObject({
    rows: 2,
    files: [{ because: expect.stringMatching(/vip would add 1 and remove 1/) }],
  });
  expect(segments.members().sort()).toEqual(users(1, 2));
  const done = await segments.world.cli(['reprocess', 'p2', '--by', 'eve', '--reason', 'the other column', '--json']);
  expect(done.code, done.stderr).toBe(0);
  expect(done.json()).toMatchObject({ run: { delivered: 2, open: 0, balanced: true, notices: [] } });
  expect(segments.members().sort()).toEqual(['user-1', 'user-9']);
});
