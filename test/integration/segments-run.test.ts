import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, snapshot, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

beforeEach(async () => {
  segments = await openSegmentsWorld();
});
afterEach(() => segments.close());

test('a snapshot becomes the cohort, and of the next one only the differences leave', async () => {
  segments.drop('a.csv', users(1, 25));
  const first = await segments.world.run('segments');
  expect(first.run, first.stderr).toMatchObject({
    lane: 'members',
    delivered: 25,
    open: 0,
    balanced: true,
    halted: null,
  });
  expect(first.code).toBe(0);
  expect(segments.members().sort()).toEqual(users(1, 25).sort());
  expect(segments.braze.cohorts.get('vip')).toMatchObject({ name: 'VIP customers' });
  expect(segments.results('a.csv')).toHaveLength(25);
  const before = segments.braze.received.length;
  segments.drop('b.csv', users(3, 27));
  const { code, run } = await segments.world.run('segments');
  expect(run).toMatchObject({ delivered: 25, open: 0, balanced: true });
  expect(code).toBe(0);
  expect(segments.members().sort()).toEqual(users(3, 27).sort());
  expect(segments.braze.received.length - before).toBe(1);
});

test('a dry run says how many would be added and removed, shows ids masked, and changes nothing', async () => {
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  const before = segments.braze.received.length;
  segments.drop('b.csv', users(3, 28));
  const { code, stdout } = await segments.world.cli(['run', 'segments', '--dry-run']);
  expect(stdout).toMatch(/read \d+ = members named 26 \+ duplicate/);
  expect(stdout).toContain('vip: 26 named, 25 confirmed: would add 3, remove 2; 23 unchanged');
  expect(stdout).toMatch(/add, masked: \S+, \S+, \S+\n/);
  expect(stdout).not.toMatch(/user-\d/);
  expect(code).toBe(0);
  segments.drop('b.csv', users(13, 25));
  const held = await segments.world.cli(['run', 'segments', '--dry-run']);
  expect(held.stdout).toContain('would be held: SEGMENT_SHRINKS: VIP customers would lose 12 of 25 confirmed members');
  expect(held.code).toBe(3);
  expect(segments.braze.received.length).toBe(before);
  expect(segments.members()).toHaveLength(25);
});

test('the report says what became of each segment, and draws how many members it has had', async () => {
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  segments.drop('b.csv', users(3, 27));
  const { run } = await segments.world.run('segments');
  expect(run.files).toMatchObject([
    { path: 'b.csv', segments: [{ segment: 'vip', before: 25, added: 2, removed: 2, after: 25 }] },
  ]);
  const page = readFileSync(run.reportPath ?? '', 'utf8');
  expect(page).toContain('before + added - removed = after');
  expect(page).toMatch(/<svg[^>]* aria-label="25 now, 25 at most, over 2 syncs since /);
  const report = JSON.parse(readFileSync((run.reportPath ?? '').replace(/html$/, 'json'), 'utf8'));
  expect(report.files[0].segments).toEqual([
    expect.objectContaining({
      ...{ segment: 'vip', kind: 'snapshot', state: 'done', before: 25, desired: 25, added: 2, removed: 2 },
      ...{ unchanged: 23, rejected: 0, open: 0, after: 25 },
    }),
  ]);
  expect(readFileSync((run.reportPath ?? '').replace(/html$/, 'csv'), 'utf8')).toContain(
    'snapshot: 25 members before + 2 added - 2 removed = 25; 23 unchanged',
  );
});

test('status says how many members each segment has, and draws how many it has had', async () => {
  segments.drop('a.csv', users(1, 20));
  await segments.world.run('segments');
  segments.drop('b.csv', users(1, 24));
  await segments.world.run('segments');
  const { stdout } = await segments.world.cli(['status']);
  expect(stdout).toMatch(/segment +vip: 24 members, synced .* ago {2}▇█\n/);
  const { json } = await segments.world.cli(['status', '--json']);
  expect(json()).toMatchObject({
    jobs: [{ segments: [{ segment: 'vip', members: 24, running: false, history: [20, 24] }] }],
  });
});

test('explain says of a member what became of it, file by file', async () => {
  segments.drop('a.csv', [...users(1, 25), 'stranger']);
  await segments.world.run('segments');
  segments.drop('b.csv', users(1, 5));
  await segments.world.run('segments');
  const explained = async (key: string): Promise<unknown> => {
    const { stdout } = await segments.world.cli(['explain', key, '--json']);
    const { rows }: { rows: { file: { name: string }; outcome: string; code: string | null }[] } = JSON.parse(stdout);
    return rows.map(({ file, outcome, code }) => [file.name, outcome, code]);
  };
  expect(await explained('user-1')).toEqual([
    ['a.csv', 'delivered', null],
    ['b.csv', 'held', 'SEGMENT_SHRINKS'],
  ]);
  expect(await explained('user-25')).toEqual([['a.csv', 'delivered', null]]);
  const { stdout } = await segments.world.cli(['explain', 'user-25']);
  expect(stdout).toContain('its segment was synced, and the target said yes');
  expect(stdout).toMatch(
    /^is a confirmed member of vip at braze \S+ now: since .* UTC, added by a\.csv \(p1, line 26\)$/m,
  );

  const look = await segments.world.cli(['release', 'p2', '--dry-run']);
  expect(look.stdout).toMatch(/p2 +vip would add 0, remove 21 of 26 confirmed members \(80.8 %\)/);
  const asJson = await segments.world.cli(['release', 'p2', '--dry-run', '--json']);
  expect(asJson.json()).toMatchObject({
    files: [{ changes: [{ segment: 'vip', before: 26, toAdd: 0, toRemove: 21, superseded: false }] }],
  });
  const released = await segments.world.cli(['release', 'p2', '--reason', 'they left']);
  expect(released.stdout).toContain('vip would add 0, remove 21 of 26 confirmed members (80.8 %)');
  expect(released.stderr).not.toContain('"decided"');
  const gone = await segments.world.cli(['explain', 'user-25']);
  expect(gone.stdout).toMatch(
    /^is no confirmed member of vip at braze \S+ now: since .* UTC, removed by b\.csv \(p2, which does not name them\)$/m,
  );
  expect((await segments.world.cli(['explain', 'user-25', '--json'])).json()).toMatchObject({
    memberships: [{ segment: 'vip', member: false, changed: { file: 'p2', name: 'b.csv', line: null } }],
    rows: [{ action: 'add' }],
  });
});

test('explain tells a row that adds from one that removes, and which of them holds', async () => {
  segments.job({ members: { kind: 'changes', action: { column: 'action' } } });
  const rows = (members: string[]): string => snapshot(members, 'id,action');
  segments.world.drop('a.csv', rows(users(1, 10).map((id) => `${id},add`)));
  await segments.world.run('segments');
  segments.world.drop('b.csv', rows(['user-3,remove']));
  await segments.world.run('segments');
  const { stdout } = await segments.world.cli(['explain', 'user-3']);
  expect(stdout).toMatch(/^is no confirmed member of vip .*, removed by b\.csv \(p2, line 2\)$/m);
  expect(stdout).toMatch(/action +add to the segment\n(?:.*\n)*.*action +remove from the segment\n/);
  const other = await segments.world.cli(['explain', 'user-4']);
  expect(other.stdout).toMatch(/^is a confirmed member of vip .*, added by a\.csv \(p1, line 5\)$/m);
});

test('of two rows that say both of a member none can be picked: a later file says which holds', async () => {
  segments.job({ members: { kind: 'changes', action: { column: 'action' } }, file: { trailer: null } });
  segments.world.drop('a.csv', 'id,action\nuser-1,add\nuser-2,add\nuser-2,remove\n');
  await segments.world.run('segments');
  const held = await segments.world.cli(['held']);
  expect(held.stdout).toContain('a later file says which of them holds');
  expect(held.stdout).not.toMatch(/referry (?:resolve|reject)/);
  const picked = await segments.world.cli(['resolve', 'user-2', '--file', 'p1', '--line', '3', '--reason', 'x']);
  expect(picked.code).toBe(2);
  expect(picked.stderr).toContain('have a later file say which of them holds');
  segments.world.drop('b.csv', 'id,action\nuser-2,add\n');
  segments.job({
    members: { kind: 'changes', action: { column: 'action' } },
    file: { trailer: null },
    guards: { maxGrowth: 1 },
  });
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 1, open: 0 });
  expect(segments.members().sort()).toEqual(['user-1', 'user-2']);
  expect((await segments.world.cli(['held'])).stdout).toContain('Nothing waits for a person');
});

