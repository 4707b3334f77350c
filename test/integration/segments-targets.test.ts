import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { startExtole } from '../../src/sandbox/extole/server.ts';
import { startHubspot } from '../../src/sandbox/hubspot/server.ts';
import { startKlaviyo } from '../../src/sandbox/klaviyo/server.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { iterableTarget, people, person, QUICK, snapshot, writeSegmentsJob } from './support/segments-world.ts';
import { fromEnv, fromFile, type Json } from './support/usual-job.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];
let world: World;

beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await world.close();
});

const NAME = 'VIP customers';
const WIDE = Number.POSITIVE_INFINITY;

interface Place {
  target: Json;
  members(): string[];
  /** Somebody else makes a person a member, or none; absent where nobody can read who is one. */
  meddle?(email: string, isMember: boolean): void;
}

/** Each place, with people 1 to 40 known there. */
const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  async extole() {
    const extole = await startExtole({ io, tokens: ['segments-token'], requestsPerMinute: WIDE });
    opened.push(() => extole.close());
    const quick = { ...QUICK, poll: '20ms', requestsPerMinute: 1_000_000 };
    return {
      target: { extole: { account: 'acme', token: fromEnv('SEGMENTS_SECRET'), apiUrl: extole.url, ...quick } },
      members: () => extole.audiences.all().flatMap((audience) => [...audience.members]),
      meddle: (email, isMember) => void extole.audiences.set(extole.audiences.all()[0]?.id ?? '', email, isMember),
    };
  },
  async extoleFiles() {
    const root = mkdtempSync(join(tmpdir(), 'referry-segments-'));
    opened.push(async () => rmSync(root, { recursive: true }));
    const sandbox = await startSandbox({ io, root, sftpPort: 0, extolePort: 0, extoleSftpPort: 0 });
    opened.push(() => sandbox.close());
    const { id } = sandbox.extole.audiences.make(NAME);
    for (const change of ['add', 'remove'])
      mkdirSync(join(root, 'extole/sftp/audiences', id, change), { recursive: true });
    const { EXTOLE_SFTP_URL = '', EXTOLE_SFTP_HOST_KEY = '', EXTOLE_SFTP_KEY_FILE = '' } = sandbox.env;
    const url = EXTOLE_SFTP_URL.replace(/events$/, 'audiences');
    const sftp = { url, hostKey: EXTOLE_SFTP_HOST_KEY, privateKey: fromFile(EXTOLE_SFTP_KEY_FILE) };
    return {
      target: { extoleFiles: { account: 'acme', audiences: { vip: id }, poll: '100ms', settle: '5s', sftp } },
      members: () => [...(sandbox.extole.audiences.get(id)?.members ?? [])],
    };
  },
  async hubspot() {
    const limits = { requests: 100_000, windowMs: 100 };
    const hubspot = await startHubspot({ io, token: 'segments-token', limits });
    opened.push(() => hubspot.stop());
    for (const email of people(1, 40)) hubspot.contacts.add({ email });
    const quick = { ...QUICK, requestsPer10Seconds: 10_000 };
    return {
      target: { hubspot: { account: 'acme', token: fromEnv('SEGMENTS_SECRET'), url: hubspot.url, ...quick } },
      members: () =>
        hubspot.lists
          .all()
          .flatMap((list) => [...list.members])
          .map((id) => hubspot.contacts.byId(id)?.properties.email ?? ''),
      meddle(email, isMember) {
        const id = hubspot.contacts.byValue('email', email)?.id ?? '';
        for (const list of hubspot.lists.all()) isMember ? list.members.add(id) : list.members.delete(id);
      },
    };
  },
  async klaviyo() {
    const klaviyo = await startKlaviyo({ io, apiKey: 'segments-token', limits: { perSecond: WIDE, perMinute: WIDE } });
    opened.push(() => klaviyo.stop());
    for (const email of people(1, 40)) klaviyo.profiles.upsert({ email });
    const quick = { ...QUICK, requestsPerSecond: 10_000, requestsPerMinute: 600_000, lookUpsPerMinute: 100_000 };
    const counts = { countsPerMinute: 100_000 };
    return {
      target: {
        klaviyo: { account: 'acme', apiKey: fromEnv('SEGMENTS_SECRET'), url: klaviyo.url, ...quick, ...counts },
      },
      members() {
        const ids = new Set([...klaviyo.lists.values()].flatMap((list) => [...list]));
        return klaviyo.profiles.all().flatMap(({ id, email = '' }) => (ids.has(id) ? [email] : []));
      },
      meddle(email, isMember) {
        const id = klaviyo.profiles.all().find((profile) => profile.email === email)?.id ?? '';
        for (const list of klaviyo.lists.values()) isMember ? list.add(id) : list.delete(id);
      },
    };
  },
  async iterable() {
    const { iterable, target } = await iterableTarget(world);
    opened.push(() => iterable.stop());
    return {
      target,
      members: () => iterable.lists.all().flatMap((list) => [...list.members]),
      meddle(email, isMember) {
        for (const list of iterable.lists.all()) isMember ? list.members.add(email) : list.members.delete(email);
      },
    };
  },
};

function writeJob(target: Json, change?: Json): void {
  writeSegmentsJob(world, target, change);
  world.env.SEGMENTS_SECRET = 'segments-token';
}

