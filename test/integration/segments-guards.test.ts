import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fates } from './support/e2e-results.ts';
import { openSegmentsWorld, type SegmentsWorld, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

afterEach(() => segments.close());

const changes = (): number => segments.braze.received.filter(({ path }) => path.endsWith('/users')).length;

describe('a segment of ten members', () => {
  beforeEach(async () => {
    segments = await openSegmentsWorld();
    segments.drop('a.csv', users(1, 10));
    expect((await segments.world.run('segments')).code).toBe(0);
  });

  test('H26: is not emptied by an empty snapshot, unless a person releases it', async () => {
    const before = changes();
    segments.drop('empty.csv', []);
    const { code, run } = await segments.world.run('segments');
    expect(run.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_EMPTY' });
    expect(code).toBe(3);
    expect(segments.members()).toHaveLength(10);
    expect(changes()).toBe(before);
    const released = await segments.world.cli(['release', 'p2', '--by', 'eve', '--reason', 'it is meant so']);
    expect(released.code, released.stderr).toBe(0);
    expect(segments.members()).toEqual([]);
  });

  test('H26: keeps its members where too many would go; released, they go', async () => {
    segments.drop('b.csv', users(4, 10));
    const { code, run } = await segments.world.run('segments');
    expect(run).toMatchObject({ held: 7, balanced: true });
    expect(run.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_SHRINKS' });
    expect(code).toBe(3);
    const held = await segments.world.cli(['held', 'segments']);
    expect(held.stdout).toContain('would lose 3 of 10 confirmed members (30 %), 20 % is allowed');
    expect(segments.members()).toHaveLength(10);
    const released = await segments.world.cli(['release', 'p2', '--by', 'eve', '--reason', 'three left']);
    expect(released.code, released.stderr).toBe(0);
    expect(segments.members().sort()).toEqual(users(4, 10).sort());
    expect(fates(segments.results('b.csv')).every((fate) => fate.includes('held'))).toBe(true);
  });

  test('keeps its members where a person rejects the file', async () => {
    segments.drop('b.csv', users(4, 10));
    await segments.world.run('segments');
    const rejected = await segments.world.cli(['reject', 'p2', '--by', 'eve', '--reason', 'cut off']);
    expect(rejected.code, rejected.stderr).toBe(0);
    expect(segments.members()).toHaveLength(10);
  });

  test('does not go back to a held file that is released after a newer snapshot was synced', async () => {
    segments.drop('b.csv', users(4, 10));
    await segments.world.run('segments');
    segments.drop('c.csv', users(1, 11));
    expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 11 });
    const released = await segments.world.cli(['release', 'p2', '--by', 'eve', '--reason', 'late', '--json']);
    expect(released.json()).toMatchObject({ run: { rejected: 7, balanced: true } });
    expect(segments.world.read('results/b.csv.results.r2.csv').toString()).toContain('SUPERSEDED');
    const explained = await segments.world.cli(['explain', 'user-5']);
    expect(explained.stdout).toMatch(
      /REJECTED: vip\n.*meaning +what came later holds instead; there is nothing to correct\n/s,
    );
    expect(explained.stdout).not.toContain('the sender has to correct it');
    expect(segments.members().sort()).toEqual(users(1, 11).sort());
  });

  test('follows a snapshot that says again what one said before the last', async () => {
    segments.drop('b.csv', users(2, 10));
    await segments.world.run('segments');
    segments.drop('a2.csv', users(1, 10));
    const { run } = await segments.world.run('segments');
    expect(run).toMatchObject({ delivered: 10, duplicate: 0, balanced: true });
    expect(segments.members()).toHaveLength(10);
  });

  test('is refused another kind of ids, and the way to have it is told', async () => {
    segments.job({ target: { braze: { identifyBy: 'alias', aliasLabel: 'member' } } });
    segments.drop('b.csv', users(1, 10));
    const { code, run } = await segments.world.run('segments');
    const way = expect.stringMatching(/set it back to userId and run .* another id and another name under segments/);
    expect(run.halted).toMatchObject({ code: 'SEGMENT_ID_CHANGED', reason: way });
    expect(code).toBe(4);
    expect(segments.members()).toHaveLength(10);
    // What it says is done.
    segments.job();
    expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 10, open: 0, halted: null });
    const target = { braze: { identifyBy: 'alias', aliasLabel: 'member' } };
    segments.job({ target, segments: { vip: null, aliases: 'VIP by alias' } });
    segments.drop('c.csv', users(1, 9));
    const { run: next } = await segments.world.run('segments');
    expect(next).toMatchObject({ delivered: 9, held: 0, open: 0, halted: null, balanced: true });
    expect(segments.braze.cohorts.get('aliases')?.name).toBe('VIP by alias');
  });
});

test('a snapshot that nothing vouches for removes nobody without a release', async () => {
  segments = await openSegmentsWorld({ job: { file: null } });
  const rows = (members: string[]): string => ['id', ...members].map((line) => `${line}\n`).join('');
  segments.world.drop('a.csv', rows(users(1, 10)));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 10 });
  segments.world.drop('b.csv', rows(users(2, 11)));
  const { run } = await segments.world.run('segments');
  expect(run.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_UNVOUCHED' });
  expect(segments.members().sort()).toEqual(users(1, 10).sort());
  segments.job({ file: null, guards: { unvouched: 'accept' } });
  segments.world.drop('c.csv', rows(users(2, 12)));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 11 });
  expect(segments.members().sort()).toEqual(users(2, 12).sort());
});
