import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InputRow } from '../../src/model.ts';
import { openRows } from '../../src/parsing/open.ts';
import { fileSettings } from '../../src/parsing/settings.ts';
import { openText } from '../../src/parsing/text.ts';
import { collect, must, newFolder, outcome, takeFrom } from './support.ts';

const folder = newFolder();
const path = join(folder, 'staged');

const SETTINGS = [
  {},
  { dialect: 'extole' },
  { dialect: 'excel' },
  { header: { mode: 'exact-set', onDrift: 'warn' } },
  { header: { mode: 'ordered' } },
  { trailer: { startsWith: 'TRL', count: 2, sums: { amount: 3 } } },
  { charset: 'windows-1252' },
  { charset: 'utf-16le', empty: 'refuse' },
  { limits: { field: 40, record: 200, columns: 6 } },
].map((file) => fileSettings.parse(file));
const NAMES = ['a.csv', 'a.psv', 'a.tsv', 'a.json', 'a.jsonl', 'a', 'a.csv.gz', 'a.csv.zip'] as const;

/** A staged file of any bytes under any settings: rows with their true places, or a refusal; never anything else. */
export async function fuzz(data: Buffer): Promise<void> {
  const take = takeFrom(data);
  const settings = SETTINGS[take.number(SETTINGS.length)] ?? fileSettings.parse({});
  const name = take.pick(NAMES);
  const wanted = take.number(2) === 0 ? [] : ['id', 'amount'];
  writeFileSync(path, take.rest());
  const staged = { path, name };
  const read = await outcome(async () => {
    const reader = await openRows(staged, settings, wanted);
    const rows: InputRow[] = (await collect(reader.batches())).flat();
    return {
      rows,
      columns: [...reader.columns],
      delimiter: reader.delimiter,
      header: reader.header,
      summary: reader.summary(),
    };
  });
  if (!read.ok) return;
  const { rows, columns, summary, delimiter } = read.value;
  must(summary.rows === rows.length, 'the summary counts other rows', summary.rows, rows.length);
  const text = Buffer.concat(await collect(openText(staged, settings)));
  must(summary.bytes === text.length, 'the summary counts other bytes', summary.bytes, text.length);
  let end = 0;
  let line = 0;
  for (const row of rows) {
    must(row.offset >= end && row.length > 0, 'rows overlap', row, end);
    end = row.offset + row.length;
    must(end <= text.length, 'a row ends behind the text', row, text.length);
    must(row.line >= line && (row.line > line || delimiter === ''), 'lines do not rise', row, line);
    line = row.line;
    must(row.fault !== undefined || row.values.length <= columns.length, 'more values than columns', row, columns);
    must(
      row.fault !== undefined || delimiter === '' || row.values.length === columns.length,
      'fewer values than columns',
      row,
      columns,
    );
    must(
      row.values.every((value) => value === undefined || value.isWellFormed()),
      'half a character',
      row,
    );
  }
}
