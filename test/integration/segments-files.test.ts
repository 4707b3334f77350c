import { afterEach, expect, test } from 'vitest';
import { fates } from './support/e2e-results.ts';
import { openSegmentsWorld, type SegmentsWorld, snapshot, user, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

afterEach(() => segments.close());

const lines = (...rows: string[]): string => rows.map((row) => `${row}\n`).join('');
const CHANGES = {
  file: null,
  members: { kind: 'changes', action: { column: 'op' } },
  guards: { unvouched: 'accept', maxShrink: 1 },
};

test('changes add and remove whom they name, and nobody else; who is both added and removed stays as before', async () => {
  segments = await openSegmentsWorld({ job: CHANGES });
  segments.world.drop('a.csv', lines('id,op', ...users(1, 6).map((id) => `${id},add`)));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 6, balanced: true });
  const rows = [
    'user-1,REMOVE',
    'user-7,A',
    'user-2,add',
    'user-3,add',
    'user-3,remove',
    'user-8,maybe',
    ',add',
    'user-7,a',
  ];
  segments.world.drop('b.csv', lines('id,op', ...rows));
  const { code, run } = await segments.world.run('segments');
  expect(run).toMatchObject({ delivered: 3, conflict: 2, rejected: 2, duplicate: 1, balanced: true });
  expect(code).toBe(3);
  expect(fates(segments.results('b.csv'))).toEqual([
    '2 delivered',
    '3 delivered',
    '4 delivered',
    '5 conflict CONFLICT_IN_FILE',
    '6 conflict CONFLICT_IN_FILE',
    '7 rejected ACTION_UNKNOWN',
    '8 rejected KEY_MISSING',
    '9 duplicate DUPLICATE_IN_FILE',
  ]);
  expect(segments.members().sort()).toEqual(users(2, 7).sort());
});

test('where the name of the file says what is to be done, all of its rows are that', async () => {
  segments = await openSegmentsWorld({ job: { ...CHANGES, members: { kind: 'changes', action: {} } } });
  segments.world.drop('vip-add-1.csv', lines('id', ...users(1, 4)), 60);
  segments.world.drop('vip-remove-2.csv', lines('id', 'user-2'), 50);
  segments.world.drop('vip-3.csv', lines('id', 'user-3'), 40);
  const { run } = await segments.world.run('segments');
  expect(run).toMatchObject({ delivered: 5, rejected: 1, balanced: true });
  expect(run.files.map(({ code }) => code)).toEqual([undefined, undefined, 'TOO_MANY_REJECTED']);
  expect(segments.members().sort()).toEqual([user(1), user(3), user(4)]);
});

test('changes that were cut off in the last id of a row that removes name somebody else, and are held', async () => {
  segments = await openSegmentsWorld({ job: { ...CHANGES, guards: { unvouched: 'hold', maxShrink: 1 } } });
  segments.world.drop('a.csv', lines('op,id', ...users(1, 12).map((id) => `add,${id}`)));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 12, balanced: true });
  const whole = lines('op,id', 'add,user-13', 'remove,user-12');
  segments.world.drop('b.csv', whole.slice(0, -2));
  const { run } = await segments.world.run('segments');
  expect(run.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_UNVOUCHED' });
  expect(segments.members().sort()).toEqual(users(1, 12).sort());
  segments.world.drop('c.csv', whole.replace('13', '14'));
  await segments.world.cli(['reject', 'p2', '--reason', 'it was cut off']);
  await segments.world.run('segments');
  await segments.world.cli(['release', 'p3', '--reason', 'it is whole']);
  expect(segments.members().sort()).toEqual([...users(1, 11), user(14)].sort());
});

const SEVERAL = { segments: { vip: 'VIP customers', lapsed: 'Lapsed' } };

