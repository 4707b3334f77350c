import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { noticeClock } from '../../src/ledger/clock.ts';
import { openLedger } from '../../src/ledger/open.ts';
import type { RunAccount } from '../../src/model.ts';
import { run } from '../../src/schedule/verbs/run.ts';
import { csv, row } from './support/e2e-rows.ts';
import { gatheredFiles } from './support/gathering.ts';
import { openSegmentsWorld, type SegmentsWorld } from './support/segments-world.ts';
import type { Json } from './support/usual-job.ts';

const DAY = 86_400_000;
/** The days of a test begin at noon, so that none is cut by midnight. */
const NOON = Math.floor(Date.now() / DAY) * DAY + DAY / 2;

const lately = (days: number, more: Json = {}): Json => ({
  source: { match: null },
  file: null,
  members: { id: null, from: 'ledger', ledger: { jobs: ['feed'], events: ['account_opened'], days, ...more } },
  guards: { maxShrink: 0.6, maxGrowth: 5 },
});

let segments: SegmentsWorld;

beforeEach(async () => {
  yesterday = 0;
  segments = await openSegmentsWorld({ job: lately(3) });
  segments.world.job('feed');
});
afterEach(() => segments.close());

let yesterday = 0;

/** A run of a job so many days from now. The machine was on since the one before, so that its clock is believed. */
async function runOnDay(day: number, job = 'segments'): Promise<RunAccount> {
  const { world } = segments;
  const real = realIo(createLog('silent'));
  const began = real.now();
  const io = { ...real, now: () => NOON + day * DAY + (real.now() - began), env: { ...process.env, ...world.env } };
  const ledger = await openLedger(world.ledger, 'command', io);
  try {
    for (let on = yesterday; on < day; on++) noticeClock(ledger, NOON + on * DAY);
    yesterday = day;
    const { signal } = new AbortController();
    const options = { ledger, io, signal, jobs: world.jobs, state: world.state, cause: 'command' } as const;
    return (await run.execute({ verb: 'run', job }, options)).executed.account;
  } finally {
    await ledger.close();
  }
}

/** Accounts of these people are opened, all on one day. */
async function opened(day: number, ...people: number[]): Promise<void> {
  const rows = people.map((n) => row(`A-${day}-${n}`, { member: `user-${n}` }));
  segments.world.drop(`day-${day}.csv`, csv(rows));
  const account = await runOnDay(day, 'feed');
  expect(account.counts).toMatchObject({ delivered: people.length });
}

test('who was delivered within the days is in the segment, and leaves it at the midnight after the last of them', async () => {
  await opened(0, 1, 2, 3);
  expect(await runOnDay(0)).toMatchObject({ counts: { delivered: 3, open: 0 }, balanced: true });
  expect(segments.members().sort()).toEqual(['user-1', 'user-2', 'user-3']);
  await opened(1, 3, 4, 5);
  await runOnDay(1);
  expect(segments.members().sort()).toEqual(['user-1', 'user-2', 'user-3', 'user-4', 'user-5']);
  const before = segments.braze.received.length;
  const same = await runOnDay(2);
  expect(same).toMatchObject({ counts: { delivered: 5, open: 0 } });
  expect(await runOnDay(2.1)).toMatchObject({ files: [], notices: [] });
  expect(segments.braze.received.length).toBe(before);
  const last = await runOnDay(3);
  expect(last.files[0]?.segments).toMatchObject([{ before: 5, desired: 3, added: 0, removed: 2, after: 3 }]);
  expect(last.files[0]?.name).toMatch(/^segments-delivered-\d{8}-[0-9a-f]{8}\.csv$/);
  expect(segments.members().sort()).toEqual(['user-3', 'user-4', 'user-5']);
  expect(gatheredFiles(segments.world.state, 'members')).toEqual([]);
});

