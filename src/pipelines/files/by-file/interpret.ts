import type { UploadSettings } from '../../../destinations/extole/upload-settings.ts';
import { type Layout, layoutOf, type Reading, readingOf, type Verdict, verdictOf } from './layout.ts';
import { type Dialect, dialectsFor, firstRecord, recordsOf } from './records.ts';

/** A line of a results file that could be told to speak of some row. */
export interface ResultLine {
  /** Counted in records; the header is 1. */
  line: number;
  eventName: string;
  key: string;
  verdict: Verdict;
}

/** What a results file turned out to be. */
export type Interpreted =
  | { kind: 'rows'; lines(): AsyncGenerator<ResultLine[]>; strange: number }
  /** A single row that does not carry our columns: the file failed as a whole. */
  | { kind: 'refused'; message: string }
  | { kind: 'unreadable'; why: string };

/** More different values than a status has. */
const MOST_VALUES = 50;

/** Finds out how a results file is to be read. Strict: what cannot be understood is `unreadable`, and nothing is guessed. */
export async function interpret(
  path: string,
  uploaded: { format: 'csv' | 'psv'; columns: readonly string[]; keyField: string },
  settings: UploadSettings['results'],
): Promise<Interpreted> {
  const found: { dialect: Dialect; layout: Layout }[] = [];
  for (const dialect of dialectsFor(uploaded.format)) {
    const header = await firstRecord(path, dialect);
    if (header === undefined) return { kind: 'unreadable', why: 'it is empty' };
    const layout = layoutOf(header, uploaded.columns, uploaded.keyField);
    if (layout) found.push({ dialect, layout });
  }
  if (found.length === 0) return withoutOurColumns(path, uploaded.format);
  let best: Survey | undefined;
  for (const { dialect, layout } of found) {
    const survey = await surveyOf(path, dialect, layout);
    if (!best || survey.strange < best.strange) best = survey;
    if (best.strange === 0) break;
  }
  if (!best) return { kind: 'unreadable', why: 'it has no header' };
  const { dialect, layout, strange, values, records } = best;
  if (records === 0) return { kind: 'rows', strange, lines: async function* () {} };
  const reading = readingOf(layout, values, settings);
  if (!reading) {
    const names = layout.extras.map(({ name }) => `"${name}"`).join(', ') || 'none';
    return {
      kind: 'unreadable',
      why: `of the columns that Extole added (${names}) it is not clear which one says whether a row was accepted; name it as upload.results.statusColumn`,
    };
  }
  return { kind: 'rows', strange, lines: () => linesOf(path, dialect, layout, reading) };
}

interface Survey {
  dialect: Dialect;
  layout: Layout;
  records: number;
  /** Lines with more or fewer fields than the header. */
  strange: number;
  values: Map<number, Set<string> | undefined>;
}

async function surveyOf(path: string, dialect: Dialect, layout: Layout): Promise<Survey> {
  const values = new Map<number, Set<string> | undefined>(layout.extras.map(({ at }) => [at, new Set()]));
  let records = -1;
  let strange = 0;
  for await (const batch of recordsOf(path, dialect, () => strange++)) {
    for (const record of batch) {
      if (++records === 0) continue;
      if (record.length !== layout.width) {
        strange++;
        continue;
      }
      for (const { at } of layout.extras) note(values, at, record[at] ?? '');
    }
  }
  return { dialect, layout, records: Math.max(0, records), strange, values };
}

function note(values: Map<number, Set<string> | undefined>, at: number, value: string): void {
  const seen = values.get(at);
  if (!seen) return;
  seen.add(value.trim().toLowerCase());
  if (seen.size > MOST_VALUES) values.set(at, undefined);
}

async function* linesOf(
  path: string,
  dialect: Dialect,
  layout: Layout,
  reading: Reading,
): AsyncGenerator<ResultLine[]> {
  let line = 0;
  for await (const batch of recordsOf(path, dialect, () => {})) {
    const lines: ResultLine[] = [];
    for (const record of batch) {
      line++;
      if (line === 1) continue;
      const whole = record.length === layout.width;
      // Counted from the end, a row is known again although a message has split its line.
      const shift = layout.suffix ? record.length - layout.width : 0;
      lines.push({
        line,
        eventName: record[layout.eventName + shift] ?? '',
        key: record[layout.key + shift] ?? '',
        verdict: whole ? verdictOf(record, reading) : { kind: 'unclear', found: `${record.length} fields` },
      });
    }
    yield lines;
  }
}

/** A header of Extole's and one row, or that row alone, is what a file gets that failed as a whole. */
async function withoutOurColumns(path: string, format: 'csv' | 'psv'): Promise<Interpreted> {
  const [dialect] = dialectsFor(format);
  const records: string[][] = [];
  if (dialect)
    for await (const batch of recordsOf(path, dialect, () => {})) {
      records.push(...batch.slice(0, 3 - records.length));
      if (records.length > 2) break;
    }
  if (records.length > 2 || records.length === 0)
    return { kind: 'unreadable', why: 'its header does not have the columns of the file that was sent' };
  const message = (records.at(-1) ?? [])
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .join(': ');
  return { kind: 'refused', message };
}
