import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AT, HEADER, lineOf, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';

const MB = 1024 * 1024;
/** REFERRY_LARGE_MB=2048 makes it the file of two gigabytes that the promise is about, with rows of several lengths; that takes minutes. */
const SET = process.env.REFERRY_LARGE_MB;
const SIZE = Number(SET ?? 40) * MB;
const MINUTES = 60_000;
const BOUND = 350 * MB;
/** `delivery.window`: so many rows are in memory while they are on their way. */
const WINDOW = 256;

describe('large files', () => {
  let world: World;
  afterEach(() => world.close());

  /** Writes a file of rows with this many bytes of notes that no field uses, in columns that are each within their limit. */
  function fill(path: string, notes: number): number {
    const columns = Math.ceil(notes / 200_000);
    const note = Array.from({ length: columns }, () => 'n'.repeat(Math.floor(notes / columns))).join(',');
    const fd = openSync(path, 'w');
    writeSync(fd, `${HEADER},${Array.from({ length: columns }, (_, i) => `note${i}`).join(',')}\n`);
    let size = 0;
    let count = 0;
    while (size < SIZE) size += writeSync(fd, `${lineOf(row(`L-${notes}-${++count}`))},${note}\n`);
    closeSync(fd);
    return count;
  }

  /** Runs the job and returns the most memory that its process ever had, in bytes. */
  async function peakOf(job: string): Promise<{ peak: number; run: Record<string, unknown>; told: string }> {
    const child = world.start(['run', job, '--json']);
    let peak = 0;
    const look = setInterval(() => {
      try {
        const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
        peak = Math.max(peak, Number(found?.[1] ?? 0) * 1024);
      } catch {
        // It has ended.
      }
    }, 20);
    const end = await child.done;
    clearInterval(look);
    return { peak, run: end.json(), told: end.stderr };
  }

  it('I46: rows that are all one column short: memory is bounded however many they are, and the report gives their number and a few of them', {
    timeout: 60 * MINUTES,
  }, async ({ skip }) => {
    world = await openWorld();
    if (process.platform !== 'linux') return skip('memory is read from /proc');
    world.job('feed', { delivery: PATIENT, file: { maxRejected: 1 } });
    const count = SET === undefined ? 200_000 : 1_000_000;
    const short = Array.from({ length: count }, (_, i) => `S-${i},s${i}@private.example,M-${i},${AT}\n`);
    writeFileSync(join(world.served, 'inbox', 'short.csv'), `${HEADER}\n${short.join('')}`);
    const { peak, run, told } = await peakOf('feed');
    expect(run, told).toMatchObject({ read: count, rejected: count, balanced: true });
    expect(peak).toBeLessThan(BOUND);
    expect(world.requests()).toEqual([]);
    const [page = ''] = world.files('reports').filter((name) => /\.r1\.json$/.test(name));
    const report: { files: { reasons: { code: string; count: number; examples: unknown[] }[] }[] } = JSON.parse(
      world.read(`reports/${page}`).toString(),
    );
    const [reason] = report.files[0]?.reasons ?? [];
    expect(reason).toMatchObject({ code: 'COLUMN_COUNT', count });
    expect(reason?.examples.length).toBeLessThanOrEqual(10);
  });

  for (const notes of SET === undefined ? [20_000] : [2_000, 20_000, 900_000])
    it(`I22: a file of rows of ${notes} bytes is streamed: memory is bounded whatever its size`, {
      timeout: 60 * MINUTES,
    }, async ({ skip }) => {
      world = await openWorld();
      if (process.platform !== 'linux') return skip('memory is read from /proc');
      world.job('feed', { delivery: PATIENT });
      const path = join(world.served, 'inbox', 'large.csv');
      const count = fill(path, notes);
      const { peak, run, told } = await peakOf('feed');
      if (SET !== undefined)
        console.log(`${SET} MB, ${count} rows of ${notes} bytes: at most ${Math.round(peak / MB)} MB`);
      expect(run, told).toMatchObject({ read: count, delivered: count, balanced: true });
      // Rows of a megabyte fill the window with more than everything else takes.
      expect(peak).toBeLessThan(BOUND + (notes > 100_000 ? WINDOW * notes : 0));
    });
});
