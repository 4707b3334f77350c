import type { Position } from './broken-record.ts';
import type { SplitRecord } from './records.ts';

const LF = 10;
const CR = 13;
const QUOTE = 34;
const NOTHING = Buffer.alloc(0);

/**
 * Splits lines in which nothing is quoted: there a line is a record, and csv-parse, which looks at each byte, takes four times
 * as long to say so. It stops, for good, before the first line that needs a parser: one with a quote, with a carriage return
 * inside, longer than a record may be, or without an end.
 */
export interface PlainLines {
  /** The records of the lines that are complete with this chunk, blank ones left out. */
  split(chunk: Buffer): SplitRecord[];
  /** Whether a line came that needs a parser. */
  readonly stopped: boolean;
  /** Where the parser goes on, and the bytes from there that were handed in already. */
  readonly at: Position;
  readonly rest: Buffer;
}

export function createPlainLines(syntax: { delimiter: string; maxRecord: number }, from: Position): PlainLines {
  const { delimiter, maxRecord } = syntax;
  let { offset, line } = from;
  let rest: Buffer = NOTHING;
  let stopped = false;

  const split = (chunk: Buffer): SplitRecord[] => {
    const records: SplitRecord[] = [];
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const quote = text.indexOf(QUOTE);
    const returns = text.includes(CR);
    let start = 0;
    for (let end = text.indexOf(LF); end >= 0; end = text.indexOf(LF, start)) {
      if (quote >= 0 && quote < end) break;
      const length = returns && end > start && text[end - 1] === CR ? end - 1 - start : end - start;
      // Too long for one record; where it holds carriage returns, it may be several.
      if (length > maxRecord) {
        stopped = true;
        break;
      }
      if (length > 0) {
        const record = text.toString('utf8', start, start + length);
        if (returns && record.includes('\r')) {
          stopped = true;
          break;
        }
        records.push({ line, offset, length, values: record.split(delimiter) });
      }
      offset += end + 1 - start;
      start = end + 1;
      line++;
    }
    rest = text.subarray(start);
    if (quote >= 0 || rest.length > maxRecord) stopped = true;
    return records;
  };

  return {
    split,
    get stopped() {
      return stopped;
    },
    get at() {
      return { offset, line };
    },
    get rest() {
      return rest;
    },
  };
}