test('a dry run says who would come and go, and takes nothing', async () => {
  await opened(0, 1, 2, 3);
  await runOnDay(0);
  await opened(0.1, 3, 4);
  const before = segments.braze.received.length;
  const { code, stdout, stderr } = await segments.world.cli(['run', 'segments', '--dry-run']);
  expect(stdout, stderr).toContain('vip: 4 named, 3 confirmed: would add 1, remove 0; 3 unchanged');
  expect(code).toBe(0);
  expect(segments.braze.received.length).toBe(before);
  expect(gatheredFiles(segments.world.state, 'members')).toEqual([]);
  expect((await runOnDay(0.2)).counts).toMatchObject({ delivered: 4 });
});

test('where a run would take nothing, a dry run says so, and not that an empty segment would be held', async () => {
  const nothing = 'segments: nothing to take: nobody was delivered, or its newest file says the same already';
  const look = () => segments.world.cli(['run', 'segments', '--dry-run']);
  await runOnDay(0);
  expect(await look()).toMatchObject({ code: 0, stdout: expect.stringContaining(nothing) });
  await opened(0, 1, 2, 3);
  expect((await look()).stdout).toContain('would add 3');
  await runOnDay(0);
  expect(await look()).toMatchObject({ code: 0, stdout: expect.stringContaining(nothing) });
});

test('where the people of the window cannot be known any more, nothing is synced, and doctor says so', async () => {
  await opened(0, 1, 2);
  await runOnDay(0);
  await opened(1, 3);
  rmSync(join(segments.world.state, 'staging', 'p1'), { recursive: true });
  const account = await runOnDay(1);
  expect(account.halted).toMatchObject({
    code: 'MEMBERS_PRUNED',
    reason: expect.stringContaining('the people of 2 rows that were delivered in the last 3 days'),
  });
  expect(account.files).toEqual([]);
  expect(segments.members().sort()).toEqual(['user-1', 'user-2']);
  const doctor = await segments.world.cli(['doctor', 'segments']);
  expect(doctor.stdout).toMatch(/rows that feed delivered\n.*FAIL.*MEMBERS_PRUNED/);
  // Once they are out of the window, nothing is missing.
  await opened(3, 4);
  segments.job({ ...lately(3), guards: { maxShrink: 1, maxGrowth: 5 } });
  expect((await runOnDay(3)).halted).toBeUndefined();
  expect(segments.members().sort()).toEqual(['user-3', 'user-4']);
});

test('a segment that nobody was delivered for is none, and one that nobody is in any more is held', async () => {
  const nobody = await runOnDay(0);
  expect([nobody.files, nobody.halted]).toEqual([[], undefined]);
  await opened(0, 1, 2);
  await runOnDay(0);
  const empty = await runOnDay(5);
  expect(empty.files[0]).toMatchObject({ state: 'held', refusal: { code: 'SEGMENT_EMPTY' } });
  expect(await runOnDay(5.1)).toMatchObject({ files: [] });
  expect(segments.members().sort()).toEqual(['user-1', 'user-2']);
});

test('who comes, goes and comes again is added again, though the list is the same as before', async () => {
  segments.job({ ...lately(1), guards: { maxShrink: 1, maxGrowth: 5 } });
  await opened(0, 1, 2);
  await runOnDay(0);
  await opened(1, 2);
  await runOnDay(1);
  expect(segments.members()).toEqual(['user-2']);
  await opened(2, 1, 2);
  await runOnDay(2);
  expect(segments.members().sort()).toEqual(['user-1', 'user-2']);
});

test('members whom the target refused are asked for again, and rows without an id are told of', async () => {
  segments.world.drop(
    'a.csv',
    csv([row('A-1', { member: 'user-1' }), row('A-2', { member: '' }), row('A-3', { member: 'stranger' })]),
  );
  await runOnDay(0, 'feed');
  segments.job({ ...lately(3), target: { braze: { cohort: { lookUp: { apiKey: 'rest-key' } } } } });
  const first = await runOnDay(0);
  expect(first.notices).toMatchObject([
    { code: 'MEMBERS_WITHOUT_ID', message: expect.stringContaining('1 delivered row names no member') },
  ]);
  expect(first.counts).toMatchObject({ delivered: 1, rejected: 1 });
  expect((await runOnDay(0.1)).counts).toMatchObject({ delivered: 1, rejected: 1 });
});

