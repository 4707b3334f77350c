import type { Position } from './broken-record.ts';
import type { SplitRecord } from './records.ts';

const LF = 10;
const CR = 13;
const QUOTE = 34;

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
  /** The beginning of a line whose end has not come. Put together once, when it comes: a long line takes many chunks. */
  let held: Buffer[] = [];
  let heldBytes = 0;
  let heldReturn = false;
  let stopped = false;

  const hold = (bytes: Buffer, hasReturn: boolean): void => {
    if (bytes.length > 0) held.push(bytes);
    heldBytes += bytes.length;
    heldReturn = hasReturn;
  };

  const split = (chunk: Buffer): SplitRecord[] => {
    const records: SplitRecord[] = [];
    const quoteInChunk = chunk.indexOf(QUOTE);
    const returns = heldReturn || chunk.includes(CR);
    if (!chunk.includes(LF)) {
      hold(chunk, returns);
      if (quoteInChunk >= 0 || heldBytes > maxRecord) stopped = true;
      return records;
    }
    const text = heldBytes === 0 ? chunk : Buffer.concat([...held, chunk]);
    const quote = quoteInChunk < 0 ? -1 : heldBytes + quoteInChunk;
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
    held = [];
    heldBytes = 0;
    const rest = text.subarray(start);
    hold(rest, returns && rest.includes(CR));
    if (quote >= 0 || heldBytes > maxRecord) stopped = true;
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
      return Buffer.concat(held);
    },
  };
}
