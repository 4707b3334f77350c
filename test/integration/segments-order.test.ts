import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLedgerForReading } from '../../src/ledger/open.ts';
import { retryAt } from '../../src/schedule/due-run.ts';
import { openSegmentsWorld, type SegmentsWorld, user, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

const changes = (rows: readonly string[]): string => ['id,action', ...rows].map((line) => `${line}\n`).join('');
const adds = (members: readonly string[]): string[] => members.map((member) => `${member},add`);
const drop = (name: string, rows: readonly string[]): void => segments.world.drop(name, changes(rows));

beforeEach(async () => {
  segments = await openSegmentsWorld({
    job: {
      file: null,
      members: { id: 'id', kind: 'changes', action: { column: 'action' } },
      guards: { unvouched: 'accept' },
    },
  });
  drop('a.csv', adds(users(1, 10)));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 10 });
  drop('b.csv', adds(users(11, 30)));
  expect((await segments.world.run('segments')).run.files[0]).toMatchObject({ state: 'held', code: 'SEGMENT_GROWS' });
});
afterEach(() => segments.close());

test('changes wait for those before them that a person has to decide about, so that nobody who went comes back', async () => {
  drop('c.csv', [`${user(11)},remove`, `${user(1)},remove`]);
  expect((await segments.world.run('segments')).run).toMatchObject({ open: 2, balanced: true });
  expect(segments.members()).toHaveLength(10);
  const released = await segments.world.cli(['release', 'p2', '--by', 'eve', '--reason', 'they are meant', '--json']);
  expect(released.code, released.stderr).toBe(0);
  expect(JSON.parse(released.stdout).run).toMatchObject({ delivered: 22, balanced: true });
  expect(segments.results('c.csv').map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered']);
  expect(segments.members().sort()).toEqual(
    users(2, 30)
      .filter((name) => name !== user(11))
      .sort(),
  );
});

test('that changes wait is told once, and not with every run', async () => {
  drop('c.csv', [`${user(11)},remove`, `${user(1)},remove`]);
  await segments.world.run('segments');
  const reports = segments.world.files('reports');
  for (let n = 0; n < 2; n++) {
    const again = await segments.world.run('segments');
    expect(again.run).toMatchObject({ balanced: true, seen: { open: 1 } });
    expect(again.run.reportPath).toBeNull();
  }
  expect(segments.world.files('reports')).toEqual(reports);
  await segments.world.cli(['release', 'p2', '--by', 'eve', '--reason', 'they are meant']);
  expect(segments.results('c.csv').map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered']);
});

test('changes go on where those before them were rejected', async () => {
  drop('c.csv', [`${user(11)},remove`, `${user(1)},remove`]);
  await segments.world.run('segments');
  const rejected = await segments.world.cli(['reject', 'p2', '--by', 'eve', '--reason', 'not these', '--json']);
  expect(JSON.parse(rejected.stdout).run).toMatchObject({ delivered: 2, balanced: true });
  expect(segments.members().sort()).toEqual(users(2, 10).sort());
});

test('a file behind a held one waits for a person: the run, the status and the daemon say so, and by whom', async () => {
  drop('c.csv', [`${user(11)},remove`, `${user(1)},remove`]);
  const said = 'waits for p2 (b.csv), which is held: referry held segments';
  for (let n = 0; n < 2; n++) {
    const again = await segments.world.cli(['run', 'segments']);
    expect(again.code, again.stderr).toBe(3);
    expect(again.stdout).toContain(said);
  }
  const ledger = await openLedgerForReading(segments.world.ledger);
  if (!ledger) throw new Error('there is a ledger');
  expect(retryAt(ledger, 'segments', Date.now())).toBeUndefined();
  await ledger.close();
  expect((await segments.world.cli(['status'])).stdout).toContain(said);
  expect(JSON.parse((await segments.world.cli(['status', '--json'])).stdout).jobs[0].openFiles).toMatchObject([
    { name: 'c.csv', waitsFor: { processing: 'p2', name: 'b.csv', held: true } },
  ]);
});

test('the report of membership files speaks of members and segments, and not of events', async () => {
  const name = segments.world.files('reports').find((each) => each.endsWith('.html')) ?? '';
  const html = segments.world.read(`reports/${name}`).toString();
  expect(html).toContain('Rows by segment');
  expect(html).toContain('The same member again in the same file.');
  for (const word of ['Event names', 'no event time', 'never sent again']) expect(html).not.toContain(word);
});