test('held, status and the morning report tell of the same contradictions: those that no later file has settled', async () => {
  const job = {
    members: { kind: 'changes', action: { column: 'action' } },
    ...{ file: { trailer: null }, guards: { unvouched: 'accept', maxGrowth: 1, maxShrink: 1 } },
  };
  segments.job(job);
  const both = (id: string): string => `${id},add\n${id},remove\n`;
  segments.world.drop(
    'a.csv',
    `id,action\n${users(11, 30)
      .map((id) => `${id},add\n`)
      .join('')}${users(2, 9).map(both).join('')}`,
  );
  await segments.world.run('segments');
  const told = async () => {
    const { waiting } = JSON.parse((await segments.world.cli(['held', '--json'])).stdout);
    const { jobs } = JSON.parse((await segments.world.cli(['status', '--json'])).stdout);
    const report = JSON.parse((await segments.world.cli(['report', 'segments', '--day', 'today', '--json'])).stdout);
    const keys = waiting.map(({ key }: { key: string }) => key);
    const rows = waiting.reduce((sum: number, it: { rows: number }) => sum + it.rows, 0);
    const inReport = report.waiting.find(({ what }: { what: string }) => what === 'rows in conflict').count;
    return { keys, rows, inStatus: jobs[0].rows.conflict.count, inReport };
  };
  expect(await told()).toEqual({ keys: users(2, 6), rows: 16, inStatus: 16, inReport: 16 });

  // Of the first five all is said by now; three are left.
  segments.world.drop(
    'b.csv',
    `id,action\n${users(2, 6)
      .map((id) => `${id},add\n`)
      .join('')}`,
  );
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 5, open: 0 });
  expect(await told()).toEqual({ keys: users(7, 9), rows: 6, inStatus: 6, inReport: 6 });

  segments.world.drop(
    'c.csv',
    `id,action\n${users(7, 9)
      .map((id) => `${id},remove\n`)
      .join('')}`,
  );
  await segments.world.run('segments');
  expect(await told()).toEqual({ keys: [], rows: 0, inStatus: 0, inReport: 0 });

  // A snapshot says it of everybody.
  segments.world.drop('d.csv', `id,action\n${users(2, 3).map(both).join('')}`);
  await segments.world.run('segments');
  expect(await told()).toMatchObject({ rows: 4, inStatus: 4 });
  segments.job({ ...job, members: {} });
  segments.world.drop('e.csv', `id\n${users(10, 30).join('\n')}\n`);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 21, open: 0 });
  expect(await told()).toEqual({ keys: [], rows: 0, inStatus: 0, inReport: 0 });
});
