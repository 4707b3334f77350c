import { FileRefused, type Notice, type ReadSummary, type RefusalDetail, type RowReader } from '../model.ts';
import { explainBroken } from './broken.ts';
import { BrokenRecord, type Position } from './broken-record.ts';
import { doubleEscapedQuotes } from './dialect.ts';
import { quoteExcelText, restoreExcelText } from './excel-text.ts';
import type { Format } from './format.ts';
import { readHeader } from './header.ts';
import { readRecords, type SplitRecord } from './records.ts';
import type { FileSettings, StagedFile } from './settings.ts';
import { tellName } from './tell-name.ts';
import { type Beginning, textAfter } from './text.ts';
import { type TrailerCheck, trailerCheck } from './trailer.ts';

/** A staged file whose first bytes were looked at. */
export interface Opened {
  staged: StagedFile;
  settings: FileSettings;
  wanted: readonly string[];
  beginning: Beginning;
  signal: AbortSignal | undefined;
}

/** What the header and the first rows say about the rest. */
interface Layout {
  columns: string[];
  header?: { offset: number; length: number };
  /** Where the rows start. */
  rows: Position;
  /** Every record ends in a delimiter, as some exports do: the empty field behind it is dropped. */
  trailing: boolean;
  /** How many fields most of the first rows have. */
  usual: number;
  notices: Notice[];
}

/** What is learned of the text while it passes. */
interface Passed {
  bytes: number;
  /** A NUL was seen, so that values must be searched for it from here on. */
  nul: boolean;
}

/** So many rows must agree before a delimiter at the end of each is taken for a habit of the sender. */
const LOOK_AHEAD = 200;
const BATCH = 500;
const START: Position = { offset: 0, line: 1 };

/** Rows of a file with a header and a delimiter. Each call of `batches()` reads it from its start. */
export async function openDelimited(opened: Opened, format: Format, delimiter: string): Promise<RowReader> {
  const { settings, beginning } = opened;
  const layout = await inspect(opened, delimiter);
  let summary: ReadSummary | undefined;
  return {
    columns: layout.columns,
    delimiter,
    ...(layout.header && { header: layout.header }),
    async *batches() {
      summary = undefined;
      const passed: Passed = { bytes: layout.rows.offset, nul: false };
      const trailer =
        settings.trailer && trailerCheck(settings.trailer, layout.columns, delimiter, settings.sequence?.position);
      let rows = 0;
      let last: SplitRecord | undefined;
      for await (const records of recordsFrom(opened, delimiter, layout.rows, layout.columns, passed, {
        width: layout.usual,
      })) {
        let batch =
          layout.columns.length === 1 ? records : records.filter((record) => !isBlank(record, settings.dialect));
        if (trailer && batch.length > 0) {
          // The last record may be the trailer, so one is always kept back.
          batch = last ? [last, ...batch] : batch;
          last = batch.pop();
          for (const { values, line } of batch) trailer.add(values, line);
        }
        judge(batch, layout, settings, passed);
        rows += batch.length;
        yield* inParts(batch);
      }
      const ended = trailer && compared(trailer, last, settings);
      const notices = [...beginning.notices, ...layout.notices, ...noticeEmpty(rows, settings)];
      summary = { rows, bytes: passed.bytes, charset: beginning.charset, format, notices };
      if (ended?.totals) summary.trailer = ended.totals;
      if (ended?.disagreement) summary.disagreement = ended.disagreement;
    },
    summary() {
      if (!summary) throw new Error('summary() is known after batches() came to its end');
      return summary;
    },
  };
}

/** The trailer says otherwise than the rows; all else that may be wrong with it says that the file is cut off, or that the job is wrong. */
const DISAGREES = new Set(['TRAILER_COUNT', 'TRAILER_SUM']);

function compared(
  trailer: TrailerCheck,
  last: SplitRecord | undefined,
  settings: FileSettings,
): { totals?: Record<string, string>; disagreement?: RefusalDetail } {
  try {
    return { totals: trailer.verify(last && trailer.recognises(last) ? last : undefined) };
  } catch (error) {
    if (settings.disagreement !== 'tell' || !(error instanceof FileRefused) || !DISAGREES.has(error.code)) throw error;
    return { disagreement: error };
  }
}

function* inParts<T>(rows: T[]): Generator<T[]> {
  if (rows.length > 0 && rows.length <= BATCH) yield rows;
  else for (let i = 0; i < rows.length; i += BATCH) yield rows.slice(i, i + BATCH);
}

/** A file without rows: a notice, or a refusal where the job wants one. */
export function noticeEmpty(rows: number, settings: FileSettings): Notice[] {
  if (rows > 0) return [];
  if (settings.empty === 'refuse') {
    throw new FileRefused({
      code: 'EMPTY_FILE',
      message: 'the file has no rows, and the job refuses such files (file.empty: refuse)',
      hint: 'Ask the sender for the file again, or set file.empty: process if it may be empty.',
    });
  }
  return [{ code: 'EMPTY_FILE', message: 'the file has no rows' }];
}

/** Reads the header and the first rows, and stops. */
async function inspect(opened: Opened, delimiter: string): Promise<Layout> {
  const { settings, wanted } = opened;
  const records: SplitRecord[] = [];
  const passed: Passed = { bytes: 0, nul: false };
  const named: string[] = [];
  for await (const batch of recordsFrom(opened, delimiter, START, named, passed)) {
    for (const record of batch) if (records.length > 0 || !isBlank(record, settings.dialect)) records.push(record);
    if (named.length === 0) named.push(...(records[0]?.values ?? []));
    if (records.length > LOOK_AHEAD) break;
  }
  const [header, ...all] = records.slice(0, LOOK_AHEAD + 1);
  if (!header) return { columns: [], rows: START, trailing: false, usual: 1, notices: [] };
  const end = { offset: header.offset + header.length, line: header.line };
  const place = { offset: header.offset, length: header.length };
  const start = all[0] ? { offset: all[0].offset, line: all[0].line } : end;
  const trailer = settings.trailer && trailerCheck(settings.trailer, [], delimiter, settings.sequence?.position);
  const rows = all.filter((record) => !isBlank(record, settings.dialect) && !trailer?.recognises(record));
  const { names, trailing } = withoutTrailing(header.values, rows);
  const { columns, notices } = readHeader(names, { line: header.line, delimiter, settings, wanted });
  return { columns, header: place, rows: start, trailing, usual: usualWidth(rows) ?? names.length, notices };
}

