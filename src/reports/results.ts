import type { Outcome, RefusalDetail } from '../model.ts';
import { sentence } from './words.ts';

/** What a results file says of one input row. */
export interface ResultRow {
  line: number;
  outcome: Outcome;
  /** Empty for delivered rows. */
  code: string;
  reason: string;
  eventId: string;
  attempts: number;
  /** ISO 8601, UTC; empty where nothing was tried. */
  at: string;
}

/** Takes the parts of a line in order. Bytes are copied at once, so the caller may use them again. */
export interface LineSink {
  text(part: string): void;
  bytes(part: Buffer): void;
}

/** How results lines look for one input file: the leading columns, then the input record as it stands. */
export interface ResultsFormat {
  json: boolean;
  /** Ends with LF; empty for JSON Lines. */
  headerLine(): string;
  /** One line, ends with LF. The record's bytes reach the results untouched. */
  write(row: ResultRow, raw: Buffer, out: LineSink): void;
  /** The same line as text. */
  line(row: ResultRow, raw: Buffer | string): string;
}

export interface ResultsLayout {
  /** The input's own delimiter; ignored for JSON. */
  delimiter: string;
  /** The input's header record as it stands. Without it, results of a delimited file carry no input columns. */
  header?: Buffer | string;
  /** JSON and JSON Lines input gives JSON Lines. */
  json: boolean;
  /** Leave the input record out: it came encrypted, and the results do not go back so. */
  withoutInput?: boolean;
}

const LEADING = ['line', 'outcome', 'code', 'reason', 'event_id', 'attempts', 'at'];
const LF = 10;
const CR = 13;

export function resultsFormat(layout: ResultsLayout): ResultsFormat {
  const { json } = layout;
  const inputHeader = layout.withoutInput ? undefined : layout.header;
  const header = json ? '' : headerOf(layout.delimiter || ',', inputHeader);
  const write = json
    ? jsonWriter(layout.withoutInput !== true)
    : delimitedWriter(layout.delimiter || ',', inputHeader !== undefined);
  return {
    json,
    headerLine: () => header,
    write,
    line(row, raw) {
      const parts: string[] = [];
      const out: LineSink = { text: (part) => parts.push(part), bytes: (part) => parts.push(part.toString('utf8')) };
      write(row, typeof raw === 'string' ? Buffer.from(raw) : raw, out);
      return parts.join('');
    },
  };
}

function headerOf(delimiter: string, header: Buffer | string | undefined): string {
  const leading = LEADING.join(delimiter);
  if (header === undefined) return `${leading}\n`;
  const text = typeof header === 'string' ? header : header.toString('utf8');
  return `${leading}${delimiter}${text.replace(/^\uFEFF/, '')}\n`;
}

/** Without a header the input record would be columns that nothing names, so it is left out. */
function delimitedWriter(d: string, withInput: boolean): ResultsFormat['write'] {
  const quoted = quoter(d);
  return (row, raw, out) => {
    const { line, outcome, attempts } = row;
    const told = `${line}${d}${outcome}${d}${quoted(row.code)}${d}${quoted(row.reason)}${d}${quoted(row.eventId)}${d}${attempts}${d}${quoted(row.at)}`;
    if (withInput) {
      out.text(told + d);
      out.bytes(raw);
      out.text('\n');
    } else out.text(`${told}\n`);
  };
}

const jsonWriter =
  (withInput: boolean): ResultsFormat['write'] =>
  (row, raw, out) => {
    const told =
      `{"line":${row.line},"outcome":"${row.outcome}","code":${jsonText(row.code)},"reason":${jsonText(row.reason)},` +
      `"event_id":${jsonText(row.eventId)},"attempts":${row.attempts},"at":${jsonText(row.at)}`;
    if (withInput) writeRecord(told, row, raw, out);
    else out.text(`${told}}\n`);
  };

