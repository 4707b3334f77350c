import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

beforeEach(async () => {
  segments = await openSegmentsWorld({ job: QUICK });
});
afterEach(() => segments.close());

const QUICK = { target: { braze: { patience: '100ms' } } };
/** The time that changes may fail for is over. */
const LATER = { ...QUICK, failed: { maxAge: '0s' } };
/** The call with this member has no other answer. */
const only = (member: string, status: number): void =>
  segments.braze.setFaults(({ body }) =>
    new RegExp(`${member}\\b`).test(JSON.stringify(body ?? {})) ? { kind: 'status', status } : undefined,
  );
const codes = (name: string): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(segments.results(name), ({ outcome, code }) => `${outcome} ${code}`)].map(([is, its]) => [
      is.trim(),
      its.length,
    ]),
  );

test('changes that surely were not made are given up once they have failed for too long, and the next snapshot asks again', async () => {
  only('user-5', 429);
  segments.drop('a.csv', users(1, 25));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, open: 25, balanced: true });
  segments.job(LATER);
  expect((await segments.world.run('segments')).run).toMatchObject({ open: 0, balanced: true });
  const missing = users(1, 25).filter((each) => !segments.members().includes(each));
  expect(missing).toContain('user-5');
  expect(missing.length).toBeLessThanOrEqual(10);
  expect(codes('a.csv')).toEqual({ delivered: 25 - missing.length, 'rejected THROTTLED': missing.length });

  segments.braze.setFaults(() => undefined);
  segments.drop('b.csv', users(1, 26));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 26, open: 0, balanced: true });
  expect(segments.members().sort()).toEqual(users(1, 26).sort());
});

test('H27: changes that may have been made stay open for as long as nobody knows, and nothing else goes for their segment', async () => {
  only('user-5', 503);
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, open: 25, balanced: true });
  segments.drop('b.csv', users(1, 24));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, balanced: true });
  expect(segments.members()).not.toContain('user-5');

  segments.braze.setFaults(() => undefined);
  segments.job({ ...QUICK, guards: { maxShrink: 1 } });
  expect((await segments.world.run('segments')).run).toMatchObject({ open: 0, balanced: true });
  expect(segments.members().sort()).toEqual(users(1, 24).sort());
});

test('one member that the target always answers 503 stands alone in the end: all others are through, and its own change is asked for again', async () => {
  only('user-5', 503);
  segments.drop('a.csv', users(1, 25));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, open: 25, balanced: true });
  segments.job(LATER);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 24, open: 0, balanced: true });
  const others = users(1, 25).filter((each) => each !== 'user-5');
  expect(segments.members().sort()).toEqual(others.sort());
  expect(codes('a.csv')).toEqual({ delivered: 24, 'rejected MEMBER_IN_DOUBT': 1 });

  // It may be there: a snapshot without it has it removed.
  segments.braze.setFaults(() => undefined);
  segments.drop('b.csv', others);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 24, open: 0, balanced: true });
  expect(callsWith('user-5').at(-1)).toBe('remove 201');
  const calls = callsWith('user-5').length;
  segments.drop('c.csv', users(1, 24).slice(0, 4).concat(users(6, 26)));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 25, open: 0, balanced: true });
  expect(callsWith('user-5')).toHaveLength(calls);
});

test('a remove that may have been made and is given up brings the member back with a snapshot that names it', async () => {
  segments.job({ ...QUICK, guards: { maxShrink: 1 } });
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  const kept = users(1, 24);

  // The call is made, and its answer is lost; from then on nothing is taken.
  segments.braze.setFaults(({ body }) =>
    /user-25\b/.test(JSON.stringify(body ?? {})) ? { kind: 'reset', accept: true } : undefined,
  );
  segments.drop('b.csv', kept);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, open: 24, balanced: true });
  expect(segments.members()).not.toContain('user-25');
  only('user-25', 429);
  segments.job({ ...LATER, guards: { maxShrink: 1 } });
  expect((await segments.world.run('segments')).run).toMatchObject({ open: 0, balanced: true });

  segments.braze.setFaults(() => undefined);
  segments.drop('c.csv', users(1, 26));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 26, open: 0, balanced: true });
  expect(segments.members().sort()).toEqual(users(1, 26).sort());
});

test('time in which nothing was tried does not count: after a week off, one bad minute gives nobody up', async () => {
  only('user-5', 429);
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  const db = new Database(segments.world.ledger);
  db.exec(
    "UPDATE segment_chunks SET body = json_set(body, '$.failing.at', json_extract(body, '$.failing.at') - 691200000) WHERE body LIKE '%failing%'",
  );
  db.exec('UPDATE segment_syncs SET started_at = started_at - 691200000');
  db.close();
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, open: 25, balanced: true });
  expect(segments.members()).not.toContain('user-5');
});

test('H27: a member whose add was lost on the way is not removed before that add was repeated and answered with a yes', async () => {
  only('user-5', 503);
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  const kept = users(1, 25).filter((each) => each !== 'user-5');
  segments.drop('b.csv', kept);
  await segments.world.run('segments');
  // Nobody can tell whether it is in: the wish to take it out waits.
  const before = callsWith('user-5');
  expect(before.length).toBeGreaterThan(0);
  expect(new Set(before)).toEqual(new Set(['add 503']));

  segments.braze.setFaults(() => undefined);
  expect((await segments.world.run('segments')).run).toMatchObject({ open: 0, balanced: true });
  expect(callsWith('user-5').slice(before.length)).toEqual(['add 201', 'remove 201']);
  expect(segments.members().sort()).toEqual(kept.sort());
});

/** The calls that name a member, in their order: what was asked, and what was answered. */
const callsWith = (member: string): string[] =>
  segments.braze.received.flatMap(({ body, status }) => {
    const { cohort_changes: changes = [] }: { cohort_changes?: { user_ids?: string[]; should_remove?: boolean }[] } =
      JSON.parse(JSON.stringify(body ?? {}));
    return changes
      .filter(({ user_ids: ids = [] }) => ids.includes(member))
      .map(({ should_remove: remove }) => `${remove ? 'remove' : 'add'} ${status}`);
  });
