import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import type { CompiledExport } from '../../../src/exports/format.ts';
import type { ExportRow, LeftOut } from '../../../src/exports/row.ts';
import { type ExportWork, type WrittenExport, writeExport } from '../../../src/exports/write.ts';
import { AT } from './people.ts';

export interface Exported {
  written: WrittenExport;
  names: string[];
  /** The text of each file. */
  texts: string[];
  header: string[];
  /** The rows of all files, without headers. */
  rows: string[][];
  leftOut: { row: ExportRow; why: LeftOut }[];
}

/** Writes rows, and reads the files with another reader than what wrote them. Checks what holds for every export. */
export async function exported(
  format: CompiledExport,
  rows: Iterable<ExportRow> | AsyncIterable<ExportRow>,
  work: { folder: string } & Partial<ExportWork>,
): Promise<Exported> {
  const leftOut: Exported['leftOut'] = [];
  const written = await writeExport({
    rows,
    format,
    at: AT,
    kind: 'snapshot',
    leftOut: (row, why) => leftOut.push({ row, why }),
    signal: new AbortController().signal,
    ...work,
  });
  const bytes = written.files.map(({ path }) => readFileSync(path));
  const texts = bytes.map((each) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(each));
  const tables = texts.map((text) => {
    expect(text.endsWith('\n')).toBe(true);
    for (const character of ['\r', '\u0000']) expect(text).not.toContain(character);
    // Strict: any row of another width, and any quote out of place, throws.
    const records = parse(text, { bom: true, delimiter: format.delimiter });
    // One line a record: no cell has a line break.
    expect(text.split('\n').length - 1).toBe(records.length);
    return records;
  });
  const header = tables[0]?.[0] ?? [];
  for (const table of tables) expect(table[0]).toEqual(header);
  expect(header).toEqual(format.columns);
  written.files.forEach((file, i) => {
    const own = bytes[i] ?? Buffer.alloc(0);
    expect(file).toMatchObject({
      size: own.length,
      sha256: createHash('sha256').update(own).digest('hex'),
      rows: (tables[i]?.length ?? 0) - 1,
    });
  });
  const data = tables.flatMap((table) => table.slice(1));
  expect(written.rows).toBe(data.length);
  expect(written.bytes).toBe(bytes.reduce((sum, own) => sum + own.length, 0));
  const left = Object.values(written.leftOut).reduce((sum, count) => sum + count, 0);
  expect(left).toBe(leftOut.length);
  expect(written.read).toBe(written.rows + left);
  return { written, names: written.files.map(({ name }) => name), texts, header, rows: data, leftOut };
}
