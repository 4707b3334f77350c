import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';

/** One way of reading a results file: what separates fields, and how a quote stands within a quoted one. */
export interface Dialect {
  delimiter: string;
  quotes: 'doubled' | 'backslash' | 'none';
}

/** Ways to try, the likeliest first: Extole answers in the format of the file it was given. */
export function dialectsFor(format: 'csv' | 'psv'): Dialect[] {
  const csv: Dialect[] = [
    { delimiter: ',', quotes: 'doubled' },
    { delimiter: ',', quotes: 'backslash' },
  ];
  const psv: Dialect[] = [
    { delimiter: '|', quotes: 'none' },
    { delimiter: '|', quotes: 'doubled' },
  ];
  const tab: Dialect[] = [{ delimiter: '\t', quotes: 'doubled' }];
  return format === 'csv' ? [...csv, ...psv, ...tab] : [...psv, ...csv, ...tab];
}

/** More than any line should have: a quote that is never closed must not take the whole file into memory. */
const MOST_BYTES = 1 << 20;
const BATCH = 1000;

/**
 * The records of a results file, in batches, blank lines left out. Never throws for what is in the file: reading stops where it
 * makes no sense any more, and `broken` is called.
 */
export async function* recordsOf(path: string, dialect: Dialect, broken: () => void): AsyncGenerator<string[][]> {
  const { delimiter, quotes } = dialect;
  const parser = parse({
    delimiter,
    bom: true,
    quote: quotes === 'none' ? false : '"',
    escape: quotes === 'backslash' ? '\\' : '"',
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MOST_BYTES,
  });
  // Whichever of the two ends early takes the other with it; what went wrong is told where the records are read.
  pipeline(createReadStream(path), parser, () => {});
  let batch: string[][] = [];
  try {
    for await (const record of parser) {
      batch.push(record);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    broken();
  }
  if (batch.length > 0) yield batch;
}

/** The first record of each way of reading; `undefined` for an empty file. */
export async function firstRecord(path: string, dialect: Dialect): Promise<string[] | undefined> {
  for await (const batch of recordsOf(path, dialect, () => {})) return batch[0];
  return undefined;
}

/** Whether a file ends with a line end: one that does not may be half written. */
export async function endsWithLine(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    if (size === 0) return false;
    const last = Buffer.alloc(1);
    await handle.read(last, 0, 1, size - 1);
    return last[0] === 10 || last[0] === 13;
  } finally {
    await handle.close();
  }
}