test.each(Object.entries(PLACES))(
  'a job keeps a segment at %s: who came is added, who left is removed',
  async (_name, place) => {
    const { target, members } = await place();
    writeJob(target);
    const check = await world.cli(['check']);
    expect(check.code, check.stdout + check.stderr).toBe(0);
    world.drop('a.csv', snapshot(people(1, 30)));
    const first = await world.run('segments');
    expect(first.run, first.stderr).toMatchObject({ delivered: 30, open: 0, balanced: true, halted: null });
    expect(first.code).toBe(0);
    expect(members().sort()).toEqual(people(1, 30));
    world.drop('b.csv', snapshot(people(4, 34)));
    const { run, code, stderr } = await world.run('segments');
    expect(run, stderr).toMatchObject({ delivered: 31, open: 0, balanced: true, halted: null });
    expect(code).toBe(0);
    expect(members().sort()).toEqual(people(4, 34));
  },
);

test.each(Object.entries(PLACES).filter(([name]) => ['extole', 'hubspot', 'klaviyo', 'iterable'].includes(name)))(
  'verify-segment tells what somebody else changed at %s, and puts it right',
  async (_name, place) => {
    const { target, members, meddle } = await place();
    writeJob(target);
    world.drop('a.csv', snapshot(people(1, 30)));
    await world.run('segments');
    const same = await world.cli(['verify-segment', 'vip']);
    expect(same.stdout, same.stderr).toContain('they are the same');
    expect(same.code).toBe(0);
    for (const n of [1, 2, 3]) meddle?.(person(n), false);
    for (const n of [39, 40]) meddle?.(person(n), true);
    const told = await world.cli(['verify-segment', 'vip', '--json']);
    expect(told.code).toBe(3);
    const findings = { confirmed: 30, atTarget: 29, missing: 3, strangers: 2 };
    expect(JSON.parse(told.stdout)).toMatchObject({ job: 'segments', segment: 'vip', ...findings });
    expect(told.stdout).not.toContain(person(1));
    expect(members()).toHaveLength(29);
    const mended = await world.cli(['verify-segment', 'vip', '--repair', '--json']);
    expect(JSON.parse(mended.stdout)).toMatchObject({ ...findings, repaired: { added: 3, removed: 2, open: 0 } });
    expect(mended.code).toBe(0);
    expect(members().sort()).toEqual(people(1, 30));
    world.drop('b.csv', snapshot(people(2, 31)));
    expect((await world.run('segments')).run).toMatchObject({ delivered: 30, open: 0, balanced: true });
    expect(members().sort()).toEqual(people(2, 31));
  },
);

test('a repair that would remove more than the guards allow changes nothing', async () => {
  const { target, members, meddle } = (await PLACES.iterable?.()) ?? { target: {}, members: () => [] };
  writeJob(target);
  world.drop('a.csv', snapshot(people(1, 10)));
  await world.run('segments');
  for (let n = 11; n <= 20; n += 1) meddle?.(person(n), true);
  const { code, stderr } = await world.cli(['verify-segment', 'vip', '--repair']);
  expect(code).not.toBe(0);
  expect(stderr).toContain('would lose 10 of the 20 members that the target has');
  expect(members().sort()).toEqual(people(1, 20));
});

test('a job keeps files of a segment in an outbox: who came, who left, and all of them', async () => {
  const outbox = join(world.served, 'outbox');
  mkdirSync(outbox, { recursive: true });
  writeJob({
    files: { account: 'warehouse', to: { url: `file://${outbox}` }, column: 'customer', identifyBy: 'email' },
  });
  const linesOf = (name: string): string[] => readFileSync(join(outbox, name), 'utf8').trim().split('\n');
  const named = (ending: string): string[] => readdirSync(outbox).filter((name) => name.endsWith(ending));
  world.drop('a.csv', snapshot(people(1, 30)));
  const first = await world.run('segments');
  expect(first.run, first.stderr).toMatchObject({ delivered: 30, open: 0, balanced: true, halted: null });
  expect(readdirSync(outbox)).toHaveLength(2);
  expect(linesOf('vip_members.csv').toSorted()).toEqual(['customer', ...people(1, 30)]);
  for (const name of named('_added.csv')) rmSync(join(outbox, name));
  world.drop('b.csv', snapshot(people(4, 34)));
  expect((await world.run('segments')).run).toMatchObject({ delivered: 31, open: 0, balanced: true, halted: null });
  expect(named('_added.csv').flatMap(linesOf).toSorted()).toEqual(['customer', ...people(31, 34)]);
  expect(named('_removed.csv').flatMap(linesOf).toSorted()).toEqual(['customer', ...people(1, 3)]);
  expect(linesOf('vip_members.csv').toSorted()).toEqual(['customer', ...people(4, 34)]);
});

test('check names segments that have no audience, and two that share one', async () => {
  const sftp = { url: `file://${world.served}` };
  writeJob({ extoleFiles: { account: 'acme', audiences: { other: '4711' }, sftp } });
  const { code, stdout, stderr } = await world.cli(['check']);
  expect(code).toBe(2);
  expect(stdout + stderr).toContain('no audience is named for the segment vip');
  const shared = { extoleFiles: { account: 'acme', audiences: { vip: '4711', gold: '4711' }, sftp } };
  writeJob(shared, { members: { segmentFrom: 'file' }, segments: { gold: 'Gold customers' } });
  const twice = await world.cli(['check']);
  expect(twice.code).toBe(2);
  expect(twice.stdout + twice.stderr).toContain('the segments vip and gold have the same audience');
});
