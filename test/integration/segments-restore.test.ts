import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import type { IterableStandIn } from '../../src/sandbox/iterable/server.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import {
  iterableTarget,
  openSegmentsWorld,
  people,
  person,
  type SegmentsWorld,
  snapshot,
  users,
  writeSegmentsJob,
} from './support/segments-world.ts';

async function backup(world: World): Promise<string> {
  const made = await world.cli(['backup', '--to', join(world.root, 'b'), '--json']);
  expect(made.code, made.stderr).toBe(0);
  return String(made.json().path);
}

/** The ledger is gone, and an older one takes its place. `all`: whatever else told of the time since is gone as well. */
async function loseAndRestore(world: World, copy: string, all = false): Promise<string> {
  for (const part of ['', '-wal', '-shm']) rmSync(world.ledger + part, { force: true });
  if (all)
    for (const folder of ['archive', 'results'])
      for (const name of world.files(folder)) if (!name.startsWith('a.csv')) rmSync(join(world.served, folder, name));
  const restored = await world.cli(['restore', copy]);
  expect([0, 3], restored.stdout + restored.stderr).toContain(restored.code);
  return restored.stdout;
}

function inLedger(world: World, sql: string): unknown[] {
  const db = new Database(world.ledger, { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

const newest = (world: World, name: string): string[] => {
  const found = world.files('results').filter((each) => each.startsWith(`${name}.results.`));
  return fates(readResults(world.read(`results/${found.sort().at(-1)}`)));
};

describe('after a restore, where the target can be read', () => {
  let world: World;
  let iterable: IterableStandIn;

  const opened = async (): Promise<string> => {
    world = await openWorld();
    const place = await iterableTarget(world);
    iterable = place.iterable;
    writeSegmentsJob(world, place.target);
    world.drop('a.csv', snapshot(people(1, 30)));
    expect((await world.run('segments')).run).toMatchObject({ delivered: 30 });
    const copy = await backup(world);
    world.drop('b.csv', snapshot(people(3, 32)));
    expect((await world.run('segments')).run).toMatchObject({ delivered: 30 });
    return copy;
  };
  afterEach(async () => {
    await iterable.stop();
    await world.close();
  });
  const members = (): string[] =>
    iterable.lists
      .all()
      .flatMap((list) => [...list.members])
      .sort();

  test('who was added since the backup is known by reading the list back, and removed by the next snapshot without them', async () => {
    const copy = await opened();
    await loseAndRestore(world, copy, true);
    world.drop('c.csv', snapshot(people(5, 30)));
    const { run } = await world.run('segments');
    expect(run.files.map(({ state }) => state)).toEqual(['processed']);
    expect(members()).toEqual(people(5, 30).sort());
    expect(
      inLedger(world, 'SELECT before, to_add, to_remove, after FROM segment_syncs ORDER BY id DESC LIMIT 1'),
    ).toEqual([{ before: 30, to_add: 0, to_remove: 4, after: 26 }]);
  });

  test('the guards judge what the list has now, and not what the backup says', async () => {
    const copy = await opened();
    await loseAndRestore(world, copy, true);
    const [list] = iterable.lists.all();
    for (const each of people(41, 90)) list?.members.add(each);
    world.drop('c.csv', snapshot(people(3, 32)));
    const { run } = await world.run('segments');
    expect(run).toMatchObject({ held: 30 });
    expect(run.files[0]).toMatchObject({ code: 'SEGMENT_SHRINKS' });
    expect(members()).toHaveLength(80);
  });

  test('a file of the lost time was through by its results, and does not undo what came after it', async () => {
    const copy = await opened();
    world.drop('c.csv', snapshot(people(4, 33)));
    await world.run('segments');
    await loseAndRestore(world, copy);
    expect(members()).toEqual(people(4, 33).sort());
    const { run } = await world.run('segments');
    expect(run.open).toBe(0);
    expect(members()).toEqual(people(4, 33).sort());
    for (const name of ['b.csv', 'c.csv'])
      expect(new Set(newest(world, name).map((fate) => fate.split(' ')[1]))).toEqual(new Set(['delivered']));
    expect(inLedger(world, 'SELECT count(*) AS n FROM deliveries')).toEqual([{ n: 0 }]);
    expect(inLedger(world, 'SELECT members FROM segments')).toEqual([{ members: 30 }]);
    const verified = await world.cli(['verify-segment', 'vip', '--json']);
    expect(verified.json()).toMatchObject({ missing: 0, strangers: 0 });
  });

  test('a repair would undo what was synced since the backup, and is refused until there was a sync', async () => {
    const copy = await opened();
    await loseAndRestore(world, copy, true);
    const refused = await world.cli(['verify-segment', 'vip', '--repair']);
    expect(refused.stderr).toContain('SEGMENT_RESTORED');
    expect(members()).toEqual(people(3, 32).sort());
    expect((await world.cli(['verify-segment', 'vip'])).stdout).toMatch(/2/);
    world.drop('c.csv', snapshot(people(3, 32)));
    await world.run('segments');
    iterable.lists.all()[0]?.members.delete(person(9));
    expect((await world.cli(['verify-segment', 'vip', '--repair'])).code).toBe(0);
    expect(members()).toEqual(people(3, 32).sort());
  });

  test('a file that was under way when the backup was made, and was ended since, is not sent once more', async () => {
    world = await openWorld();
    const place = await iterableTarget(world);
    iterable = place.iterable;
    writeSegmentsJob(world, place.target);
    world.drop('a.csv', snapshot(people(1, 30)));
    const died = await world.cli(['run', 'segments'], { REFERRY_CRASH_AT: 'chunk-claimed' });
    expect(died.code).not.toBe(0);
    const copy = await backup(world);
    await world.run('segments');
    await loseAndRestore(world, copy);
    iterable.lists.all()[0]?.members.delete(person(9));
    const { run } = await world.run('segments');
    expect(run.open).toBe(0);
    expect(members()).toHaveLength(29);
    expect(inLedger(world, 'SELECT state FROM segment_syncs')).toEqual([{ state: 'done' }]);
    expect(inLedger(world, 'SELECT id FROM segment_chunks')).toEqual([]);
  });

  const diedUnderWay = async (): Promise<void> => {
    world = await openWorld();
    const place = await iterableTarget(world);
    iterable = place.iterable;
    writeSegmentsJob(world, place.target);
    world.drop('a.csv', snapshot(people(1, 30)));
    await world.run('segments');
    world.drop('b.csv', snapshot(people(3, 32)));
    const died = await world.cli(['run', 'segments'], { REFERRY_CRASH_AT: 'chunk-claimed' });
    expect(died.code).not.toBe(0);
    await loseAndRestore(world, await backup(world));
    expect((await world.cli(['held'])).stdout).toContain('LEDGER_RESTORED');
    expect((await world.run('segments')).run.files).toEqual([]);
    expect(inLedger(world, 'SELECT state FROM segment_syncs ORDER BY id')).toEqual([
      { state: 'done' },
      { state: 'held' },
    ]);
    expect(inLedger(world, 'SELECT id FROM segment_chunks')).toEqual([]);
  };

  test('a file that was under way when the backup was made, and of which nobody knows, is held and keeps no other from the segment', async () => {
    await diedUnderWay();
    const rejected = await world.cli(['reject', 'p2', '--reason', 'a newer one comes']);
    expect([0, 3], rejected.stderr).toContain(rejected.code);
    world.drop('c.csv', snapshot(people(5, 34)));
    expect((await world.run('segments')).run).toMatchObject({ delivered: 30, open: 0, held: 0 });
    expect(members()).toEqual(people(5, 34));
    expect((await world.run('segments')).run.files).toEqual([]);
    expect((await world.cli(['verify-segment', 'vip', '--json'])).json()).toMatchObject({ missing: 0, strangers: 0 });
  });

  test('a newer snapshot passes such a file, and released after it, it changes nothing', async () => {
    await diedUnderWay();
    world.drop('c.csv', snapshot(people(5, 34)));
    expect((await world.run('segments')).run).toMatchObject({ delivered: 30, open: 0, balanced: true });
    expect(members()).toEqual(people(5, 34));
    await world.cli(['release', 'p2', '--reason', 'looked']);
    expect(members()).toEqual(people(5, 34));
    expect(new Set(newest(world, 'b.csv').map((fate) => fate.split(' ')[2]))).toEqual(new Set(['SUPERSEDED']));
  });
});

describe('after a restore, where the target cannot be read', () => {
  let segments: SegmentsWorld;
  afterEach(() => segments.close());

  const opened = async (): Promise<string> => {
    segments = await openSegmentsWorld();
    segments.drop('a.csv', users(1, 20));
    await segments.world.run('segments');
    const copy = await backup(segments.world);
    segments.drop('b.csv', users(3, 22));
    expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 20 });
    return copy;
  };

  test('the next sync waits for a person with both numbers, and released it sends all that the file says', async () => {
    const copy = await opened();
    await loseAndRestore(segments.world, copy, true);
    segments.drop('c.csv', users(1, 20));
    const before = segments.braze.received.length;
    const { run, code } = await segments.world.run('segments');
    expect(code).toBe(3);
    expect(run.files[0]).toMatchObject({ code: 'SEGMENT_RESTORED', held: 20 });
    const held = await segments.world.cli(['held']);
    expect(held.stdout).toMatch(/20 members are confirmed in VIP customers, and the file names 20/);
    expect(segments.members().sort()).toEqual(users(3, 22).sort());
    expect(
      segments.braze.received.slice(before).flatMap(({ body }) => JSON.stringify(body).match(/user-/) ?? []),
    ).toEqual([]);
    const id = /\bp\d+\b/.exec(held.stdout)?.[0] ?? '';
    expect((await segments.world.cli(['release', id, '--reason', 'looked'])).code).toBe(0);
    // Confirmed in the backup, removed since: they are there again.
    expect(segments.members()).toEqual(expect.arrayContaining(users(1, 20)));
    segments.drop('d.csv', users(1, 20));
    expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 20, held: 0 });
  });

  test('what files of the lost time changed is known by their results, so that the next file removes those whom they added', async () => {
    const copy = await opened();
    await loseAndRestore(segments.world, copy);
    segments.drop('c.csv', users(1, 20));
    await segments.world.run('segments');
    const held = await segments.world.cli(['held']);
    expect(held.stdout).toContain('SEGMENT_RESTORED');
    const id = /\bp\d+\b/.exec(held.stdout)?.[0] ?? '';
    await segments.world.cli(['release', id, '--reason', 'looked']);
    expect(segments.members().sort()).toEqual(users(1, 20).sort());
  });

  test('a file that waited for a person in the lost time waits again', async () => {
    segments = await openSegmentsWorld();
    segments.drop('a.csv', users(1, 20));
    await segments.world.run('segments');
    const copy = await backup(segments.world);
    segments.drop('b.csv', users(1, 5));
    expect((await segments.world.run('segments')).run).toMatchObject({ held: 5 });
    await loseAndRestore(segments.world, copy);
    const { run } = await segments.world.run('segments');
    expect(segments.members().sort()).toEqual(users(1, 20).sort());
    expect(run.open).toBe(0);
    expect((await segments.world.cli(['held'])).stdout).toContain('LEDGER_RESTORED');
    expect(new Set(newest(segments.world, 'b.csv').map((fate) => fate.split(' ')[1]))).toEqual(new Set(['held']));
  });
});