test('a file with a column of segments is many snapshots, and a segment that it does not name stays as it is', async () => {
  segments = await openSegmentsWorld({
    job: {
      ...SEVERAL,
      file: null,
      guards: { unvouched: 'accept', maxShrink: 1 },
      members: { segmentFrom: 'column', segmentColumn: 'segment' },
    },
  });
  const rows = [...users(1, 5).map((id) => `${id},vip`), ...users(4, 6).map((id) => `${id},lapsed`), 'user-9,other'];
  segments.world.drop('a.csv', lines('id,segment', ...rows));
  const { run } = await segments.world.run('segments');
  expect(run).toMatchObject({ delivered: 8, rejected: 1, balanced: true });
  expect(segments.results('a.csv').at(-1)).toMatchObject({ outcome: 'rejected', code: 'SEGMENT_NOT_ALLOWED' });
  expect([segments.members('vip').sort(), segments.members('lapsed').sort()]).toEqual([users(1, 5), users(4, 6)]);
  segments.world.drop('b.csv', lines('id,segment', 'user-1,vip', 'user-2,vip'));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 2, balanced: true });
  expect([segments.members('vip').sort(), segments.members('lapsed').sort()]).toEqual([users(1, 2), users(4, 6)]);
});

test('the segment can stand in the name of the file', async () => {
  segments = await openSegmentsWorld({ job: { ...SEVERAL, members: { segmentFrom: 'file' } } });
  segments.drop('lapsed-20261121.csv', users(1, 3));
  segments.drop('vip_2026-11-21.csv', users(7, 9));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 6 });
  expect([segments.members('vip').sort(), segments.members('lapsed').sort()]).toEqual([users(7, 9), users(1, 3)]);
});

test('a held file is told by status and by held also where the same ids came once more, for another segment', async () => {
  segments = await openSegmentsWorld({ job: { ...SEVERAL, members: { segmentFrom: 'file' } } });
  segments.drop('vip-1.csv', users(1, 20));
  await segments.world.run('segments');
  segments.drop('vip-2.csv', users(1, 3));
  expect((await segments.world.run('segments')).run.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_SHRINKS' });
  segments.drop('lapsed-1.csv', users(1, 3));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 3 });
  const { waiting } = JSON.parse((await segments.world.cli(['held', '--json'])).stdout);
  expect(waiting).toMatchObject([{ kind: 'file', file: 'p2', rows: 3 }]);
  const { jobs } = JSON.parse((await segments.world.cli(['status', '--json'])).stdout);
  expect(jobs[0]).toMatchObject({ files: { held: { count: 1 } }, rows: { held: { count: 3 } } });
});

test('a refused file beside a good one leaves the report one of members and segments', async () => {
  segments = await openSegmentsWorld({});
  segments.drop('a.csv', users(1, 3));
  segments.world.drop('b.csv', snapshot(['user-1'], 'name'));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 3, seen: { refused: 1 } });
  const name = segments.world.files('reports').find((each) => each.endsWith('.html')) ?? '';
  const html = segments.world.read(`reports/${name}`).toString();
  expect(html).toContain('Rows by segment');
  expect(html).not.toContain('Event names');
});

test('members that the target knows nobody by are rejected with their line, and asked for again by the next file', async () => {
  segments = await openSegmentsWorld({
    job: { target: { braze: { cohort: { lookUp: { apiKey: 'rest-key', requestsPerMinute: 100_000 } } } } },
  });
  segments.drop('a.csv', [...users(1, 3), 'nobody-1', 'nobody-2']);
  const { code, run } = await segments.world.run('segments');
  expect(run, JSON.stringify(run)).toMatchObject({ delivered: 3, rejected: 2, balanced: true });
  expect(code).toBe(0);
  expect(fates(segments.results('a.csv')).slice(3)).toEqual(['5 rejected MEMBER_UNKNOWN', '6 rejected MEMBER_UNKNOWN']);
  segments.drop('b.csv', [...users(1, 3), 'nobody-1']);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 3, rejected: 1, balanced: true });
  expect(segments.members().sort()).toEqual(users(1, 3));
});

test('an id keeps its zeros, its capitals and its digits', async () => {
  const ids = ['007', '7', '9007199254740993', 'ABC', 'abc', '1E5x'];
  segments = await openSegmentsWorld({ braze: { known: ids.map((id) => `external_id ${id}`) } });
  segments.world.drop('a.csv', snapshot(ids));
  await segments.world.run('segments');
  expect(segments.members().sort()).toEqual([...ids].sort());
});
