import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, snapshot, user, users } from './support/segments-world.ts';
import type { Json } from './support/usual-job.ts';

let segments: SegmentsWorld;

beforeEach(async () => {
  segments = await openSegmentsWorld();
});
afterEach(() => segments.close());

const [BEFORE, AFTER] = [users(1, 8), users(1, 7)];
const ALL: Json = { guards: { maxShrink: 1, maxGrowth: 100 } };
const MANIFEST: Json = { manifest: { name: '{name}.ctl', wait: '0s', kind: 'control', control: { count: 'rows' } } };
const jsonLines = (rows: readonly object[]): Buffer =>
  Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

/** Drops the file cut off at each byte but the last few, each with its manifest, where one is asked for. */
function dropCuts(name: string, bytes: Buffer, { but, rows }: { but: number; rows?: number }): number {
  const cuts = bytes.length - but;
  for (let cut = 0; cut < cuts; cut++) {
    const called = `cut-${String(cut).padStart(3, '0')}-${name}`;
    if (rows !== undefined) segments.world.drop(`${called}.ctl`, `rows=${rows}\n`, 2000);
    segments.world.drop(called, bytes.subarray(0, cut), 1000 - cut);
  }
  return cuts;
}

const dropWhole = (name: string, bytes: Buffer, rows?: number): void => {
  if (rows !== undefined) segments.world.drop(`${name}.ctl`, `rows=${rows}\n`, 2000);
  segments.world.drop(name, bytes);
};

const psv = (members: readonly string[]): Buffer =>
  Buffer.from(['id|note', ...members.map((id) => `${id}|x`), `TRAILER|${members.length}`, ''].join('\n'));
const lines = (members: readonly string[]): Buffer => jsonLines(members.map((id) => ({ id })));
const packed = (members: readonly string[]): Buffer => gzipSync(snapshot(members));

const FORMATS: [string, { job: Json; name: string; make: (members: readonly string[]) => Buffer; but: number }][] = [
  ['JSON Lines that a manifest counts', { job: { file: null }, name: 'a.jsonl', make: lines, but: 0 }],
  // Without the end of its last line a trailer is whole.
  ['PSV with a trailer', { job: {}, name: 'a.psv', make: psv, but: 1 }],
  ['gzip', { job: {}, name: 'a.csv.gz', make: packed, but: 0 }],
];

test.each(FORMATS)(
  'wherever a snapshot is cut off nobody is removed, and whole it says who is in: %s',
  { timeout: 120_000 },
  async (_, { job, name, make, but }) => {
    const counted = name.endsWith('.jsonl');
    segments.job({ ...ALL, ...job, source: { match: `*${name}`, ...(counted ? MANIFEST : {}) } });
    dropWhole(name, make(BEFORE), counted ? BEFORE.length : undefined);
    const first = await segments.world.run('segments');
    expect(first.run, first.stderr).toMatchObject({ delivered: 8, balanced: true });
    const cuts = dropCuts(name, make(AFTER), { but, ...(counted ? { rows: AFTER.length } : {}) });
    const { run } = await segments.world.run('segments');
    expect(run.files).toHaveLength(cuts);
    expect(run.files.filter(({ state }) => state !== 'refused' && state !== 'held')).toEqual([]);
    expect(segments.members().sort()).toEqual([...BEFORE].sort());
    dropWhole(name, make(AFTER), counted ? AFTER.length : undefined);
    expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 7, balanced: true });
    expect(segments.members().sort()).toEqual([...AFTER].sort());
  },
);

test('changes of several segments as JSON Lines: who comes, who goes, and a row that is none', async () => {
  segments.job({
    ...ALL,
    file: null,
    source: { match: '*.jsonl' },
    segments: { vip: 'VIP customers', lapsed: 'Lapsed' },
    members: { kind: 'changes', action: { column: 'do' }, segmentFrom: 'column', segmentColumn: 'segment' },
    guards: { maxShrink: 1, maxGrowth: 100, unvouched: 'accept' },
  });
  segments.world.drop('a.jsonl', jsonLines([1, 2, 3].map((n) => ({ id: user(n), segment: 'vip', do: 'add' }))), 100);
  const rows = [
    { segment: 'vip', do: 'remove', id: user(1) },
    { do: 'add', id: user(4), segment: 'lapsed', other: { deep: [1] } },
    { id: user(5), segment: 'vip', do: 'perhaps' },
    { id: 9007199254740993n.toString(), segment: 'lapsed', do: 'add' },
  ];
  segments.world.drop('b.jsonl', jsonLines(rows), 50);
  const { run, stderr } = await segments.world.run('segments');
  expect(run, stderr).toMatchObject({ read: 7, delivered: 6, rejected: 1, balanced: true });
  expect(segments.members('vip').sort()).toEqual([user(2), user(3)]);
  const results = segments.world.files('results').filter((name) => name.startsWith('b.jsonl'));
  expect(results).toEqual(['b.jsonl.results.jsonl']);
  const told = segments.world.read('results/b.jsonl.results.jsonl').toString().trim().split('\n');
  expect(told.map((line) => JSON.parse(line).outcome)).toEqual(['delivered', 'delivered', 'rejected', 'delivered']);
});
