import { isObject, parsed } from '../json.ts';
/** How a file of rows is written. `PSV` has no quotes at all: each is a character like any other. */
export type RowFormat = 'CSV' | 'PSV' | 'JSON' | 'JSONL';

/** How a quote stands within a quoted value. Extole documents the backslash; whether it reads doubled ones is not known. */
export type Quotes = 'backslash' | 'doubled' | 'both';

export interface FileRow {
  /** From 1, the header not counted. */
  number: number;
  /** values[i] belongs to columns[i]. */
  values: readonly string[];
  /** The record cannot be read. */
  fault?: string;
}

export interface FileRows {
  columns: readonly string[];
  rows: FileRow[];
}

/** A whole file that cannot be read. */
export class UnreadableFile extends Error {}

/** UTF-8, strictly. A byte order mark is no blank: it stays, and belongs to the first column's name. */
export function decodeFile(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UnreadableFile('Incorrect file encoding. Expected: UTF-8');
  }
}

/** Reads a file as the stand-in's Extole does: a reader of its own, which knows nothing of who wrote the file. */
export function readRows(text: string, format: RowFormat, quotes: Quotes): FileRows {
  if (format === 'JSON' || format === 'JSONL') return readObjects(text, format);
  const records = format === 'CSV' ? csvRecords(text, quotes) : psvRecords(text);
  const [header, ...rest] = records;
  if (header === undefined) throw new UnreadableFile('The file is empty');
  if (header.fault !== undefined) throw new UnreadableFile(`Header cannot be read: ${header.fault}`);
  const columns = header.values;
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw new UnreadableFile(`Duplicate header: ${twice}`);
  const rows = rest.map(({ values, fault }, i): FileRow => {
    const number = i + 1;
    if (fault !== undefined) return { number, values, fault };
    if (values.length === columns.length) return { number, values };
    return { number, values, fault: `Expected ${columns.length} columns but found ${values.length}` };
  });
  return { columns, rows };
}

interface Line {
  values: string[];
  fault?: string;
}

function psvRecords(text: string): Line[] {
  return linesOf(text).map((line) => ({ values: line.split('|') }));
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '');
}

/** Lines that are empty are no records. A record whose quotes are wrong spoils only itself. */
function csvRecords(text: string, quotes: Quotes): Line[] {
  const records: Line[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const values: string[] = [];
    let fault: string | undefined;
    let more = true;
    while (more) {
      const field = text[at] === '"' ? quotedField(text, at, quotes) : bareField(text, at);
      values.push(field.value);
      fault ??= field.fault;
      at = field.end;
      more = text[at] === ',';
      if (more) at += 1;
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    const blank = values.length === 1 && values[0] === '' && text[start] !== '"';
    if (!blank) records.push(fault === undefined ? { values } : { values, fault });
  }
  return records;
}

interface Field {
  value: string;
  /** At the delimiter, the line end or the end of the text. */
  end: number;
  fault?: string;
}

function bareField(text: string, from: number): Field {
  const end = endOfBare(text, from);
  const value = text.slice(from, end);
  return value.includes('"')
    ? { value, end, fault: 'Malformed value: a quote within an unquoted value' }
    : { value, end };
}

function endOfBare(text: string, from: number): number {
  let end = from;
  while (end < text.length) {
    const c = text[end];
    if (c === ',' || c === '\n' || (c === '\r' && (end + 1 === text.length || text[end + 1] === '\n'))) break;
    end += 1;
  }
  return end;
}

function quotedField(text: string, from: number, quotes: Quotes): Field {
  let value = '';
  let at = from + 1;
  for (;;) {
    const c = text[at];
    if (c === undefined) return { value, end: at, fault: 'Malformed value: a quote is never closed' };
    if (c === '\\' && quotes !== 'doubled' && (text[at + 1] === '"' || text[at + 1] === '\\')) {
      value += text[at + 1];
      at += 2;
    } else if (c === '"' && quotes !== 'backslash' && text[at + 1] === '"') {
      value += '"';
      at += 2;
    } else if (c === '"') {
      break;
    } else {
      value += c;
      at += 1;
    }
  }
  const end = endOfBare(text, at + 1);
  return end === at + 1 ? { value, end } : { value, end, fault: 'Malformed value: characters after a closing quote' };
}

function readObjects(text: string, format: 'JSON' | 'JSONL'): FileRows {
  const objects = format === 'JSON' ? arrayOf(text) : linesOf(text).map(parsed);
  const columns = [...new Set(objects.flatMap((one) => (isObject(one) ? Object.keys(one) : [])))];
  const rows = objects.map((one, i): FileRow => {
    if (!isObject(one)) return { number: i + 1, values: [], fault: 'The row is not a JSON object' };
    return { number: i + 1, values: columns.map((name) => textOf(one[name])) };
  });
  return { columns, rows };
}

function arrayOf(text: string): unknown[] {
  const value = parsed(text);
  if (!Array.isArray(value)) throw new UnreadableFile('JSON: a list of objects was expected');
  return value;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
