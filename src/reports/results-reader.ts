import { createReadStream } from 'node:fs';
import { OUTCOMES, type Outcome } from '../model.ts';

/** What a results file says of one row. */
export interface ResultsLine {
  line: number;
  outcome: Outcome;
  code: string;
  reason: string;
  eventId: string;
  attempts: number;
  /** Milliseconds since 1970. */
  at: number;
}

export interface ResultsReader {
  /** The next line, if it is the one of the row on this line of the input, with this record; `undefined`: the file is of other input. */
  next(line: number, raw: Buffer): Promise<ResultsLine | undefined>;
  /** Whether every line was read. */
  atEnd(): Promise<boolean>;
  close(): Promise<void>;
}

const LF = 10;
const QUOTE = 34;
const LEADING = 7;
/** Longer than our columns ever get before the record. */
const MOST_LEADING = 1 << 20;

/**
 * Reads a results file back beside the input it was made from: the record that each line carries must be the input's own, byte for
 * byte. `undefined` where its header is not that of this input. Results without input columns prove nothing, and are not read.
 */
export async function openResults(
  path: string,
  layout: { delimiter: string; json: boolean; header?: Buffer },
): Promise<ResultsReader | undefined> {
  const bytes = createBytes(createReadStream(path, { highWaterMark: 1 << 18 }));
  const reader: ResultsReader = {
    next: (line, raw) => (layout.json ? nextJson(bytes, line, raw) : nextDelimited(bytes, layout.delimiter, line, raw)),
    atEnd: async () => !(await bytes.more(1)),
    close: bytes.close,
  };
  if (layout.json) return reader;
  const names = `line,outcome,code,reason,event_id,attempts,at,`.replaceAll(',', layout.delimiter);
  const expected = Buffer.concat([Buffer.from(names), layout.header ?? Buffer.alloc(0), Buffer.from('\n')]);
  if (layout.header !== undefined && (await bytes.take(expected))) return reader;
  await reader.close();
  return undefined;
}

async function nextDelimited(
  bytes: Bytes,
  delimiter: string,
  line: number,
  raw: Buffer,
): Promise<ResultsLine | undefined> {
  const separator = delimiter.charCodeAt(0);
  let found = leading(bytes.rest(), separator);
  while (found === undefined && bytes.rest().length < MOST_LEADING && (await bytes.more(bytes.rest().length + 1)))
    found = leading(bytes.rest(), separator);
  if (found === undefined) return undefined;
  bytes.skip(found.length);
  if (!(await bytes.take(raw)) || !(await bytes.take(Buffer.of(LF)))) return undefined;
  const [number = '', outcome = '', code = '', reason = '', eventId = '', attempts = '', at = ''] = found.fields;
  return lineOf({ line: Number(number), outcome, code, reason, eventId, attempts: Number(attempts), at }, line);
}

/** The seven fields before the record, quoted as RFC 4180 says, and how long they are with the delimiter behind them. */
function leading(text: Buffer, separator: number): { fields: string[]; length: number } | undefined {
  const fields: string[] = [];
  let at = 0;
  while (fields.length < LEADING) {
    const quoted = text[at] === QUOTE;
    let end = quoted ? at + 1 : at;
    for (; end < text.length; end++) {
      if (!quoted && text[end] === separator) break;
      if (!quoted || text[end] !== QUOTE) continue;
      if (text[end + 1] !== QUOTE) break;
      end++;
    }
    const after = quoted ? end + 1 : end;
    if (after >= text.length || text[after] !== separator) return undefined;
    const field = text.toString('utf8', quoted ? at + 1 : at, end);
    fields.push(quoted ? field.replaceAll('""', '"') : field);
    at = after + 1;
  }
  return { fields, length: at };
}

async function nextJson(bytes: Bytes, line: number, raw: Buffer): Promise<ResultsLine | undefined> {
  // The record, which may have been escaped, and what stands before it.
  const longest = MOST_LEADING + raw.length * 6;
  let end = bytes.rest().indexOf(LF);
  while (end === -1 && bytes.rest().length < longest && (await bytes.more(bytes.rest().length + 1)))
    end = bytes.rest().indexOf(LF);
  if (end === -1) return undefined;
  const text = bytes.rest().toString('utf8', 0, end);
  bytes.skip(end + 1);
  const record = raw.toString('utf8').replace(/[\r\n]/g, ' ');
  if (!text.endsWith(`,"row":${record}}`) && !text.endsWith(`,"raw":${JSON.stringify(raw.toString('utf8'))}}`))
    return undefined;
  const told = toldBy(text);
  if (told === undefined) return undefined;
  const textOf = (name: string): string | undefined => {
    const value = told[name];
    return typeof value === 'string' ? value : undefined;
  };
  const [outcome, code, reason, eventId, at] = ['outcome', 'code', 'reason', 'event_id', 'at'].map(textOf);
  if (outcome === undefined || code === undefined || reason === undefined || eventId === undefined || at === undefined)
    return undefined;
  const { line: number, attempts } = told;
  return lineOf({ line: Number(number), outcome, code, reason, eventId, attempts: Number(attempts), at }, line);
}

function toldBy(text: string): Record<string, unknown> | undefined {
  try {
    const told: unknown = JSON.parse(text);
    return typeof told === 'object' && told !== null ? { ...told } : undefined;
  } catch {
    return undefined;
  }
}

function lineOf(
  told: Omit<ResultsLine, 'outcome' | 'at'> & { outcome: string; at: string },
  line: number,
): ResultsLine | undefined {
  const outcome = OUTCOMES.find((each) => each === told.outcome);
  if (outcome === undefined || told.line !== line) return undefined;
  if (!Number.isInteger(told.attempts) || told.attempts < 0) return undefined;
  const { code, reason, eventId, attempts } = told;
  return { line, outcome, code, reason, eventId, attempts, at: Date.parse(told.at) || 0 };
}

/** A stream of bytes, looked at from the front. */
interface Bytes {
  rest(): Buffer;
  /** Reads on until `rest` has so many; `false` where the stream has no more. */
  more(length: number): Promise<boolean>;
  skip(length: number): void;
  /** Skips these very bytes, if they are next. */
  take(expected: Buffer): Promise<boolean>;
  close(): Promise<void>;
}

function createBytes(stream: AsyncIterable<Buffer>): Bytes {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const more = async (length: number): Promise<boolean> => {
    while (rest.length < length) {
      const next = await chunks.next();
      if (next.done === true) return false;
      rest = Buffer.concat([rest, next.value]);
    }
    return true;
  };
  return {
    rest: () => rest,
    more,
    skip: (length) => {
      rest = rest.subarray(length);
    },
    take: async (expected) => {
      if (!(await more(expected.length)) || !rest.subarray(0, expected.length).equals(expected)) return false;
      rest = rest.subarray(expected.length);
      return true;
    },
    close: async () => {
      await chunks.return?.();
    },
  };
}

/** Names that results of an input may have, from the name of the first: `x.csv.results.csv`, `x.csv.results.r2.csv` and so on. */
export function isRevisionOf(name: string, first: string): boolean {
  const dot = first.lastIndexOf('.');
  const [stem, ending] = [first.slice(0, dot), first.slice(dot)];
  return (
    name.startsWith(stem) &&
    name.endsWith(ending) &&
    /^(?:\.r\d+)*$/.test(name.slice(stem.length, name.length - ending.length))
  );
}
