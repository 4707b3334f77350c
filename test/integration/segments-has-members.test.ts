import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { type HubspotStandIn, startHubspot } from '../../src/sandbox/hubspot/server.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { people, person, QUICK, snapshot, writeSegmentsJob } from './support/segments-world.ts';
import { fromEnv, type Json } from './support/usual-job.ts';

const io = realIo(createLog('silent'));
let world: World;
let hubspot: HubspotStandIn;
const job = (guards: Json = {}): void => {
  const quick = { ...QUICK, requestsPer10Seconds: 10_000 };
  const target = {
    hubspot: { account: 'acme', token: fromEnv('SEGMENTS_SECRET'), url: hubspot.url, ...quick },
  };
  writeSegmentsJob(world, target, { guards: { maxShrink: 1, maxGrowth: 100, ...guards } });
};

beforeEach(async () => {
  world = await openWorld();
  world.env.SEGMENTS_SECRET = 'segments-token';
  hubspot = await startHubspot({ io, token: 'segments-token', limits: { requests: 100_000, windowMs: 100 } });
  for (const email of people(1, 40)) hubspot.contacts.add({ email });
  const list = hubspot.lists.add('VIP customers');
  for (const n of [4, 39, 40]) list.members.add(hubspot.contacts.byValue('email', person(n))?.id ?? '');
  job();
  world.drop('a.csv', snapshot(people(1, 5)));
});
afterEach(async () => {
  await hubspot.stop();
  await world.close();
});

const members = (): string[] =>
  hubspot.lists
    .all()
    .flatMap((list) => [...list.members])
    .map((id) => hubspot.contacts.byId(id)?.properties.email ?? '')
    .sort();

test('a list that has members nobody knows of is held; released, whom the file names come to them, and the others stay', async () => {
  const before = members();
  const { run, code } = await world.run('segments');
  expect(run.files).toMatchObject([{ state: 'held', code: 'SEGMENT_HAS_MEMBERS', held: 5 }]);
  expect(code).toBe(3);
  expect((await world.cli(['held'])).stdout).toContain(
    'the target has 3 members in VIP customers that we know nothing',
  );
  expect(members()).toEqual(before);
  const released = await world.cli(['release', 'a.csv', '--reason', 'these belong to it']);
  expect(released.code, released.stdout + released.stderr).toBe(0);
  expect(members()).toEqual([...people(1, 5), ...people(39, 40)].sort());
  // From here on they are changes to what is confirmed, and the two strangers are nobody's.
  world.drop('b.csv', snapshot(people(2, 6)));
  expect((await world.run('segments')).run).toMatchObject({ delivered: 5, balanced: true });
  expect(members()).toEqual([...people(2, 6), ...people(39, 40)].sort());
});

test('adopted, the list is taken over: whom the file does not name are removed', async () => {
  job({ adopt: true });
  const { run, stderr } = await world.run('segments');
  expect(run, stderr).toMatchObject({ delivered: 5, held: 0, balanced: true });
  expect(members()).toEqual(people(1, 5));
  expect((await world.cli(['verify-segment', 'vip'])).code).toBe(0);
});

test('taking a list over shrinks it, which the guard of that still judges', async () => {
  job({ adopt: true, maxShrink: 0.2 });
  const { run } = await world.run('segments');
  expect(run.files).toMatchObject([{ state: 'held', code: 'SEGMENT_SHRINKS' }]);
  expect(members()).toEqual([person(39), person(40), person(4)]);
});
