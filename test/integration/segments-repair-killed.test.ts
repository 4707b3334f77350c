import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { IterableStandIn } from '../../src/sandbox/iterable/server.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { iterableTarget, people, person, snapshot, writeSegmentsJob } from './support/segments-world.ts';

let world: World;
let iterable: IterableStandIn;

/** Thirty people are confirmed; somebody else took ten of them out, and put two others in. */
beforeEach(async () => {
  world = await openWorld();
  const place = await iterableTarget(world);
  iterable = place.iterable;
  writeSegmentsJob(world, place.target);
  world.drop('a.csv', snapshot(people(1, 30)));
  expect((await world.run('segments')).run).toMatchObject({ delivered: 30, balanced: true });
  const [list] = iterable.lists.all();
  for (let n = 1; n <= 10; n++) list?.members.delete(person(n));
  for (const n of [39, 40]) list?.members.add(person(n));
});
afterEach(async () => {
  await iterable.stop();
  await world.close();
});

const members = (): string[] =>
  iterable.lists
    .all()
    .flatMap((list) => [...list.members])
    .sort();

function inLedger(sql: string): unknown[] {
  const db = new Database(world.ledger, { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
const syncs = (): unknown[] => inLedger('SELECT kind, state, after FROM segment_syncs ORDER BY id');
const chunks = (): unknown[] => inLedger('SELECT id FROM segment_chunks');

async function killedAt(place: string): Promise<void> {
  const died = await world.cli(['verify-segment', 'vip', '--repair'], { REFERRY_CRASH_AT: place });
  expect(died.stderr).toContain(`crash point ${place}`);
  expect(syncs()).toMatchObject([{ state: 'done' }, { kind: 'repair', state: 'running' }]);
}

test.each(['sync-begun', 'chunk-claimed', 'chunk-answered', 'chunk-settled'])(
  'a repair that is killed at %s is told of, and ended by the next repair, which does the rest',
  async (place) => {
    await killedAt(place);
    const looked = await world.cli(['verify-segment', 'vip']);
    expect(looked.code).not.toBe(0);
    expect(looked.stderr).toContain('referry verify-segment vip --repair --job segments');
    const { code, stdout, stderr } = await world.cli(['verify-segment', 'vip', '--repair', '--json']);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ confirmed: 30 });
    expect(members()).toEqual(people(1, 30));
    expect(chunks()).toEqual([]);
    expect(syncs()).not.toContainEqual(expect.objectContaining({ state: 'running' }));
    const same = await world.cli(['verify-segment', 'vip']);
    expect([same.code, same.stderr]).toEqual([0, '']);
  },
);

test('a repair that is killed with a chunk under way is ended by the next run before the new file is compared', async () => {
  await killedAt('chunk-claimed');
  world.drop('b.csv', snapshot(people(2, 31)));
  const { run, code, stderr } = await world.run('segments');
  expect(run, stderr).toMatchObject({ delivered: 30, open: 0, balanced: true, halted: null });
  expect(code).toBe(0);
  expect(chunks()).toEqual([]);
  expect(syncs()).toMatchObject([
    { kind: 'snapshot', state: 'done', after: 30 },
    { kind: 'repair', state: 'done', after: 30 },
    { kind: 'snapshot', state: 'done', after: 30 },
  ]);
  const mended = await world.cli(['verify-segment', 'vip', '--repair']);
  expect(mended.code, mended.stderr).toBe(0);
  expect(members()).toEqual(people(2, 31));
});

test('a repair that the target stopped is gone on with once it takes changes again', async () => {
  iterable.setFaults(({ method }) => (method === 'GET' ? undefined : { kind: 'status', status: 503 }));
  const job = join(world.jobs, 'segments.yaml');
  const { target, ...rest } = JSON.parse(readFileSync(job, 'utf8'));
  writeFileSync(job, JSON.stringify({ ...rest, target: { iterable: { ...target.iterable, patience: '100ms' } } }));
  const repair = (): ReturnType<World['cli']> => world.cli(['verify-segment', 'vip', '--repair']);
  expect((await repair()).code).not.toBe(0);
  const again = await repair();
  expect(again.code).not.toBe(0);
  expect(again.stderr).toContain('the repair of vip that was broken off is not through yet');
  iterable.setFaults(undefined);
  const mended = await repair();
  expect(mended.code, mended.stderr).toBe(0);
  expect(members()).toEqual(people(1, 30));
  expect(chunks()).toEqual([]);
});
