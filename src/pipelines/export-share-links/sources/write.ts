import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createByteFile } from '../../../exports/byte-file.ts';
import { lineOf } from '../../files/by-file/dialect.ts';
import { syncFolder } from '../../files/stage.ts';
import type { Customers, GatherContext } from './gather.ts';

const FLUSH_AT = 1 << 18;

/**
 * Writes customers to a CSV under a temporary name, flushes it to the disk, and gives it its name; so it is whole wherever it is.
 * What was written of it is removed where the source fails.
 */
export async function writeCustomers(
  ctx: GatherContext,
  { columns, batches }: Pick<Customers, 'columns' | 'batches'>,
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
