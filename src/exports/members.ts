import { createByteFile, type WholeFile } from './byte-file.ts';
import { oneLine } from './columns.ts';

/** A file of members as it was written; `rows` without the header. */
export interface MemberFile extends WholeFile {
  rows: number;
}

export interface MemberFileWork {
  path: string;
  /** What it is to be called in the end. */
  name: string;
  column: string;
  pages: Iterable<readonly string[]>;
  signal: AbortSignal;
}

const CHUNK = 1 << 18;

/** Writes members as a CSV file of one column, in bounded memory. Throws what the disk says, or the signal's reason; then no file is left. */
export async function writeMembers({ path, name, column, pages, signal }: MemberFileWork): Promise<MemberFile> {
  const file = await createByteFile(path, name);
  let rows = 0;
  try {
    file.add(Buffer.from(`${cellOf(column)}\n`));
    for (const page of pages) {
      signal.throwIfAborted();
      if (page.length === 0) continue;
      file.add(Buffer.from(`${page.map(cellOf).join('\n')}\n`));
      rows += page.length;
      if (file.waiting >= CHUNK) await file.flush();
    }
    return { ...(await file.finish()), rows };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** Quoted where a reader would take it for something else. */
function cellOf(text: string): string {
  const cell = oneLine(text);
  return /[",]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
