import { mkdirSync, rmdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fates } from './support/e2e-results.ts';
import { openSegmentsWorld, type SegmentsWorld, user, users } from './support/segments-world.ts';
import type { Json } from './support/usual-job.ts';

let segments: SegmentsWorld;

const JOB: Json = {
  segments: { vip: 'VIP customers', lapsed: 'Lapsed' },
  file: null,
  members: { kind: 'changes', action: { folders: {} }, segmentFrom: 'file' },
  guards: { unvouched: 'accept', maxShrink: 1, maxGrowth: 100 },
};

const rows = (...ids: string[]): string => ['id', ...ids].map((line) => `${line}\n`).join('');
const drop = (path: string, ids: string[], age: number): void => segments.world.drop(path, rows(...ids), age);
const run = async (): ReturnType<SegmentsWorld['world']['run']> => segments.world.run('segments');
const decide = (verb: string, file: string) =>
  segments.world.cli([verb, file, '--by', 'eve', '--reason', 'looked at', '--json']);

beforeEach(async () => {
  segments = await openSegmentsWorld({ job: JOB });
  for (const side of ['add', 'remove']) mkdirSync(join(segments.world.served, 'inbox', side));
});
afterEach(() => segments.close());

test('the folder of a file says what becomes of its members, its name of which segment, and the oldest of both folders goes first', async () => {
  drop('add/vip-1.csv', users(1, 6), 100);
  drop('remove/vip-1.csv', users(1, 2), 90);
  drop('add/vip-2.csv', [user(2)], 80);
  drop('add/lapsed-1.csv', users(1, 2), 70);
  drop('remove/lapsed-2.csv', [user(1)], 60);
  const { code, run: found } = await run();
  expect(found, JSON.stringify(found)).toMatchObject({ delivered: 12, rejected: 0, balanced: true });
  expect(code).toBe(0);
  expect(found.files.map(({ path }) => path)).toEqual([
    'add/vip-1.csv',
    'remove/vip-1.csv',
    'add/vip-2.csv',
    'add/lapsed-1.csv',
    'remove/lapsed-2.csv',
  ]);
  expect(segments.members('vip').sort()).toEqual(users(2, 6));
  expect(segments.members('lapsed').sort()).toEqual([user(2)]);
  expect(segments.world.files('results').filter((name) => name.includes('vip-1'))).toEqual([
    'add.vip-1.csv.results.csv',
    'remove.vip-1.csv.results.csv',
  ]);
  expect(fates(segments.results('remove.vip-1.csv'))).toEqual(['2 delivered', '3 delivered']);
  const archived = segments.world.files('archive').map((name) => name.split('.csv')[0]);
  expect(archived.sort()).toEqual(['add.lapsed-1', 'add.vip-1', 'add.vip-2', 'remove.lapsed-2', 'remove.vip-1']);
});

test('of two files of the same time the one that removes goes first, so that who is in both stays', async () => {
  drop('add/vip-0.csv', users(1, 5), 100);
  await run();
  drop('add/vip-9.csv', [user(5), user(6)], 50);
  drop('remove/vip-9.csv', [user(5), user(4)], 50);
  for (const side of ['add', 'remove']) utimesSync(join(segments.world.served, 'inbox', side, 'vip-9.csv'), 1e9, 1e9);
  const { run: found } = await run();
  expect(found.files.map(({ path }) => path)).toEqual(['remove/vip-9.csv', 'add/vip-9.csv']);
  expect(segments.members('vip').sort()).toEqual([...users(1, 3), user(5), user(6)]);
});

test('a file beside the folders is not taken, and told of; one that is given by hand counts by its folder', async () => {
  drop('add/vip-1.csv', users(1, 5), 100);
  drop('vip-2.csv', users(1, 5), 100);
  const dry = await segments.world.cli(['run', 'segments', '--dry-run']);
  expect(dry.stdout).toMatch(/ {2}note: vip-2\.csv in .* was not taken: .* \(OUTSIDE_FOLDERS\)/);
  const { run: found } = await run();
  expect(found.files).toHaveLength(1);
  expect(found.notices).toEqual([expect.objectContaining({ code: 'OUTSIDE_FOLDERS' })]);
  expect(segments.world.files('inbox')).toContain('vip-2.csv');
  drop('remove/vip-3.csv', users(1, 2), 100);
  const byHand = await segments.world.cli([
    'run',
    'segments',
    '--file',
    `${segments.world.served}/inbox/remove/vip-3.csv`,
  ]);
  expect(byHand.code, byHand.stderr).toBe(0);
  expect(segments.members('vip').sort()).toEqual(users(3, 5));
});

test('a file given by hand that lies in neither folder is not taken, as the command says', async () => {
  drop('vip-4.csv', users(1, 5), 100);
  for (const more of [[], ['--dry-run']]) {
    const byHand = await segments.world.cli([
      ...['run', 'segments', '--file', `${segments.world.served}/inbox/vip-4.csv`],
      ...more,
    ]);
    expect(byHand.code).toBe(2);
    expect(byHand.stderr).toContain('vip-4.csv lies in inbox/');
    expect(byHand.stderr).toContain('remove/ or add/');
  }
  expect((await segments.world.cli(['files', 'segments'])).stdout).toContain('no such file is known');
});

test('a file that is held is still decided about where the other folder has one of the same contents', async () => {
  drop('add/vip-1.csv', users(1, 10), 100);
  await run();
  segments.job({ ...JOB, guards: { unvouched: 'accept', maxShrink: 1, maxGrowth: 0.2 } });
  drop('add/vip-2.csv', users(11, 20), 90);
  expect((await run()).run.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_GROWS' });
  drop('remove/vip-2.csv', users(11, 20), 80);
  expect((await run()).run).toMatchObject({ open: 10, balanced: true });
  const held = await segments.world.cli(['held', 'segments']);
  expect(held.stdout).toContain('add/vip-2.csv');
  const released = await decide('release', 'add/vip-2.csv');
  expect(released.json(), released.stderr).toMatchObject({ run: { delivered: 20, open: 0, balanced: true } });
  expect(segments.members('vip').sort()).toEqual(users(1, 10).sort());
});

test('both folders have to be there: the run and doctor name the one that is not', async () => {
  rmdirSync(join(segments.world.served, 'inbox', 'remove'));
  drop('add/vip-1.csv', users(1, 5), 100);
  const { code, run: found } = await run();
  expect(code).not.toBe(0);
  expect(found.halted).toMatchObject({ code: 'NO_SUCH_FOLDER', reason: expect.stringContaining('inbox/remove') });
  const doctor = await segments.world.cli(['doctor', 'segments']);
  expect(doctor.stdout + doctor.stderr).toContain('inbox/remove');
});

test('a running number is read from the name of a file, whichever folder it lies in', async () => {
  segments.job({ ...JOB, file: { trailer: null, sequence: { pattern: '^[a-z]+-(\\d{4})\\.csv$' } } });
  drop('add/vip-0016.csv', users(1, 3), 100);
  drop('remove/vip-0017.csv', [user(1)], 90);
  const { run: found } = await run();
  expect(found, JSON.stringify(found)).toMatchObject({ delivered: 4, held: 0, balanced: true });
  expect(segments.members('vip').sort()).toEqual(users(2, 3));
});
