import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { type HubspotStandIn, startHubspot } from '../../src/sandbox/hubspot/server.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { snapshot } from './support/segments-world.ts';
import { fromEnv, type Json } from './support/usual-job.ts';

const OLD = 'ann.old@example.com';
const NEW = 'ann.new@example.com';
const person = (n: number): string => `p${n}@example.com`;
const OTHERS = Array.from({ length: 12 }, (_, n) => person(n)).sort();

let world: World;
let hubspot: HubspotStandIn;
let ann = '';

/** Ann is one contact with two addresses; the others have one each. */
beforeEach(async () => {
  world = await openWorld();
  const limits = { requests: 100_000, windowMs: 100 };
  hubspot = await startHubspot({ io: realIo(createLog('silent')), token: 'segments-token', limits });
  ann = hubspot.contacts.add({ email: NEW, hs_additional_emails: OLD }).id;
  for (const email of OTHERS) hubspot.contacts.add({ email });
  Object.assign(world.env, { SEGMENTS_SECRET: 'segments-token' });
});
afterEach(async () => {
  await hubspot.stop();
  await world.close();
});

function writeJob(target: Json = {}, more: Json = {}): void {
  const quick = { patience: '20s', backoff: { first: '5ms', cap: '20ms' }, requestsPer10Seconds: 10_000 };
  const job: Json = {
    pipeline: 'sync-segment',
    source: { url: `file://${world.served}/inbox`, match: '*.csv', stable: { for: '0s' } },
    file: { trailer: { startsWith: 'TRAILER', delimiter: '|', count: 2 } },
    members: { id: 'id' },
    segments: { vip: 'VIP customers' },
    target: {
      hubspot: { account: 'acme', token: fromEnv('SEGMENTS_SECRET'), url: hubspot.url, ...quick, ...target },
    },
    delivery: { maxAttempts: 2, backoff: { first: '5ms', cap: '40ms' } },
    ...more,
  };
  writeFileSync(join(world.jobs, 'segments.yaml'), JSON.stringify(job, null, 2), { mode: 0o600 });
}

async function sync(name: string, members: readonly string[]): Promise<void> {
  world.drop(name, snapshot(members));
  const { run, stderr } = await world.run('segments');
  expect(run, stderr).toMatchObject({ delivered: members.length, open: 0, balanced: true, halted: null });
}

const there = (): Set<string> => new Set(hubspot.lists.all().flatMap((list) => [...list.members]));

test('an address that leaves the list takes nobody along who is to stay by another one', async () => {
  writeJob();
  await sync('a.csv', [OLD, NEW, ...OTHERS]);
  expect(there().size).toBe(13);
  await sync('b.csv', [NEW, ...OTHERS]);
  expect(there()).toContain(ann);
  const { stdout, stderr } = await world.cli(['verify-segment', 'vip']);
  expect(stdout, stderr).toContain('they are the same');
  await sync('c.csv', OTHERS);
  expect(there()).not.toContain(ann);
});

test.each([
  [OLD, NEW],
  [NEW, OLD],
])('from %s to %s in calls of one member each, she stays', async (before, after) => {
  writeJob({ membersPerCall: 1 });
  await sync('a.csv', [before, ...OTHERS]);
  await sync('b.csv', [after, ...OTHERS]);
  expect(there()).toContain(ann);
  const { stdout, stderr } = await world.cli(['verify-segment', 'vip']);
  expect(stdout, stderr).toContain('they are the same');
});

test('changes that remove one address leave her in by the other, until that goes too', async () => {
  writeJob();
  await sync('a.csv', [OLD, NEW, ...OTHERS]);
  const action = { column: 'action', add: ['add'], remove: ['remove'] };
  writeJob({}, { members: { id: 'id', kind: 'changes', action } });
  for (const [name, id, stays] of [
    ['b.csv', NEW, true],
    ['c.csv', OLD, false],
  ] as const) {
    world.drop(name, `id,action\n${id},remove\nTRAILER|1\n`);
    const { run, stderr } = await world.run('segments');
    expect(run, stderr).toMatchObject({ delivered: 1, open: 0, halted: null });
    expect(there().has(ann)).toBe(stays);
  }
});

test('verify-segment agrees where a member is confirmed by an additional address, and a repair leaves her in', async () => {
  writeJob({ membersPerCall: 1 });
  await sync('a.csv', [OLD, ...OTHERS]);
  const same = await world.cli(['verify-segment', 'vip', '--json']);
  expect(JSON.parse(same.stdout), same.stderr).toMatchObject({ confirmed: 13, missing: 0, strangers: 0 });
  for (const list of hubspot.lists.all()) list.members.delete(hubspot.contacts.byValue('email', person(3))?.id ?? '');
  const mended = await world.cli(['verify-segment', 'vip', '--repair', '--json']);
  expect(JSON.parse(mended.stdout)).toMatchObject({ missing: 1, strangers: 0, repaired: { added: 1, removed: 0 } });
  expect(there().size).toBe(13);
});

test('a list that is taken over knows her by the address that the file names', async () => {
  const list = hubspot.lists.add('VIP customers');
  for (const email of [NEW, ...OTHERS]) list.members.add(hubspot.contacts.byValue('email', email)?.id ?? '');
  writeJob({}, { guards: { adopt: true } });
  await sync('a.csv', [OLD, ...OTHERS]);
  expect(hubspot.received.filter(({ path }) => path.endsWith('/add-and-remove'))).toEqual([]);
  expect(there().size).toBe(13);
});
