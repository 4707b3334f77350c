import { afterEach, beforeEach, expect, test } from 'vitest';
import type { IterableStandIn } from '../../src/sandbox/iterable/server.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { iterableTarget, people, person, writeSegmentsJob } from './support/segments-world.ts';
import { type Json, merged } from './support/usual-job.ts';

let world: World;
let iterable: IterableStandIn;
let target: Json;

/** Two segments in one file, of which a column says which one a row is of. */
const TWO = {
  members: { id: 'id', segmentFrom: 'column', segmentColumn: 'segment' },
  segments: { vip: 'VIP customers', lapsed: 'Lapsed customers' },
};
const CHANGES = { ...TWO, members: { ...TWO.members, kind: 'changes', action: { column: 'action' } } };

beforeEach(async () => {
  world = await openWorld();
  ({ iterable, target } = await iterableTarget(world));
});
afterEach(async () => {
  await iterable.stop();
  await world.close();
});

function drop(name: string, rows: readonly string[], header = 'segment,id'): void {
  world.drop(name, [header, ...rows, `TRAILER|${rows.length}`].map((line) => `${line}\n`).join(''));
}
const rowsOf = (segment: string, members: readonly string[]): string[] => members.map((each) => `${segment},${each}`);
const listOf = (name: string) => iterable.lists.all().find((list) => list.name === name);
const members = (name: string): string[] => [...(listOf(name)?.members ?? [])].sort();
const release = (file: string) => world.cli(['release', file, '--by', 'eve', '--reason', 'deleted by mistake']);

/** Both have ten members, and then somebody deletes the list of one. */
async function withOneGone(job: Json): Promise<void> {
  writeSegmentsJob(world, target, { ...TWO, ...job });
  drop('a.csv', [...rowsOf('vip', people(1, 10)), ...rowsOf('lapsed', people(11, 20))]);
  expect((await world.run('segments')).run).toMatchObject({ delivered: 20, open: 0 });
  const id = listOf('VIP customers')?.id ?? 0;
  expect(iterable.lists.remove(id)).toBe(true);
}

test('a list that somebody deleted holds its segment, and the others go on; released, everybody is in the new list', async () => {
  await withOneGone({});
  drop('b.csv', [...rowsOf('vip', people(1, 11)), ...rowsOf('lapsed', people(12, 20))]);
  const { code, run } = await world.run('segments');
  expect(run).toMatchObject({ delivered: 9, held: 11, open: 0, halted: null, balanced: true });
  expect(code).toBe(3);
  expect(members('Lapsed customers')).toEqual(people(12, 20));
  expect(listOf('VIP customers')).toBeUndefined();
  const held = await world.cli(['held', 'segments']);
  expect(held.stdout).toContain('the list of VIP customers, with 10 confirmed members, is not at the target any more');

  const released = await release('p2');
  expect(released.code, released.stderr + released.stdout).toBe(0);
  expect(members('VIP customers')).toEqual(people(1, 11));
  drop('c.csv', [...rowsOf('vip', people(2, 11)), ...rowsOf('lapsed', people(12, 20))]);
  expect((await world.run('segments')).run).toMatchObject({ delivered: 19, held: 0, balanced: true });
  expect(members('VIP customers')).toEqual(people(2, 11));
});

test.each([undefined, 'chunk-answered', 'chunk-settled'])(
  'changes of a segment whose list was deleted: once released, all confirmed members and the changes are in the new list (killed at %s)',
  async (place) => {
    await withOneGone({});
    writeSegmentsJob(world, target, CHANGES);
    const header = 'segment,id,action';
    drop('b.csv', [`vip,${person(3)},remove`, `vip,${person(21)},add`], header);
    expect((await world.run('segments')).run).toMatchObject({ held: 2, balanced: true });
    if (place) {
      const died = await world.cli(['release', 'p2', '--by', 'eve', '--reason', 'so'], { REFERRY_CRASH_AT: place });
      expect(died.stderr + died.stdout).toContain('crash point');
      expect((await world.run('segments')).run).toMatchObject({ open: 0, balanced: true });
    } else {
      const released = await release('p2');
      expect(released.code, released.stderr + released.stdout).toBe(0);
    }
    const wanted = [...people(1, 10).filter((each) => each !== person(3)), person(21)].sort();
    expect(members('VIP customers')).toEqual(wanted);
    const verified = await world.cli(['verify-segment', 'vip', '--json']);
    expect(verified.json()).toMatchObject({ confirmed: 10, missing: 0, strangers: 0 });
  },
);

test('a sync that is under way when its list is deleted is held as well, and can be released or rejected', async () => {
  writeSegmentsJob(world, target, TWO);
  drop('a.csv', rowsOf('vip', people(1, 10)));
  const died = await world.cli(['run', 'segments'], { REFERRY_CRASH_AT: 'chunk-claimed' });
  expect(died.stderr).toContain('crash point');
  iterable.lists.remove(listOf('VIP customers')?.id ?? 0);
  drop('b.csv', rowsOf('lapsed', people(11, 20)));
  const { run } = await world.run('segments');
  expect(run).toMatchObject({ held: 10, delivered: 10, open: 0, halted: null, balanced: true });
  const released = await release('p1');
  expect(released.code, released.stderr + released.stdout).toBe(0);
  expect(members('VIP customers')).toEqual(people(1, 10));
});

test('where the job itself names the list, the held file is rejected, another list is named, and the file is dropped once more', async () => {
  const own = iterable.lists.add('Our VIPs');
  const naming = (listId: number): Json => merged(target, { iterable: { listId } });
  writeSegmentsJob(world, naming(own.id));
  world.drop('a.csv', ['id', ...people(1, 10), 'TRAILER|10'].map((line) => `${line}\n`).join(''));
  expect((await world.run('segments')).run).toMatchObject({ delivered: 10 });
  iterable.lists.remove(own.id);
  const text = ['id', ...people(1, 11), 'TRAILER|11'].map((line) => `${line}\n`).join('');
  world.drop('b.csv', text);
  expect((await world.run('segments')).run).toMatchObject({ held: 11, halted: null });
  const again = await release('p2');
  expect(again.code, again.stderr + again.stdout).toBe(3);
  const rejected = await world.cli(['reject', 'p2', '--by', 'eve', '--reason', 'the list is gone']);
  expect(rejected.code, rejected.stderr).toBe(0);

  const other = iterable.lists.add('Our new VIPs');
  writeSegmentsJob(world, naming(other.id));
  world.drop('b.csv', text);
  expect((await world.run('segments')).run).toMatchObject({ delivered: 11, open: 0, balanced: true });
  expect([...other.members].sort()).toEqual(people(1, 11));
});
