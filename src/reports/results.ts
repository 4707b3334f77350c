import type { Outcome, RefusalDetail } from '../model.ts';

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

/**
 * How results lines look for one input file. A line is `prefix + body + suffix`: the leading columns, the input record,
 * the line end. `body` gives bytes so that the input record reaches the results file as it stands.
 */
export interface ResultsFormat {
  json: boolean;
  /** Ends with LF; empty for JSON Lines. */
  headerLine(): string;
  prefix(row: ResultRow): string;
  body(row: ResultRow, raw: Buffer): Buffer;
  suffix: string;
  /** The whole line as text, ends with LF. */
  line(row: ResultRow, raw: Buffer | string): string;
}

export interface ResultsLayout {
  /** The input's own delimiter; ignored for JSON. */
  delimiter: string;
  /** The input's header record as it stands. Without it, results of a delimited file carry no input columns. */
  header?: Buffer | string;
  /** JSON and JSON Lines input gives JSON Lines. */
  json: boolean;
}

const LEADING = ['line', 'outcome', 'code', 'reason', 'event_id', 'attempts', 'at'];
const LF = 10;
const CR = 13;
const EMPTY = Buffer.alloc(0);

export function resultsFormat(layout: ResultsLayout): ResultsFormat {
  return layout.json ? jsonFormat() : delimitedFormat(layout.delimiter, layout.header);
}

function delimitedFormat(delimiter: string, header: Buffer | string | undefined): ResultsFormat {
  const d = delimiter === '' ? ',' : delimiter;
  const quoted = quoter(d);
  // Without a header the input record would be columns that nothing names, so it is left out.
  const withInput = header !== undefined;
  const format: ResultsFormat = {
    json: false,
    suffix: '\n',
    headerLine: () => `${LEADING.join(d)}${withInput ? d + textOf(header).replace(/^\uFEFF/, '') : ''}\n`,
    prefix(row) {
      const { line, outcome, attempts } = row;
      const leading = `${line}${d}${outcome}${d}${quoted(row.code)}${d}${quoted(row.reason)}${d}${quoted(row.eventId)}${d}${attempts}${d}${quoted(row.at)}`;
      return withInput ? leading + d : leading;
    },
    body: (_row, raw) => (withInput ? raw : EMPTY),
    line: (row, raw) => format.prefix(row) + (withInput ? textOf(raw) : '') + format.suffix,
  };
  return format;
}

function jsonFormat(): ResultsFormat {
  const format: ResultsFormat = {
    json: true,
    suffix: '}\n',
    headerLine: () => '',
    prefix: (row) =>
      `{"line":${row.line},"outcome":"${row.outcome}","code":${jsonText(row.code)},"reason":${jsonText(singleLine(row.reason))},` +
      `"event_id":${jsonText(row.eventId)},"attempts":${row.attempts},"at":${jsonText(row.at)},`,
    body(row, raw) {
      // Only a rejected row can be one that the reader could not make sense of.
      if (row.outcome === 'rejected' && !isJson(raw))
        return Buffer.from(`"raw":${JSON.stringify(raw.toString('utf8'))}`);
      return Buffer.concat([ROW_NAME, onOneLine(raw)]);
    },
    line: (row, raw) => {
      const bytes = typeof raw === 'string' ? Buffer.from(raw) : raw;
      return format.prefix(row) + format.body(row, bytes).toString('utf8') + format.suffix;
    },
  };
  return format;
}

const ROW_NAME = Buffer.from('"row":');

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
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Quotes a field as RFC 4180 does, and only where it must. */
function quoter(delimiter: string): (text: string) => string {
  const special = new RegExp(`["${delimiter.replace(/[\\\]^-]/g, '\\$&')}]`);
  return (text) => {
    if (text === '') return '';
    const flat = singleLine(text);
    return special.test(flat) ? `"${flat.replaceAll('"', '""')}"` : flat;
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const BREAKS = /[\u0000-\u001f\u007f\u0085\u2028\u2029]+/;
const ALL_BREAKS = new RegExp(BREAKS, 'g');

/** One line a row: a reason may quote a provider's message, which may hold line breaks. */
function singleLine(text: string): string {
  return BREAKS.test(text) ? text.replace(ALL_BREAKS, ' ').trim() : text;
}

function textOf(raw: Buffer | string): string {
  return typeof raw === 'string' ? raw : raw.toString('utf8');
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
  const reason = singleLine(refusal.hint === undefined ? refusal.message : `${refusal.message} ${refusal.hint}`);
  if (layout.json) {
    const { code } = refusal;
    return `${JSON.stringify({ line, outcome: 'refused', code, reason, event_id: '', attempts: 0, at: layout.at })}\n`;
  }
  const quoted = quoter(d);
  const cells = [String(line), 'refused', quoted(refusal.code), quoted(reason), '', '0', quoted(layout.at)];
  return `${LEADING.join(d)}\n${cells.join(d)}\n`;
}
