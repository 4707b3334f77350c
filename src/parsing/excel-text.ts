import type { SplitRecord } from './records.ts';

const QUOTE = 0x22;
const EQUALS = 0x3d;
const LF = 10;
const CR = 13;
/** Stands for the `=` in front of the quotes until the record is split. */
const MARK = 0x01;
/** Stands for a mark that the file itself has: control characters are refused or stripped, whichever they are. */
const OTHER_CONTROL = 0x02;

/**
 * Fields as some programs write them so that Excel keeps their zeros: `="00123"`, which no parser of CSV takes. Rewritten to a
 * quoted field with a mark in front, so that every byte keeps its place and offsets stay true.
 */
export async function* quoteExcelText(text: AsyncIterable<Buffer>, delimiter: string): AsyncGenerator<Buffer> {
  const separator = delimiter.charCodeAt(0);
  let state: 'before' | 'bare' | 'quoted' | 'after-quote' = 'before';
  /** An equals sign at the end of a chunk waits for what follows it. */
  let held = false;
  for await (const input of text) {
    const chunk = held ? Buffer.concat([Buffer.from([EQUALS]), input]) : Buffer.from(input);
    held = false;
    for (let at = chunk.indexOf(MARK); at >= 0; at = chunk.indexOf(MARK, at)) chunk[at] = OTHER_CONTROL;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (state === 'quoted') {
        if (byte === QUOTE) state = 'after-quote';
      } else if (byte === QUOTE && state !== 'bare') state = 'quoted';
      else if (byte === separator || byte === LF || byte === CR) state = 'before';
      else if (byte === EQUALS && state === 'before') {
        if (i + 1 === chunk.length) held = true;
        else if (chunk[i + 1] === QUOTE) {
          chunk[i] = QUOTE;
          chunk[++i] = MARK;
          state = 'quoted';
        } else state = 'bare';
      } else state = 'bare';
    }
    yield held ? chunk.subarray(0, -1) : chunk;
  }
  if (held) yield Buffer.from([EQUALS]);
}

/** Gives the fields back as they stand in the file. Changes the records in place. */
export function restoreExcelText(records: SplitRecord[]): SplitRecord[] {
  for (const { values } of records)
    for (const [i, value] of values.entries()) if (value.charCodeAt(0) === MARK) values[i] = `="${value.slice(1)}"`;
  return records;
}
