import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import type { IterableStandIn } from '../../src/sandbox/iterable/server.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { iterableTarget, person, writeSegmentsJob } from './support/segments-world.ts';
import { type Json, merged } from './support/usual-job.ts';

const io = realIo(createLog('silent'));
const QUIET_MS = 3000;
let world: World;
let iterable: IterableStandIn;
let calls: { path: string; at: number }[];

beforeEach(async () => {
  world = await openWorld();
  calls = [];
  let target: Json;
  ({ iterable, target } = await iterableTarget(world));
  iterable.setFaults(({ path }) => {
    calls.push({ path, at: io.monotonic() });
    return undefined;
  });
  writeSegmentsJob(world, merged(target, { iterable: { quiet: `${QUIET_MS}ms` } }), {
    file: null,
    members: { kind: 'changes', action: { column: 'action' } },
    guards: { unvouched: 'accept', maxShrink: 1, maxGrowth: 100 },
  });
});
afterEach(async () => {
  await iterable.stop();
  await world.close();
});

const drop = (name: string, rows: string[], age: number): void =>
  world.drop(name, ['id,action', ...rows, ''].join('\n'), age);
const changes = () => calls.filter(({ path }) => path.endsWith('subscribe'));

test('the opposite of a change leaves no sooner than the target keeps the two apart, in one run and in two', async () => {
  drop('a.csv', [`${person(1)},add`, `${person(2)},add`], 100);
  drop('b.csv', [`${person(1)},remove`], 90);
  drop('c.csv', [`${person(2)},add`], 80);
  const { run, stderr } = await world.run('segments');
  expect(run, stderr).toMatchObject({ delivered: 4, open: 0, balanced: true });
  drop('d.csv', [`${person(1)},add`], 70);
  expect((await world.run('segments')).run).toMatchObject({ delivered: 1, open: 0 });
  const made = changes();
  // What the target has already needs no call.
  expect(made.map(({ path }) => path.split('/').at(-1))).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
  for (const [n, { at }] of made.slice(1).entries()) expect(at - (made[n]?.at ?? 0)).toBeGreaterThan(QUIET_MS - 100);
});
