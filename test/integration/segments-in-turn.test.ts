import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, user, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

const changes = (rows: readonly string[]): string => ['id,action', ...rows].map((line) => `${line}\n`).join('');
const JOB = {
  segments: { vip: 'VIP customers', lapsed: 'Lapsed' },
  file: null,
  members: { id: 'id', kind: 'changes', action: { column: 'action' }, segmentFrom: 'file' },
  guards: { unvouched: 'accept', maxShrink: 1, maxGrowth: 100 },
};

beforeEach(async () => {
  segments = await openSegmentsWorld({ job: JOB });
});
afterEach(() => segments.close());

const drop = (name: string, rows: readonly string[], age: number): void =>
  segments.world.drop(name, changes(rows), age);
const run = async () => (await segments.world.run('segments')).run;

test('changes wait in the inbox for an older file of their segment that waits for its manifest; other segments go on', async () => {
  const manifest = { name: '{name}.ctl', wait: '1h', kind: 'control', control: { count: 'rows' } };
  segments.job({ ...JOB, source: { manifest } });
  const control = (name: string, rows: number): void => segments.world.drop(`${name}.ctl`, `rows=${rows}\n`, 5);
  drop('vip-1.csv', [`${user(1)},add`, `${user(2)},add`], 100);
  drop('vip-2.csv', [`${user(2)},remove`], 90);
  drop('vip-3.csv', [`${user(3)},add`], 80);
  drop('lapsed-1.csv', [`${user(9)},add`], 70);
  for (const [name, rows] of [
    ['vip-2.csv', 1],
    ['vip-3.csv', 1],
    ['lapsed-1.csv', 1],
  ] as const)
    control(name, rows);
  const first = await run();
  expect(first.files.map(({ path }) => path)).toEqual(['lapsed-1.csv']);
  expect(first.notices).toContainEqual({
    code: 'FILE_BEFORE_AWAITED',
    message:
      'vip-2.csv and 1 more wait for vip-1.csv, which is older and not there as a whole yet: changes of a segment go in order',
  });
  control('vip-1.csv', 2);
  const second = await run();
  expect(second.files.map(({ path }) => path)).toEqual(['vip-1.csv', 'vip-2.csv', 'vip-3.csv']);
  expect(second.notices).toEqual([]);
  expect(segments.members('vip').sort()).toEqual([user(1), user(3)]);
  expect(segments.members('lapsed')).toEqual([user(9)]);
});

test('one that is still being written is waited for, and taken first within the run', async () => {
  segments.job({ ...JOB, source: { stable: { for: '0s', marker: '{name}.done' } } });
  drop('vip-1.csv', [`${user(1)},add`], 100);
  drop('vip-2.csv', [`${user(1)},remove`], 90);
  segments.world.drop('vip-2.csv.done', '', 80);
  expect((await run()).files).toEqual([]);
  segments.world.drop('vip-1.csv.done', '', 80);
  expect((await run()).files.map(({ path }) => path)).toEqual(['vip-1.csv', 'vip-2.csv']);
  expect(segments.members('vip')).toEqual([]);
});

test('changes wait for a file before them that was taken and cannot be read; other segments go on', async () => {
  drop('vip-1.csv', [`${user(1)},add`], 100);
  await segments.world.cli(['run', 'segments'], { REFERRY_CRASH_AT: 'taken:1' });
  const [name = ''] = segments.world.files('processing');
  const taken = join(segments.world.served, 'processing', name);
  renameSync(taken, `${taken}-aside`);
  mkdirSync(taken);
  drop('vip-2.csv', [`${user(1)},remove`], 90);
  drop('lapsed-1.csv', [`${user(9)},add`], 80);
  for (let n = 0; n < 2; n++) {
    const { run: found, stderr } = await segments.world.run('segments');
    expect(found).toMatchObject({ balanced: true });
    expect(stderr).toContain('VIP customers waits for p1 (vip-1.csv), which could not be read yet');
    expect(segments.members('vip')).toEqual([]);
    expect(segments.members('lapsed')).toEqual([user(9)]);
  }
  rmdirSync(taken);
  renameSync(`${taken}-aside`, taken);
  expect(await run()).toMatchObject({ open: 0, balanced: true });
  expect(segments.members('vip')).toEqual([]);
  for (const each of ['vip-1.csv', 'vip-2.csv'])
    expect(segments.results(each).map(({ outcome }) => outcome)).toEqual(['delivered']);
});

test('snapshots go as they come: the younger one says all there is to say', async () => {
  const manifest = { name: '{name}.ctl', wait: '1h', kind: 'control', control: { count: 'rows' } };
  segments.job({ ...JOB, source: { manifest }, members: { segmentFrom: 'file' } });
  const snapshot = (name: string, ids: string[], age: number): void =>
    segments.world.drop(name, ['id', ...ids].map((line) => `${line}\n`).join(''), age);
  snapshot('vip-1.csv', users(1, 2), 100);
  snapshot('vip-2.csv', users(1, 4), 90);
  segments.world.drop('vip-2.csv.ctl', 'rows=4\n', 5);
  expect((await run()).files.map(({ path }) => path)).toEqual(['vip-2.csv']);
});
