import { once } from 'node:events';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { type CsvFormatterStream, format as fastCsv } from '@fast-csv/format';
import { TransferError } from '../model.ts';
import { type ByteFile, createByteFile, type WholeFile } from './byte-file.ts';
import type { CompiledExport } from './format.ts';
import { countLeftOut, type ExportKind, type ExportRow, type HearLeftOut, type LeftOut } from './row.ts';

/** One file of an export; `rows` without the header. */
export interface ExportFile extends WholeFile {
  rows: number;
}

/** What was written. read = rows + the sum of leftOut. */
export interface WrittenExport {
  /** At least one; without rows it has the header alone. */
  files: ExportFile[];
  columns: readonly string[];
  read: number;
  rows: number;
  bytes: number;
  /** How many rows are not in the files, by code. */
  leftOut: Readonly<Record<string, number>>;
}

export interface ExportWork {
  rows: Iterable<ExportRow> | AsyncIterable<ExportRow>;
  format: CompiledExport;
  /** A private local folder. Files get the names there that they are to have in the end. */
  folder: string;
  /** Milliseconds since 1970; the names are made of it. */
  at: number;
  kind: ExportKind;
  leftOut?: HearLeftOut;
  signal: AbortSignal;
}

const CHUNK = 1 << 18;

/**
 * Writes rows as files for import, in bounded memory. Throws EXPORT_NOT_SORTED where rows do not come in the order that the format needs, what
 * the disk says, or the signal's reason; then no file of it is left.
 */
export async function writeExport(work: ExportWork): Promise<WrittenExport> {
  const { rows, format } = work;
  const parts: Part[] = [];
  const { counts, leave } = countLeftOut(work.leftOut);
  let read = 0;
  let before: string | undefined;
  const next = async (): Promise<Part> => {
    const part = await openPart(work, parts.length + 1);
    parts.push(part);
    return part;
  };
  /** A promise only where something is to be waited for: rows are many. */
  const take = (row: ExportRow): Promise<void> | undefined => {
    read++;
    const cells = format.cells(row);
    if (!Array.isArray(cells)) return void leave(row, cells);
    if (format.identify) {
      const now = format.identify(row);
      if (now === before) return void leave(row, DUPLICATE);
      if (before !== undefined && !ascends(before, now)) throw notSorted(format, read);
      before = now;
    }
    if (!part.fits(cells)) return overflow(row, cells);
    return part.put(cells);
  };
  const overflow = async (row: ExportRow, cells: string[]): Promise<void> => {
    await part.settle();
    if (part.fits(cells)) return part.put(cells);
    if (part.rows === 0) return leave(row, TOO_LARGE);
    await part.end();
    part = await next();
    return part.fits(cells) ? part.put(cells) : leave(row, TOO_LARGE);
  };

  let part = await next();
  try {
    if (Symbol.asyncIterator in rows) {
      for await (const row of rows) {
        const waiting = take(row);
        if (waiting) await waiting;
      }
    } else {
      for (const row of rows) {
        const waiting = take(row);
        if (waiting) await waiting;
      }
    }
    work.signal.throwIfAborted();
    await part.end();
    const files: ExportFile[] = [];
    for (const each of parts) files.push(await each.end());
    const sum = (of: (file: ExportFile) => number): number => files.reduce((total, file) => total + of(file), 0);
    const { columns } = format;
    return { files, columns, read, rows: sum((file) => file.rows), bytes: sum((file) => file.size), leftOut: counts };
  } catch (error) {
    for (const each of parts) await each.discard();
    throw error;
  }
}

interface Part {
  readonly rows: number;
  /** Whether a row may still go into this file. What is in the formatter counts as if it filled the file: settle, and ask again. */
  fits(cells: readonly string[]): boolean;
  put(cells: string[]): Promise<void> | undefined;
  /** Waits until all that was put is formatted and counted. */
  settle(): Promise<void>;
  end(): Promise<ExportFile>;
  discard(): Promise<void>;
}

async function openPart({ format, folder, at, kind, signal }: ExportWork, number: number): Promise<Part> {
  const name = format.fileName(at, kind, number);
  const file = await createByteFile(join(folder, name), name);
  const csv = formatter(format, file);
  const { maxBytes = Number.POSITIVE_INFINITY, maxRows = Number.POSITIVE_INFINITY } = format;
  const header = sizeOf(format.columns) + (format.mark ? 3 : 0);
  let rows = 0;
  let whole: Promise<ExportFile> | undefined;

  const isSettled = (): boolean => csv.writableLength === 0 && csv.readableLength === 0;
  const settle = async (): Promise<void> => {
    while (!isSettled()) await new Promise((resolve) => setImmediate(resolve));
    await file.flush();
  };
  const flush = async (): Promise<void> => {
    signal.throwIfAborted();
    await file.flush();
    if (csv.writableNeedDrain) await once(csv, 'drain');
  };
  const finish = async (): Promise<ExportFile> => {
    csv.end();
    await finished(csv);
    return { ...(await file.finish()), rows };
  };
  return {
    get rows() {
      return rows;
    },
    fits(cells) {
      if (rows >= maxRows) return false;
      if (maxBytes === Number.POSITIVE_INFINITY) return true;
      return isSettled() && Math.max(file.size, header) + sizeOf(cells) < maxBytes;
    },
    put(cells) {
      rows++;
      const goesOn = csv.write(cells);
      return goesOn && file.waiting < CHUNK ? undefined : flush();
    },
    settle,
    end() {
      whole ??= finish();
      return whole;
    },
    async discard() {
      csv.destroy();
      await file.discard();
    },
  };
}

function formatter(
  { columns, delimiter, mark }: CompiledExport,
  file: ByteFile,
): CsvFormatterStream<string[], string[]> {
  const csv = fastCsv<string[], string[]>({
    headers: [...columns],
    alwaysWriteHeaders: true,
    includeEndRowDelimiter: true,
    rowDelimiter: '\n',
    delimiter,
    writeBOM: mark,
  });
  csv.on('data', (bytes: Buffer) => file.add(bytes));
  // Whoever waits for the stream hears of it.
  csv.on('error', () => {});
  return csv;
}

/** At least the bytes of a line: each cell as if it were quoted. */
function sizeOf(cells: readonly string[]): number {
  let size = 1;
  for (const cell of cells) {
    size += Buffer.byteLength(cell) + 3;
    for (let at = cell.indexOf('"'); at !== -1; at = cell.indexOf('"', at + 1)) size++;
  }
  return size;
}

/** In the order of UTF-16 units, as JavaScript sorts, or in that of UTF-8 bytes, as databases do. They differ for few texts. */
function ascends(before: string, now: string): boolean {
  return before < now || Buffer.compare(Buffer.from(before), Buffer.from(now)) < 0;
}

function notSorted({ format, columns }: CompiledExport, row: number): TransferError {
  return new TransferError(
    'EXPORT_NOT_SORTED',
    `row ${row} of the export to ${format} comes before the one above it, in the order of ${columns[0] ?? 'its identifier'}; rows must be sorted, so that each person is written once`,
    { hint: 'This is a mistake of the program. Nothing was written; please report it.' },
  );
}

const DUPLICATE: LeftOut = {
  code: 'PERSON_TWICE',
  reason: 'another row of this export is of the same person; the tool takes each person once, and has the first',
};

const TOO_LARGE: LeftOut = {
  code: 'ROW_TOO_LARGE',
  reason: 'the row alone is larger than a whole file may be',
};
