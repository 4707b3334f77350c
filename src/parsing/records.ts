import { Parser } from 'csv-parse';
import type { InputRow } from '../model.ts';
import { BrokenRecord, type Position } from './broken-record.ts';
import { createPlainLines } from './plain-lines.ts';

/** How records are told apart. Quotes inside quotes are doubled; other dialects are rewritten to that before. */
export interface RecordSyntax {
  delimiter: string;
  /** Spaces after a delimiter are not part of the value, and may stand before an opening quote. */
  leadingSpaces: boolean;
  /** Bytes; a longer record is a structural error. */
  maxRecord: number;
  /** How many fields most records have: for each one with another number csv-parse makes an error object, 90 µs each. */
  width?: number;
}

/** A record as it was split: an `InputRow` before anybody looked at its columns. */
export interface SplitRecord extends InputRow {
  values: string[];
}

const LF = 10;
const CR = 13;

/**
 * Records with their exact place, in order, blank lines left out. The batches follow the chunks of the text. Throws
 * `BrokenRecord` for a quote out of place or a record over the limit.
 */
export async function* readRecords(
  text: AsyncIterable<Buffer>,
  syntax: RecordSyntax,
  from: Position = { offset: 0, line: 1 },
): AsyncGenerator<SplitRecord[]> {
  // Spaces before a quote, and escapes, are for the parser.
  const lines = syntax.leadingSpaces ? undefined : createPlainLines(syntax, from);
  let parser = lines ? undefined : createParser(syntax, from);
  for await (const chunk of text) {
    if (parser) {
      parser.feed(chunk);
    } else if (lines) {
      const records = lines.split(chunk);
      if (records.length > 0) yield records;
      if (!lines.stopped) continue;
      parser = createParser(syntax, lines.at);
      parser.feed(lines.rest);
    }
    if (parser) yield* parser.taken();
  }
  if (!parser) {
    parser = createParser(syntax, lines?.at ?? from);
    if (lines) parser.feed(lines.rest);
  }
  yield* await parser.ended();
}

function createParser(syntax: RecordSyntax, from: Position): RecordParser {
  const parser = new RecordParser(syntax, from);
  parser.on('error', () => {});
  return parser;
}

/**
 * csv-parse, with each record taken where it is pushed: synchronously, while `info` still says where it ends. Its own
 * `on_record` and `info: true` copy a dozen fields for each record.
 */
class RecordParser extends Parser {
  private records: SplitRecord[] = [];
  private tooLong: Position | undefined;
  /** Where the next record starts, as offset from where reading started, and its line. */
  private start = 0;
  private line: number;
  private countedLines = 0;
  private base: number;
  private readonly maxRecord: number;
  private chunk: Buffer = Buffer.alloc(0);
  /** Offset of the first byte of `chunk`, and what came right before it: a record may end a few bytes back. */
  private chunkStart = 0;
  private tail: Buffer = Buffer.alloc(0);

  /** The first record is ours: csv-parse takes its number of fields for the usual one. */
  private primed = false;

  constructor(syntax: RecordSyntax, from: Position) {
    super({
      delimiter: syntax.delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      ltrim: syntax.leadingSpaces,
      relax_column_count: true,
      max_record_size: syntax.maxRecord,
    });
    this.base = from.offset;
    this.line = from.line;
    this.maxRecord = syntax.maxRecord;
    if (syntax.width === undefined) return;
    this.primed = true;
    const primer = Buffer.from(`${syntax.delimiter.repeat(syntax.width - 1)}\n`);
    this.base -= primer.length;
    this.line -= 1;
    this.feed(primer);
  }

  feed(chunk: Buffer): void {
    if (this.chunk.length >= 8) this.tail = this.chunk.subarray(this.chunk.length - 8);
    else this.tail = Buffer.concat([this.tail, this.chunk]).subarray(-8);
    this.chunkStart += this.chunk.length;
    this.chunk = chunk;
    this.write(chunk);
  }

  /** The records that are left once nothing more comes. */
  async ended(): Promise<Iterable<SplitRecord[]>> {
    await new Promise<void>((resolve) => {
      this.once('finish', resolve);
      this.once('error', () => resolve());
      this.end();
    });
    return this.taken();
  }

  /** The records since the last call; throws where reading cannot go on. */
  *taken(): Generator<SplitRecord[]> {
    const records = this.records;
    this.records = [];
    if (records.length > 0) yield records;
    if (this.tooLong) throw new BrokenRecord(this.tooLong);
    if (this.errored) throw new BrokenRecord({ offset: this.base + this.start, line: this.line });
  }

  override push(record: unknown): boolean {
    if (!Array.isArray(record)) return super.push(record);
    const { bytes: end, lines } = this.info;
    const length = end - this.start - this.lineEndBefore(end);
    if (length > this.maxRecord) this.tooLong ??= { offset: this.base + this.start, line: this.line };
    if (this.primed) this.primed = false;
    else if (length > 0) this.records.push({ line: this.line, offset: this.base + this.start, length, values: record });
    // Its count takes a CRLF inside quotes for two lines, so it only tells whether there is anything to count.
    this.line += lines - this.countedLines <= 1 ? 1 : 1 + lineEndsIn(record);
    this.countedLines = lines;
    this.start = end;
    return true;
  }

  private lineEndBefore(end: number): number {
    const last = end - 1 >= this.start ? this.byteAt(end - 1) : undefined;
    if (last === CR) return 1;
    if (last !== LF) return 0;
    return end - 2 >= this.start && this.byteAt(end - 2) === CR ? 2 : 1;
  }

  private byteAt(offset: number): number | undefined {
    const at = offset - this.chunkStart;
    return at >= 0 ? this.chunk[at] : this.tail[this.tail.length + at];
  }
}

function lineEndsIn(values: readonly string[]): number {
  let count = 0;
  for (const value of values) count += value.match(/\r\n|\n|\r/g)?.length ?? 0;
  return count;
}
