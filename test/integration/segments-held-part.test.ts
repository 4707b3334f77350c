import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { openSegmentsWorld, type SegmentsWorld, users } from './support/segments-world.ts';
import type { Json } from './support/usual-job.ts';

let segments: SegmentsWorld;

const JOB: Json = {
  segments: { vip: 'VIP customers', lapsed: 'Lapsed' },
  file: null,
  guards: { unvouched: 'accept' },
  members: { segmentFrom: 'column', segmentColumn: 'segment' },
};

const rows = (vip: readonly string[], lapsed: readonly string[]): string =>
  ['id,segment', ...vip.map((id) => `${id},vip`), ...lapsed.map((id) => `${id},lapsed`)]
    .map((line) => `${line}\n`)
    .join('');
const members = (): [string[], string[]] => [segments.members('vip').sort(), segments.members('lapsed').sort()];
const sorted = (...lists: string[][]): string[][] => lists.map((list) => [...list].sort());
const run = async (): ReturnType<SegmentsWorld['world']['run']> => segments.world.run('segments');
const decide = (verb: string, ...more: string[]) =>
  segments.world.cli([verb, 'p2', '--by', 'eve', '--reason', 'looked at', ...more]);

beforeEach(async () => {
  segments = await openSegmentsWorld({ job: JOB });
  segments.world.drop('a.csv', rows(users(1, 10), users(11, 20)));
  expect((await run()).run).toMatchObject({ delivered: 20, balanced: true });
});
afterEach(() => segments.close());

