import { afterEach, expect, test } from 'vitest';
import { openSegmentsWorld, type SegmentsWorld, snapshot, users } from './support/segments-world.ts';

let segments: SegmentsWorld;

afterEach(() => segments.close());

const run = async (): ReturnType<SegmentsWorld['world']['run']> => segments.world.run('segments');
const sent = (): number => segments.braze.received.length;

test('a snapshot whose trailer disagrees is held with both numbers, and applied as it is once a person releases it', async () => {
  segments = await openSegmentsWorld();
  segments.drop('a.csv', users(1, 10));
  await run();
  const before = sent();
  segments.world.drop('b.csv', snapshot(users(1, 10)).replace('user-9\nuser-10\n', ''));
  const dry = await segments.world.cli(['run', 'segments', '--dry-run']);
  expect(dry.stdout).toContain('TRAILER_COUNT');
  const { code, run: found } = await run();
  expect(found).toMatchObject({ held: 8, delivered: 0, balanced: true });
  expect(found.files[0]).toMatchObject({ state: 'held', code: 'TRAILER_COUNT' });
  expect(code).toBe(3);
  const held = await segments.world.cli(['held', 'segments']);
  expect(held.stdout).toContain('the trailer says 10, the file has 8');
  expect(held.stdout).toMatch(
    /what to do: .* right as it is: it is then applied so\.\n +referry release p2 --dry-run .*\n +referry release/,
  );
  const look = await segments.world.cli(['release', 'p2', '--dry-run']);
  expect(look.stdout).toContain('vip would add 0, remove 2 of 10 confirmed members (20 %)');
  expect([sent(), segments.members().length]).toEqual([before, 10]);
  const released = await segments.world.cli(['release', 'p2', '--by', 'eve', '--reason', 'two left', '--json']);
  expect(released.json(), released.stderr).toMatchObject({ rows: 8, run: { delivered: 8, balanced: true } });
  expect(segments.members().sort()).toEqual(users(1, 8).sort());
});

test.each([
  ['control', { kind: 'control', control: { count: 'rows' } }, 'rows=10', 'the manifest says 10 rows, the file has 7'],
  [
    'sha256',
    { kind: 'sha256' },
    '0'.repeat(64),
    `the manifest says sha256 ${'0'.repeat(64)}, the file that arrived has `,
  ],
])(
  'a file that its manifest (%s) disagrees with is held with both, and applied once it is released',
  async (_, kind, text, said) => {
    segments = await openSegmentsWorld({
      job: { file: null, source: { manifest: { name: '{name}.ctl', wait: '0s', onMissing: 'process', ...kind } } },
    });
    const rows = (members: string[]): string => ['id', ...members].map((line) => `${line}\n`).join('');
    segments.world.drop('a.csv', rows(users(1, 10)));
    expect((await run()).run).toMatchObject({ delivered: 10 });
    segments.world.drop('b.csv.ctl', `${text}\n`);
    segments.world.drop('b.csv', rows(users(1, 7)));
    const { run: found } = await run();
    expect(found.files[0]).toMatchObject({ state: 'held', code: 'MANIFEST_MISMATCH' });
    expect((await segments.world.cli(['held', 'segments'])).stdout).toContain(said);
    expect(segments.members()).toHaveLength(10);
    const released = await segments.world.cli(['release', 'p2', '--by', 'eve', '--reason', 'it is whole', '--json']);
    expect(released.json(), released.stderr).toMatchObject({ run: { delivered: 7, balanced: true } });
    expect(segments.members().sort()).toEqual(users(1, 7).sort());
  },
);

test('a file that its manifest disagrees with because the job counted otherwise goes once it is processed again, and its checksum counts still', async () => {
  const manifest = (control: object) => ({
    file: null,
    source: { manifest: { name: '{name}.ctl', kind: 'control', wait: '0s', onMissing: 'process', control } },
  });
  segments = await openSegmentsWorld({ job: manifest({ count: 'rows' }) });
  const lines = (members: string[]): string => ['id', ...members].map((line) => `${line}\n`).join('');
  for (const [name, members] of [
    ['a.csv', users(1, 10)],
    ['b.csv', users(1, 6)],
  ] as const) {
    segments.world.drop(`${name}.ctl`, 'rows=11\n');
    segments.world.drop(name, lines(members));
    const { run: found } = await run();
    expect(found.files[0]).toMatchObject({ state: 'held', code: 'MANIFEST_MISMATCH' });
    if (name === 'b.csv') break;
    segments.job(manifest({ count: 'rows', countIncludes: 'rows+header' }));
    const again = await segments.world.cli(['reprocess', 'p1', '--by', 'eve', '--reason', 'with the header', '--json']);
    expect(again.json(), again.stderr).toMatchObject({ run: { delivered: 10, balanced: true } });
    expect(segments.members()).toHaveLength(10);
  }
  // A file that lost rows stays held, however often it is judged.
  const look = await segments.world.cli(['reprocess', 'p3', '--dry-run']);
  expect(look.stdout).toContain('nothing would be done');
  segments.job(manifest({ count: 'rows' }));
  const changed = await segments.world.cli(['reprocess', 'p3', '--dry-run']);
  expect(changed.stdout, changed.stderr).toContain('would be held as a whole: MANIFEST_MISMATCH');
  const again = await segments.world.cli(['reprocess', 'p3', '--by', 'eve', '--reason', 'once more', '--json']);
  expect(again.json(), again.stderr).toMatchObject({
    run: { held: 6, files: expect.arrayContaining([expect.objectContaining({ code: 'MANIFEST_MISMATCH', held: 6 })]) },
  });
  expect(segments.members()).toHaveLength(10);
});