test('rows of a file that is still being delivered count as soon as they are delivered', async () => {
  const { world } = segments;
  const drop = (name: string, ...people: number[]): void =>
    world.drop(`${name}.csv`, csv(people.map((n) => row(`${name}-${n}`, { member: `user-${n}` }))));
  drop('a', 1);
  expect((await world.run('feed')).run).toMatchObject({ delivered: 1 });
  drop('b', 2, 3);
  const died = await world.cli(['run', 'feed'], { REFERRY_CRASH_AT: 'committed:2' });
  expect(died.stderr).toContain('crash point committed');
  expect((await world.run('segments')).run).toMatchObject({ delivered: 3, halted: null });
  expect(segments.members().sort()).toEqual(['user-1', 'user-2', 'user-3']);
  expect((await world.run('feed')).run).toMatchObject({ delivered: 2 });
  // The same rows, now that the file has an account: nobody came or went.
  expect((await world.run('segments')).run.files).toEqual([]);
});

test('forget says beforehand which segments stop with the staged copies that it takes, and they stop with that reason', async () => {
  const { world } = segments;
  const asked = 'asked.to.be.gone@example.com';
  world.drop('a.csv', csv([row('A-1', { member: 'user-1' }), row('A-2', { member: 'user-2', email: asked })]));
  await world.run('feed');
  await world.run('segments');
  const before = await world.cli(['forget', asked]);
  expect(before.stdout).toContain('segment job segments would stop (MEMBERS_PRUNED): 1 file of its last 3 days');
  const gone = await world.cli(['forget', asked, '--yes', '--reason', 'asked', '--json']);
  expect(gone.json()).toMatchObject({ done: true, windows: [{ job: 'segments', days: 3, files: 1 }] });
  expect((await world.run('segments')).run.halted).toMatchObject({
    code: 'MEMBERS_PRUNED',
    reason: expect.stringContaining('by retention or by `referry forget`'),
  });
  expect(segments.members().sort()).toEqual(['user-1', 'user-2']);
});

test('after a restore nothing is synced before it is known again what was delivered', async () => {
  const { world } = segments;
  const delivered = async (name: string, ...people: number[]): Promise<void> => {
    world.drop(`${name}.csv`, csv(people.map((n) => row(`${name}-${n}`, { member: `user-${n}` }))));
    expect((await world.run('feed')).run).toMatchObject({ delivered: people.length });
  };
  await delivered('a', 1, 2);
  await world.run('segments');
  const made = await world.cli(['backup', '--to', join(world.root, 'b'), '--json']);
  await delivered('b', 3);
  await world.run('segments');
  for (const part of ['', '-wal', '-shm']) rmSync(world.ledger + part, { force: true });
  rmSync(join(world.served, 'results', 'b.csv.results.csv'));
  expect((await world.cli(['restore', String(made.json().path)])).code).toBe(3);
  const unsure = await world.run('segments');
  expect(unsure.run.halted).toMatchObject({
    code: 'MEMBERS_UNSURE',
    reason: expect.stringContaining('1 row of feed waits for somebody to say'),
  });
  expect(segments.members().sort()).toEqual(['user-1', 'user-2', 'user-3']);
  const confirmed = await world.cli(['confirm', 'b.csv', '--code', 'LEDGER_RESTORED', '--reason', 'is there']);
  expect(confirmed.code, confirmed.stderr).toBe(0);
  // Braze cannot say who is in the cohort.
  const { run: held } = await world.run('segments');
  expect(held.files.at(-1)).toMatchObject({ code: 'SEGMENT_RESTORED', held: 3 });
  expect(segments.members().sort()).toEqual(['user-1', 'user-2', 'user-3']);
});
