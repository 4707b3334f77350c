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

test('changes that may have been made stay open for as long as nobody knows, and nothing else goes for their segment', async () => {
  only('user-5', 503);
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  segments.job(LATER);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, open: 25, balanced: true });
  segments.drop('b.csv', users(1, 24));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, balanced: true });
  expect(segments.members()).not.toContain('user-5');

  segments.braze.setFaults(() => undefined);
  segments.job({ ...LATER, guards: { maxShrink: 1 } });
  expect((await segments.world.run('segments')).run).toMatchObject({ open: 0, balanced: true });
  expect(segments.members().sort()).toEqual(users(1, 24).sort());
});
