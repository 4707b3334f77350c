import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { OUTCOMES } from '../../../model.ts';
import { syncFolder } from '../stage.ts';
import type { Search } from './search.ts';

/** What stands in place of a person's row, or of words about it. */
export const FORGOTTEN = '(forgotten)';

const LF = 10;
/** Characters that are kept in memory until they are written. */
const WRITTEN_AT_ONCE = 1 << 20;
/** `line,outcome,code,reason,event_id,attempts,at` */
const LEADING = 7;
/** Our columns at the beginning of a results line, from its number to the time. */
const BEGINNING = new RegExp(
  `^(\\d{1,10})([^\\d"])(?:${[...OUTCOMES, 'refused'].join('|')})\\2[\\w.-]*\\2(?:"(?:[^"]|"")*"|(?:(?!\\2)[^"\\n])*)\\2(?:(?!\\2)[^"\\n])*\\2\\d+\\2(?:\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z)?(?:\\2|\\r?\\n|$)`,
  'u',
);

/**
 * Takes a person's rows out of a results file of this machine: of each, the outcome stays and the input columns go, so that the file has
 * as many lines as before. Readers meet the old file or the new one, never half of it. Returns how many rows it was about.
 */
export async function rewriteResults(path: string, search: Search, dryRun: boolean): Promise<number> {
  if (dryRun) return countRows(path, search);
  let rows = 0;
  await replaceFile(path, async (target) => {
    let layout: Layout | undefined;
    let out: string[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      await target.writeFile(out.join(''));
      out = [];
      size = 0;
    };
    for await (const record of recordsOf(path)) {
      const header: boolean = layout === undefined && !record.startsWith('{');
      layout ??= layoutOf(record);
      const itsOwn = !header && search.in(record);
      if (itsOwn) rows++;
      out.push(itsOwn ? layout.blank(record, search) : record);
      size += record.length;
      if (size > WRITTEN_AT_ONCE) await flush();
    }
    await flush();
  });
  return rows;
}

async function countRows(path: string, search: Search): Promise<number> {
  let rows = 0;
  for await (const record of recordsOf(path)) if (search.in(record)) rows++;
  return rows;
}

/** Puts other words in place of a person's address in a report of this machine. */
export async function rewriteText(path: string, search: Search): Promise<void> {
  const text = await readFile(path, 'utf8');
  await replaceFile(path, (target) => target.writeFile(search.without(text, FORGOTTEN)));
}

const HALF = '.forget.part';

/** Whether a file is what a `forget` that was cut short had written of another one, which is there whole. */
export const isHalfWritten = (path: string): boolean => basename(path).startsWith('.') && path.endsWith(HALF);

/** Readers meet the old contents or the new ones. Where it fails, nothing of it stays. */
async function replaceFile(path: string, write: (target: FileHandle) => Promise<void>): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}${HALF}`);
  const { mode } = await stat(path);
  const target = await open(part, 'w', mode & 0o777);
  try {
    await write(target);
    await target.sync();
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    await target.close();
  }
  await rename(part, path);
  await syncFolder(dirname(path));
}

/**
 * The header, then each results line with the record it carries, with their line ends. A record may hold line breaks of its own, and
 * behind one of them what looks like our columns: a line begins where its number is that of the next line of the input, or where no
 * quote is open.
 */
async function* recordsOf(path: string): AsyncGenerator<string> {
  let record = '';
  let json = false;
  let number = 1;
  let lines = 0;
  let quotes = 0;
  for await (const line of linesOf(path)) {
    if (record === '') json = line.startsWith('{');
    const found = json ? number + lines : Number(BEGINNING.exec(line)?.[1] ?? -1);
    const begins = found === number + lines || (found > number && quotes % 2 === 0);
    if (record !== '' && !begins) record += line;
    else {
      if (record !== '') {
        yield record;
        number = found;
      }
      record = line;
      lines = 0;
      quotes = 0;
    }
    lines++;
    quotes += line.split('"').length - 1;
  }
  if (record !== '') yield record;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
    let bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF)) {
      yield bytes.toString('utf8', 0, end + 1);
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
  }
  if (rest.length > 0) yield rest.toString('utf8');
}

interface Layout {
  /** A line without what it says of a person. */
  blank(record: string, search: Search): string;
}

function layoutOf(first: string): Layout {
  if (first.startsWith('{')) return { blank: blankJson };
  const delimiter = first.charAt('line'.length) || ',';
  const width = splitOf(first.replace(/\r?\n$/, ''), delimiter).length;
  return {
    blank(record, search) {
      const told = splitOf(record, delimiter, LEADING).slice(0, LEADING);
      const kept = told.map((cell) => (search.in(cell) ? FORGOTTEN : cell));
      const empty = Array(Math.max(0, width - LEADING)).fill('');
      if (empty.length > 0) empty[0] = FORGOTTEN;
      return `${[...kept, ...empty].join(delimiter)}\n`;
    },
  };
}

function blankJson(record: string, search: Search): string {
  const { line, outcome, code, reason, event_id, attempts, at }: Record<string, unknown> = JSON.parse(record);
  const words = typeof reason === 'string' && search.in(reason) ? FORGOTTEN : reason;
  return `${JSON.stringify({ line, outcome, code, reason: words, event_id, attempts, at, row: null })}\n`;
}

/** The cells of a line as they stand, quotes and all; no more than `most` and the rest. */
function splitOf(text: string, delimiter: string, most = Number.POSITIVE_INFINITY): string[] {
  const cells: string[] = [];
  let quoted = false;
  let from = 0;
  for (let at = 0; at < text.length && cells.length < most; at++) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (char === delimiter && !quoted) {
      cells.push(text.slice(from, at));
      from = at + 1;
    }
  }
  if (cells.length < most) cells.push(text.slice(from).replace(/\r?\n$/, ''));
  return cells;
}
