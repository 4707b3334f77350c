import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

beforeEach(async () => {
  segments = await openSegmentsWorld();
  segments.drop('a.csv', users(1, 10));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 10 });
});
afterEach(() => segments.close());

test('a member whom the target refuses to remove stays confirmed, and goes with the next snapshot', async () => {
  segments.braze.setFaults(({ path }) => (path.endsWith('/users') ? { kind: 'status', status: 400 } : undefined));
  segments.drop('b.csv', users(1, 9));
  const refused = await segments.world.run('segments');
  expect(refused.run).toMatchObject({ delivered: 9, balanced: true });
  expect(segments.members()).toHaveLength(10);
  segments.braze.setFaults(() => undefined);
  segments.drop('c.csv', users(1, 9));
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 9, balanced: true });
  expect(segments.members().sort()).toEqual(users(1, 9).sort());
});

test('whom the last snapshot named in vain is no growth in the next one, whatever was synced in between', async () => {
  segments.braze.setFaults(({ body }) =>
    /user-3[12]\b/.test(JSON.stringify(body ?? {})) ? { kind: 'status', status: 400 } : undefined,
  );
  segments.drop('b.csv', [...users(1, 10), ...users(31, 32)]);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 10, rejected: 2, balanced: true });
  segments.job({ members: { kind: 'changes', action: { column: 'action' } } });
  segments.world.drop('c.csv', 'id,action\nuser-11,add\nuser-9,remove\nTRAILER|2\n');
  const { run } = await segments.world.run('segments');
  expect(run).toMatchObject({ delivered: 2, balanced: true });
  expect(JSON.parse(JSON.stringify(run)).files[0].segments).toMatchObject([
    { before: 10, desired: 10, added: 1, removed: 1, unchanged: 9, after: 10 },
  ]);

  segments.job();
  segments.drop('d.csv', [...users(1, 8), ...users(10, 11), ...users(31, 34)]);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 12, rejected: 2, held: 0 });
});