/**
 * The names without the empty one behind a delimiter at the end of the header, and whether rows end in one too. An
 * empty name stays, and is refused, where rows have values in its column.
 */
function withoutTrailing(header: string[], rows: readonly SplitRecord[]): { names: string[]; trailing: boolean } {
  const inHeader = header.length > 1 && header.at(-1)?.trim() === '';
  const names = inHeader ? header.slice(0, -1) : header;
  const longer = rows.filter(({ values }) => values.length === names.length + 1);
  if (longer.some(({ values }) => values.at(-1) !== '')) return { names: header, trailing: false };
  const trailing = longer.length > 0 && (inHeader || longer.length === rows.length);
  return { names, trailing };
}

function usualWidth(rows: readonly SplitRecord[]): number | undefined {
  const counts = new Map<number, number>();
  for (const { values } of rows) counts.set(values.length, (counts.get(values.length) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/**
 * A line of nothing but spaces holds no record; nor does the Ctrl-Z with which DOS and mainframes end a file. A line of quotes
 * holds one: an empty value, which is a row like any other.
 */
function isBlank({ values, length }: SplitRecord, dialect: FileSettings['dialect']): boolean {
  if (values.length !== 1) return false;
  const [value = ''] = values;
  const text = value.trim();
  if (text !== '' && text !== '\u001a') return false;
  // Extole's spaces are not part of the value, so that its length does not tell.
  return dialect === 'extole' || Buffer.byteLength(value) === length;
}

/** Says which rows cannot be read as they are. Changes them in place: a row is made once. */
function judge(rows: SplitRecord[], layout: Layout, settings: FileSettings, passed: Passed): void {
  const width = layout.columns.length;
  const { trailing } = layout;
  for (const row of rows) {
    const { values } = row;
    if (values.length !== width + (trailing ? 1 : 0) || (trailing && values[width] !== '')) {
      reject(row, 'COLUMN_COUNT', columnCount(row, width, trailing));
      continue;
    }
    if (trailing) values.pop();
    if (row.length > settings.limits.field) rejectLongField(row, layout.columns, settings.limits.field);
    if (passed.nul && values.some((value) => value.includes('\0'))) {
      reject(row, 'NUL_BYTE', 'the record has a NUL byte, which no text has; it may come from a broken transfer');
    }
  }
}

function columnCount({ values }: SplitRecord, width: number, trailing: boolean): string {
  const expected = trailing ? `${width} and a delimiter at the end` : `${width}`;
  const comment = values[0]?.startsWith('#') ? ' (a comment line? they are not read)' : '';
  return `the record has ${values.length} field${values.length === 1 ? '' : 's'}, the header has ${expected}${comment}`;
}

function rejectLongField(row: SplitRecord, columns: readonly string[], most: number): void {
  const at = row.values.findIndex((value) => Buffer.byteLength(value) > most);
  if (at >= 0)
    reject(row, 'FIELD_TOO_LARGE', `${tellName(columns[at] ?? '')} is longer than ${most} bytes (file.limits.field)`);
}

function reject(row: SplitRecord, code: string, reason: string): void {
  row.fault = { code, reason };
  row.values = [];
}

async function* recordsFrom(
  opened: Opened,
  delimiter: string,
  from: Position,
  columns: readonly string[],
  passed: Passed,
  known?: { width: number },
): AsyncGenerator<SplitRecord[]> {
  const { staged, settings, beginning } = opened;
  const { dialect, limits } = settings;
  const syntax = { delimiter, leadingSpaces: dialect === 'extole', maxRecord: limits.record, ...known };
  const whole = watched(textAfter(staged, settings, beginning, from.offset), passed, opened.signal);
  const text = known ? whole : inSmallPieces(whole);
  try {
    if (dialect === 'extole') yield* readRecords(doubleEscapedQuotes(text, delimiter, from.line), syntax, from);
    else if (dialect === 'excel') {
      const quoted = quoteExcelText(text, delimiter);
      for await (const records of readRecords(quoted, syntax, from)) yield restoreExcelText(records);
    } else yield* readRecords(text, syntax, from);
  } catch (error) {
    if (!(error instanceof BrokenRecord)) throw error;
    const again = textAfter(staged, settings, beginning, error.at.offset);
    const told = dialect === 'excel' ? quoteExcelText(again, delimiter) : again;
    const spoken = dialect === 'extole' ? dialect : 'rfc4180';
    throw await explainBroken(told, error.at, { delimiter, dialect: spoken, maxRecord: limits.record, columns });
  }
}

/** For a look at the first rows, which should not cost a whole chunk. */
async function* inSmallPieces(text: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of text) for (let i = 0; i < chunk.length; i += 4096) yield chunk.subarray(i, i + 4096);
}

/** Passes the text on, and notes what is learned on the way. */
export async function* watched(
  text: AsyncIterable<Buffer>,
  passed: Passed,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  for await (const chunk of text) {
    signal?.throwIfAborted();
    passed.bytes += chunk.length;
    passed.nul ||= chunk.includes(0);
    yield chunk;
  }
}
