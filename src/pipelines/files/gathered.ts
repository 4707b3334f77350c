import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createByteFile } from '../../exports/byte-file.ts';
import { areContentsKnown, pathsNotStaged } from '../../ledger/link-sources.ts';
import { lineOf } from './by-file/dialect.ts';
import type { RunContext } from './context.ts';
import type { GatheredFile } from './pipeline.ts';
import { LOCAL, stagingProblem, syncFolder } from './stage.ts';

const FLUSH_AT = 1 << 18;

/** Rows that a run asks for elsewhere and takes as a file. */
interface GatheredRows {
  columns: readonly string[];
  /** Batches of rows; cells[i] belongs to columns[i]. */
  batches: AsyncIterable<readonly (readonly string[])[]> | Iterable<readonly (readonly string[])[]>;
}

/** What a gathering needs of a run. */
export type GatheringContext = Pick<RunContext, 'run' | 'ledger' | 'io' | 'signal' | 'staging' | 'progress'>;

/**
 * Writes rows to a file of its own below staging, to be taken like one that was given by hand; a gathering that was cut short before
 * leaves nothing. `begin`: what such files of the job are called, before the time. `taken`: notes that all of the rows are. It is called
 * at once where there are no rows, or the same came before: then there is no file.
 */
export async function gatherFile(
  ctx: GatheringContext,
  { job, begin, folder: name, taken }: { job: string; begin: string; folder: string; taken: () => void },
  rows: GatheredRows,
): Promise<{ rows: number; file?: GatheredFile }> {
  const { ledger, io, staging, run } = ctx;
  const folder = join(staging, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await sweepGathered(ctx, { job, folder, begin });
  const stamp = new Date(io.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const file = { name: `${begin}${stamp}-r${run}.csv`, path: join(folder, `${begin}${stamp}-r${run}.csv`) };
  const written = await writeGathered(ctx, rows, file).catch((error: unknown) => {
    throw stagingProblem(error, staging);
  });
  const done = async (): Promise<void> => {
    taken();
    await rm(file.path, { force: true });
  };
  if (written.rows > 0 && !areContentsKnown(ledger, job, written.sha256))
    return { rows: written.rows, file: { ...file, taken: done } };
  await done();
  return { rows: written.rows };
}

/**
 * Writes rows to a CSV under a temporary name, flushes it to the disk, and gives it its name; so it is whole wherever it is.
 * What was written of it is removed where the source fails.
 */
export async function writeGathered(
  ctx: Pick<RunContext, 'signal' | 'progress'>,
  { columns, batches }: GatheredRows,
  { path, name }: { path: string; name: string },
): Promise<{ rows: number; sha256: string }> {
  const file = await createByteFile(`${path}.part`, name);
  let rows = 0;
  try {
    file.add(Buffer.from(lineOf(columns, 'csv', 'rfc4180')));
    for await (const batch of batches) {
      ctx.signal.throwIfAborted();
      file.add(Buffer.from(batch.map((cells) => lineOf(cells, 'csv', 'rfc4180')).join('')));
      rows += batch.length;
      if (file.waiting > FLUSH_AT) await file.flush();
      ctx.progress({ file: name, phase: 'downloading', done: rows, total: 0, unit: 'rows' });
    }
    const { sha256 } = await file.finish();
    await rename(`${path}.part`, path);
    await syncFolder(dirname(path));
    return { rows, sha256 };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** What names of gathered files have after their beginning: another job's may begin so, too. */
const REST = /^(?:\d{8}T\d{6}Z-r\d+|\d{8}-[0-9a-f]{8})\.csv(?:\.part|\.spool)?$/;

/** Removes what a process that died has left in a folder under names that begin so, but for a file that is still to be staged. */
export async function sweepGathered(
  { ledger }: Pick<RunContext, 'ledger'>,
  { job, folder, begin }: { job: string; folder: string; begin: string },
): Promise<void> {
  const needed = pathsNotStaged(ledger, job);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(begin) || !REST.test(name.slice(begin.length))) continue;
    if (needed.has(LOCAL + join(folder, name))) continue;
    await rm(join(folder, name), { force: true });
  }
}
