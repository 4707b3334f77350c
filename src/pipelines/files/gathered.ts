import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createByteFile } from '../../exports/byte-file.ts';
import { pathsNotStaged } from '../../ledger/link-sources.ts';
import { lineOf } from './by-file/dialect.ts';
import type { RunContext } from './context.ts';
import { LOCAL, syncFolder } from './stage.ts';

const FLUSH_AT = 1 << 18;

/** Rows that a run asks for elsewhere and takes as a file. */
export interface GatheredRows {
  columns: readonly string[];
  /** Batches of rows; cells[i] belongs to columns[i]. */
  batches: AsyncIterable<readonly (readonly string[])[]> | Iterable<readonly (readonly string[])[]>;
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
      file.add(Buffer.from(batch.map((cells) => lineOf(cells.map(oneLine), 'csv', 'rfc4180')).join('')));
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

/** A line break in a name is a slip of somebody's keyboard; it would only make the results harder to read. */
const oneLine = (cell: string): string => cell.replace(/[\r\n]+/g, ' ').trim();

/** Removes what a process that died has left in a folder under names that begin so, but for a file that is still to be staged. */
export async function sweepGathered(
  { ledger }: Pick<RunContext, 'ledger'>,
  { job, folder, begin }: { job: string; folder: string; begin: string },
): Promise<void> {
  const needed = pathsNotStaged(ledger, job);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(begin) || needed.has(LOCAL + join(folder, name))) continue;
    await rm(join(folder, name), { force: true });
  }
}
