import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { FileRefused, type InputRow, type ReadSummary } from '../../src/model.ts';
import { openRows } from '../../src/parsing/open.ts';
import { type FileSettings, fileSettings, type StagedFile } from '../../src/parsing/settings.ts';
import { openText } from '../../src/parsing/text.ts';

/** Puts contents into a staging folder, which is gone after the test. */
export function stage(contents: string | Buffer, name = 'partner.csv'): StagedFile {
  const folder = mkdtempSync(join(tmpdir(), 'referry-parsing-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'staged.bin');
  writeFileSync(path, contents);
  return { path, name };
}

export interface Read {
  columns: readonly string[];
  delimiter: string;
  rows: InputRow[];
  values: (readonly (string | undefined)[])[];
  faults: (string | undefined)[];
  summary: ReadSummary;
  staged: StagedFile;
  settings: FileSettings;
}

export interface ReadOptions {
  name?: string;
  file?: unknown;
  wanted?: readonly string[];
}

/** Reads contents to the end. */
export async function read(contents: string | Buffer, options: ReadOptions = {}): Promise<Read> {
  const staged = stage(contents, options.name);
  const settings = fileSettings.parse(options.file ?? {});
  const reader = await openRows(staged, settings, options.wanted ?? []);
  const rows: InputRow[] = [];
  for await (const batch of reader.batches()) rows.push(...batch);
  return {
    columns: reader.columns,
    delimiter: reader.delimiter,
    rows,
    values: rows.map((row) => row.values),
    faults: rows.map((row) => row.fault?.code),
    summary: reader.summary(),
    staged,
    settings,
  };
}

/** The refusal of contents that must be refused. */
export async function refused(contents: string | Buffer, options: ReadOptions = {}): Promise<FileRefused> {
  try {
    await read(contents, options);
  } catch (error) {
    if (error instanceof FileRefused) return error;
    throw error;
  }
  throw new Error('the file was read to its end; a refusal was expected');
}

/** Everything that an iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** The whole decoded text. */
export async function textOf({ staged, settings }: Read, start = 0): Promise<Buffer> {
  return Buffer.concat(await all(openText(staged, settings, { start })));
}

/** Cut into pieces of `size` bytes. */
export async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}