test('one segment of a file is held and the others are synced; released, it follows', async () => {
  segments.world.drop('b.csv', rows(users(1, 11), users(11, 12)));
  const { code, run: found } = await run();
  expect(found).toMatchObject({ held: 2, delivered: 11, balanced: true });
  expect(found.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_SHRINKS' });
  expect(code).toBe(3);
  expect(members()).toEqual(sorted(users(1, 11), users(11, 20)));
  expect(fates(segments.results('b.csv')).slice(-3)).toEqual([
    '12 delivered',
    '13 held SEGMENT_SHRINKS',
    '14 held SEGMENT_SHRINKS',
  ]);
  const held = await segments.world.cli(['held', 'segments']);
  expect(held.stdout).toContain('would lose 8 of 10 confirmed members (80 %), 20 % is allowed');
  expect(held.stdout).toContain('the other segment of the file goes on');
  const explained = await segments.world.cli(['explain', 'user-12', '--json']);
  expect(explained.stdout, explained.stderr).toContain('the segment is held as a whole; this row was not sent');
  const released = await decide('release', '--json');
  expect(released.json()).toMatchObject({ rows: 2, run: { delivered: 2, held: 0, balanced: true } });
  expect(members()).toEqual(sorted(users(1, 11), users(11, 12)));
  expect((await run()).code).toBe(0);
});

test('the held segment of a file that a person rejects stays as it is, and what was synced of it stays synced', async () => {
  segments.world.drop('b.csv', rows(users(1, 11), users(11, 12)));
  await run();
  const rejected = await decide('reject', '--json');
  expect(rejected.json()).toMatchObject({ rows: 2, run: { delivered: 0, rejected: 2, balanced: true } });
  expect(members()).toEqual(sorted(users(1, 11), users(11, 20)));
  expect((await run()).code).toBe(0);
  expect(members()).toEqual(sorted(users(1, 11), users(11, 20)));
});

test('rows that contradict each other end with their segment where a person rejects it, and are counted before', async () => {
  segments.job({
    ...JOB,
    members: { kind: 'changes', action: { column: 'op' }, segmentFrom: 'column', segmentColumn: 'segment' },
  });
  const changes = (ids: string[], op: string, segment: string): string =>
    ids.map((id) => `${id},${op},${segment}\n`).join('');
  const both = (id: string, segment: string): string =>
    changes([id], 'add', segment) + changes([id], 'remove', segment);
  const lapsed = changes(users(11, 18), 'remove', 'lapsed') + both('user-30', 'lapsed');
  segments.world.drop(
    'b.csv',
    `id,op,segment\n${changes(['user-21'], 'add', 'vip')}${both('user-31', 'vip')}${lapsed}`,
  );
  expect((await run()).run).toMatchObject({ delivered: 1, held: 8, conflict: 4, balanced: true });
  const rejected = await decide('reject', '--json');
  expect(rejected.json()).toMatchObject({ rows: 10, run: { rejected: 10, conflict: 0, balanced: true } });
  const revised = readResults(segments.world.read('results/b.csv.results.r2.csv'));
  expect(fates(revised).filter((fate) => fate.includes('conflict'))).toHaveLength(2);
});

test('explain says that a file was processed again, and not its segment, where that alone was held', async () => {
  segments.world.drop('b.csv', rows(users(1, 11), users(11, 12)));
  await run();
  await decide('reprocess');
  const { rows: explained } = JSON.parse((await segments.world.cli(['explain', 'user-12', '--json'])).stdout);
  const reasons = explained.map(({ reason }: { reason: string }) => reason);
  expect(reasons).toContain('the file was processed again; this row was not sent from here');
});

test('a newer snapshot takes the place of what is held of an older one, which is never applied over it', async () => {
  segments.world.drop('b.csv', rows(users(1, 11), users(11, 12)));
  await run();
  segments.world.drop('c.csv', rows(users(1, 12), users(11, 19)));
  expect((await run()).run).toMatchObject({ delivered: 21, held: 0, balanced: true });
  expect(members()).toEqual(sorted(users(1, 12), users(11, 19)));
  const released = await decide('release', '--json');
  expect(released.json()).toMatchObject({ run: { delivered: 0, rejected: 2, balanced: true } });
  expect(segments.world.read('results/b.csv.results.r2.csv').toString()).toContain('SUPERSEDED');
  expect(members()).toEqual(sorted(users(1, 12), users(11, 19)));
});

test('two segments of a file are held, each with its own code and its own numbers', async () => {
  segments.world.drop('b.csv', rows(users(1, 30), users(11, 12)));
  const { run: found } = await run();
  expect(found).toMatchObject({ held: 32, delivered: 0, balanced: true });
  const codes = new Set(segments.results('b.csv').map(({ code }) => code));
  expect([...codes]).toEqual(['SEGMENT_GROWS', 'SEGMENT_SHRINKS']);
  const held = await segments.world.cli(['held', 'segments']);
  expect(held.stdout).toContain('20 members more than the 10');
  expect(held.stdout).toContain('would lose 8 of 10');
  expect((await decide('release', '--json')).json()).toMatchObject({ run: { delivered: 32, balanced: true } });
  expect(members()).toEqual(sorted(users(1, 30), users(11, 12)));
});

test('a segment that a snapshot has no row of is held as an empty one, and the others are synced; released, it is emptied', async () => {
  segments.world.drop('b.csv', rows(users(1, 11), []));
  const { code, run: found } = await run();
  expect(found).toMatchObject({ held: 0, delivered: 11, balanced: true });
  expect(found.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_EMPTY' });
  expect(code).toBe(3);
  expect(members()).toEqual(sorted(users(1, 11), users(11, 20)));
  const held = await segments.world.cli(['held', 'segments']);
  expect(held.stdout).toContain('the snapshot of Lapsed names no member, and 10 are confirmed');
  segments.job({ ...JOB, target: { braze: { patience: '500ms' } } });
  segments.braze.setFaults(() => '503pre');
  await decide('release');
  expect(members()[1]).toHaveLength(10);
  segments.braze.setFaults(undefined);
  expect((await run()).run).toMatchObject({ balanced: true });
  expect(members()).toEqual(sorted(users(1, 11), []));
  segments.world.drop('c.csv', rows(users(1, 12), users(11, 15)));
  expect((await run()).run).toMatchObject({ delivered: 17, held: 0, balanced: true });
  expect(members()).toEqual(sorted(users(1, 12), users(11, 15)));
});

test('where files leave segments out on purpose, they stay as they are, and each report says so', async () => {
  segments.job({ ...JOB, guards: { unvouched: 'accept', missing: 'keep' } });
  segments.world.drop('b.csv', rows(users(1, 11), []));
  const { code, run: found } = await run();
  expect(code).toBe(0);
  expect(found).toMatchObject({ delivered: 11, held: 0, balanced: true });
  const report = readFileSync(String(found.reportPath).replace(/html$/, 'json'), 'utf8');
  expect(report).toContain('no row of the snapshot is of lapsed: its 10 confirmed members stay');
  expect(members()).toEqual(sorted(users(1, 11), users(11, 20)));
});

test('a segment that is taken out of the job keeps its list, and comes back with what changed since', async () => {
  segments.job({ ...JOB, segments: { vip: 'VIP customers' } });
  segments.world.drop('b.csv', rows(users(1, 11), users(11, 19)));
  expect((await run()).run).toMatchObject({ delivered: 11, rejected: 9, balanced: true });
  expect(members()).toEqual(sorted(users(1, 11), users(11, 20)));
  segments.job(JOB);
  segments.world.drop('c.csv', rows(users(1, 11), users(11, 19)));
  expect((await run()).run).toMatchObject({ delivered: 20, rejected: 0, held: 0, balanced: true });
  expect(members()).toEqual(sorted(users(1, 11), users(11, 19)));
});

test('what is held of a segment that the job does not name any more is released into the list that it had', async () => {
  segments.world.drop('b.csv', rows(users(1, 10), users(11, 15)));
  expect((await run()).run).toMatchObject({ held: 5, delivered: 10 });
  segments.job({ ...JOB, segments: { vip: 'VIP customers' } });
  expect((await decide('release', '--json')).json()).toMatchObject({ run: { delivered: 5, balanced: true } });
  expect(members()).toEqual(sorted(users(1, 10), users(11, 15)));
  expect(segments.braze.cohorts.get('lapsed')?.name).toBe('Lapsed');
});

test.each(['sync-begun', 'chunk-claimed', 'chunk-answered', 'sync-ended', 'published'])(
  'a process that dies at %s goes on: the held segment is untouched, the other is synced once, and each row has its outcome',
  async (place) => {
    segments.world.drop('b.csv', rows(users(2, 11), users(11, 12)));
    const died = await segments.world.cli(['run', 'segments'], { REFERRY_CRASH_AT: place });
    expect(died.stderr).toContain('crash point');
    expect((await run()).run).toMatchObject({ open: 0, balanced: true });
    expect(members()).toEqual(sorted(users(2, 11), users(11, 20)));
    expect(fates(segments.results('b.csv')).slice(-3)).toEqual([
      '11 delivered',
      '12 held SEGMENT_SHRINKS',
      '13 held SEGMENT_SHRINKS',
    ]);
    const again = await segments.world.cli(['release', 'p2', '--reason', 'so it is'], { REFERRY_CRASH_AT: place });
    expect(again.stderr).toContain('crash point');
    await run();
    expect(members()).toEqual(sorted(users(2, 11), users(11, 12)));
    const second = readResults(segments.world.read('results/b.csv.results.r2.csv'));
    expect(fates(second).slice(-2)).toEqual(['12 delivered', '13 delivered']);
  },
);

test('what a person rejected is not applied by the run after a death, whatever the guards allow by then', async () => {
  segments.world.drop('b.csv', rows(users(1, 11), users(11, 12)));
  await run();
  segments.job({ ...JOB, guards: { unvouched: 'accept', maxShrink: 1 } });
  const died = await segments.world.cli(['reject', 'p2', '--reason', 'cut off'], {
    REFERRY_CRASH_AT: 'decision-planned',
  });
  expect(died.stderr).toContain('crash point');
  expect((await run()).run).toMatchObject({ rejected: 2, open: 0, balanced: true });
  expect(members()).toEqual(sorted(users(1, 11), users(11, 20)));
});