function writeRecord(told: string, row: ResultRow, raw: Buffer, out: LineSink): void {
  // Only a rejected row can be one that the reader could not make sense of.
  if (row.outcome === 'rejected' && !isJson(raw)) {
    out.text(`${told},"raw":${JSON.stringify(raw.toString('utf8'))}}\n`);
    return;
  }
  out.text(`${told},"row":`);
  out.bytes(onOneLine(raw));
  out.text('}\n');
}

/** Line breaks of valid JSON stand between its tokens only, so a space means the same. */
function onOneLine(raw: Buffer): Buffer {
  if (raw.indexOf(LF) === -1 && raw.indexOf(CR) === -1) return raw;
  const copy = Buffer.from(raw);
  for (let i = 0; i < copy.length; i++) if (copy[i] === LF || copy[i] === CR) copy[i] = 32;
  return copy;
}

function isJson(raw: Buffer): boolean {
  try {
    JSON.parse(raw.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

const PLAIN = /^[\w .:;,@/+()'=-]*$/;

function jsonText(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(singleLine(text));
}

/** Quotes a field as RFC 4180 does, and only where it must. */
function quoter(delimiter: string): (text: string) => string {
  const escaped = delimiter.replace(/[\\\]^-]/g, '\\$&');
  const special = new RegExp(`["${escaped}]`);
  const ordinary = new RegExp(`^[^"${escaped}${BREAKING}]*$`);
  return (text) => {
    if (text === '' || ordinary.test(text)) return text;
    const flat = singleLine(text);
    return special.test(flat) ? `"${flat.replaceAll('"', '""')}"` : flat;
  };
}

const BREAKING = '\\u0000-\\u001f\\u007f\\u0085\\u2028\\u2029';
const BREAKS = new RegExp(`[${BREAKING}]+`);
const ALL_BREAKS = new RegExp(BREAKS, 'g');

/** One line a row: a reason may quote a provider's message, which may hold line breaks. */
function singleLine(text: string): string {
  return BREAKS.test(text) ? text.replace(ALL_BREAKS, ' ').trim() : text;
}

const WRAPPED = /\.(?:gz|gzip|zip|pgp|gpg|asc)$/i;
const DELIMITED = /\.(csv|psv|tsv|txt)$/i;
const JSONISH = /\.(?:json|jsonl|ndjson)$/i;

/**
 * The name of the results file for an input file: `x.csv` gives `x.csv.results.csv`, and `x.csv.results.r2.csv` as revision 2.
 * Compression and encryption are dropped from the name; JSON gives JSON Lines.
 */
export function resultsName(name: string, revision = 1, json = JSONISH.test(unwrapped(name))): string {
  const stem = unwrapped(name);
  const ending = json ? 'jsonl' : (DELIMITED.exec(stem)?.[1]?.toLowerCase() ?? 'csv');
  return `${stem}.results.${revision > 1 ? `r${revision}.` : ''}${ending}`;
}

function unwrapped(name: string): string {
  let stem = name;
  while (WRAPPED.test(stem)) {
    const shorter = stem.replace(WRAPPED, '');
    if (shorter === '') return stem;
    stem = shorter;
  }
  return stem;
}

export interface RefusedLayout {
  delimiter?: string;
  json?: boolean;
  /** When the file was refused; ISO 8601, UTC. */
  at: string;
}

/**
 * The results of a file that was refused as a whole: the header and one line that says why. Its outcome is `refused`, which
 * no row ever has; its line is the one the refusal names, else 0.
 */
export function refusedResults(refusal: RefusalDetail, layout: RefusedLayout): string {
  const d = layout.delimiter || ',';
  const line = refusal.line ?? 0;
  const reason = singleLine(
    refusal.hint === undefined ? refusal.message : `${sentence(refusal.message)} ${refusal.hint}`,
  );
  if (layout.json) {
    const { code } = refusal;
    return `${JSON.stringify({ line, outcome: 'refused', code, reason, event_id: '', attempts: 0, at: layout.at })}\n`;
  }
  const quoted = quoter(d);
  const cells = [String(line), 'refused', quoted(refusal.code), quoted(reason), '', '0', quoted(layout.at)];
  return `${LEADING.join(d)}\n${cells.join(d)}\n`;
}
