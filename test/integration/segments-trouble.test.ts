import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, snapshot, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

beforeEach(async () => {
  segments = await openSegmentsWorld();
});
afterEach(() => segments.close());

/** Who was added and removed at the stand-in, in order, by the calls that it took. */
function history(): string[] {
  return segments.braze.received.flatMap(({ body, accepted }) => {
    if (!accepted) return [];
    const { cohort_changes: made } = JSON.parse(JSON.stringify(body ?? {}));
    return (made ?? []).flatMap((change: { user_ids: string[]; should_remove?: boolean }) =>
      change.user_ids.map((id) => `${change.should_remove ? '-' : '+'}${id}`),
    );
  });
}

describe('a process that dies', () => {
  test.each(['sync-begun', 'chunk-claimed:2', 'chunk-answered:2', 'chunk-settled', 'sync-ended'])(
    'at %s goes on there: everybody is in the segment once, nobody was taken out and put in again',
    async (place) => {
      segments.drop('a.csv', users(1, 85));
      const died = await segments.world.cli(['run', 'segments'], { REFERRY_CRASH_AT: place });
      expect(died.stderr).toContain('crash point');
      const { code, run } = await segments.world.run('segments');
      expect(run).toMatchObject({ open: 0, balanced: true, halted: null });
      expect(code).toBe(0);
      expect(segments.results('a.csv').filter(({ outcome }) => outcome === 'delivered')).toHaveLength(85);
      expect(segments.members().sort()).toEqual(users(1, 85).sort());
      const changes = history();
      expect(changes.some((change) => change.startsWith('-'))).toBe(false);
      // Four chunks of ten are the most that may leave twice.
      expect(changes.length).toBeLessThanOrEqual(125);
    },
  );
});

test('a target that is down leaves the file open; a later file of the segment waits for it, and both get through in order', async () => {
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  segments.job({ guards: { maxShrink: 1 }, target: { braze: { patience: '100ms' } } });
  segments.braze.setFaults(() => ({ kind: 'status', status: 503 }));
  segments.world.drop('b.csv', snapshot(users(1, 20)), 60);
  segments.world.drop('c.csv', snapshot(users(1, 24)), 50);
  const down = await segments.world.run('segments');
  expect(down.run).toMatchObject({ delivered: 0, balanced: true });
  expect(down.code).toBe(4);
  segments.braze.setFaults(() => undefined);
  const { code, run } = await segments.world.run('segments');
  expect(run).toMatchObject({ open: 0, balanced: true });
  expect(code).toBe(0);
  expect(segments.members().sort()).toEqual(users(1, 24).sort());
  expect(history().slice(25)).toEqual(expect.arrayContaining(['-user-25', '-user-21', '+user-21']));
  expect(history().filter((change) => change.endsWith('user-25'))).toEqual(['+user-25', '-user-25']);
});

test('wherever a snapshot with a trailer is cut off, nobody is removed', async () => {
  const [before, whole] = [users(1, 8), users(1, 7)];
  segments.drop('a.csv', before);
  await segments.world.run('segments');
  const bytes = Buffer.from(snapshot(whole));
  for (let cut = 0; cut < bytes.length - 1; cut++)
    segments.world.drop(`cut-${String(cut).padStart(3, '0')}.csv`, bytes.subarray(0, cut), 1000 - cut);
  const { run } = await segments.world.run('segments');
  expect(run.files).toHaveLength(bytes.length - 1);
  expect(run.files.filter(({ state }) => state !== 'refused' && state !== 'held')).toEqual([]);
  expect(segments.members().sort()).toEqual(before.sort());
});

test('wherever a file of several segments is cut off that a manifest counts, nobody is removed', async () => {
  segments.job({
    segments: { vip: 'VIP customers', lapsed: 'Lapsed' },
    file: null,
    source: { manifest: { name: '{name}.ctl', wait: '0s', kind: 'control', control: { count: 'rows' } } },
    members: { segmentFrom: 'column', segmentColumn: 'segment' },
    guards: { maxShrink: 1, maxGrowth: 100 },
  });
  const rows = (vip: string[], lapsed: string[]): string =>
    ['id,segment', ...vip.map((id) => `${id},vip`), ...lapsed.map((id) => `${id},lapsed`)]
      .map((line) => `${line}\n`)
      .join('');
  const drop = (name: string, bytes: Buffer | string, count: number, age: number): void => {
    segments.world.drop(`${name}.ctl`, `rows=${count}\n`, age + 1);
    segments.world.drop(name, bytes, age);
  };
  drop('a.csv', rows(users(1, 4), users(5, 9)), 9, 5000);
  expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 9 });
  const bytes = Buffer.from(rows(users(1, 4), users(5, 8)));
  // The last byte is the end of a line, without which the file is whole all the same.
  for (let cut = 0; cut < bytes.length - 1; cut += 3)
    drop(`cut-${String(cut).padStart(3, '0')}.csv`, bytes.subarray(0, cut), 8, 1000 - cut);
  const { run } = await segments.world.run('segments');
  expect(run.files.length).toBeGreaterThan(20);
  const removed = history().filter((change) => change.startsWith('-'));
  // What is whole but for the end of its last word says so of everybody but the last.
  expect(removed).toEqual([]);
  expect([segments.members('vip').length, segments.members('lapsed').length]).toEqual([4, 5]);
});
