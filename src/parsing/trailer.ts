import { FileRefused } from '../model.ts';
import { type Decimal, decimal, plus, written } from './decimal.ts';
import { fold } from './header.ts';
import type { SplitRecord } from './records.ts';
import type { FileSettings } from './settings.ts';

type TrailerSettings = NonNullable<FileSettings['trailer']>;

/** Adds up what a trailer may state, and compares when the file has ended. */
export interface TrailerCheck {
  add(values: readonly string[], line: number): void;
  /** Whether a record is shaped like the trailer; it is one only where it is the last. */
  recognises(record: SplitRecord): boolean;
  /** Control totals as written. Throws `FileRefused` TRAILER_MISSING, TRAILER_COUNT, TRAILER_SUM, TRAILER_INVALID. */
  verify(last: SplitRecord | undefined): Record<string, string>;
}

interface Sum {
  column: string;
  /** Index in the records; -1 where the file has no such column. */
  index: number;
  position: number;
  total: Decimal;
  unreadable: number;
  firstUnreadable: number;
}

/** `sequenceAt`: the position of the file's running number, where the trailer has it. */
export function trailerCheck(
  settings: TrailerSettings,
  columns: readonly string[],
  delimiter: string,
  sequenceAt?: number,
): TrailerCheck {
  let rows = 0;
  const sums: Sum[] = Object.entries(settings.sums).map(([column, position]) => ({
    column,
    index: columns.findIndex((name) => fold(name) === fold(column)),
    position,
    total: { units: 0n, scale: 0 },
    unreadable: 0,
    firstUnreadable: 0,
  }));
  const fieldsOf = (record: SplitRecord): string[] => {
    const own = settings.delimiter;
    const fields = own === undefined ? record.values : record.values.join(delimiter).split(own);
    return fields.map((field) => field.trim());
  };
  return {
    add(values, line) {
      rows++;
      for (const sum of sums) {
        const amount = decimal(values[sum.index] ?? '', settings.decimal);
        if (amount) sum.total = plus(sum.total, amount);
        else if (sum.unreadable++ === 0) sum.firstUnreadable = line;
      }
    },
    recognises: (record) => fieldsOf(record)[0] === settings.startsWith,
    verify(last) {
      if (!last) throw missing(settings);
      const fields = fieldsOf(last);
      const found: Record<string, string> = {};
      const at = (position: number, what: string): string => {
        const field = fields[position - 1];
        if (field === undefined)
          throw invalid(last, `has ${fields.length} fields; the ${what} is expected in field ${position}`);
        return field;
      };
      if (settings.count !== undefined) {
        found.count = at(settings.count, 'row count');
        verifyCount(found.count, rows, last, settings);
      }
      if (sequenceAt !== undefined) found.sequence = at(sequenceAt, 'running number');
      for (const sum of sums) {
        const stated = at(sum.position, `sum of ${sum.column}`);
        found[sum.column] = stated;
        verifySum(stated, sum, last, settings);
      }
      return found;
    },
  };
}

function missing(settings: TrailerSettings): FileRefused {
  return new FileRefused({
    code: 'TRAILER_MISSING',
    message: `the last record is not the trailer: its first field should be "${settings.startsWith}"`,
    hint: 'The file was probably cut off. Ask the sender for it again.',
  });
}

function invalid(last: SplitRecord, found: string): FileRefused {
  return new FileRefused({
    code: 'TRAILER_INVALID',
    message: `line ${last.line}: the trailer ${found}`,
    hint: 'Compare file.trailer of the job with what the sender writes.',
    line: last.line,
  });
}

function verifyCount(stated: string, rows: number, last: SplitRecord, settings: TrailerSettings): void {
  const { countIncludes } = settings;
  const extra = countIncludes === 'all' ? 2 : countIncludes === 'rows' ? 0 : 1;
  if (!/^\d+$/.test(stated))
    throw invalid(last, `states the row count "${shortened(stated)}"; a whole number is expected`);
  if (BigInt(stated) === BigInt(rows + extra)) return;
  const counted = extra === 0 ? `${rows}` : `${rows + extra} (${rows} rows, counted as ${countIncludes})`;
  throw new FileRefused({
    code: 'TRAILER_COUNT',
    message: `line ${last.line}: the trailer says ${stated}, the file has ${counted}`,
    hint: 'Rows were lost or added on the way: ask the sender for the file again. If the sender counts otherwise, set file.trailer.countIncludes.',
    line: last.line,
  });
}

function verifySum(stated: string, sum: Sum, last: SplitRecord, settings: TrailerSettings): void {
  if (sum.index < 0) throw invalid(last, `should hold the sum of ${sum.column}, but the file has no such column`);
  const total = stated === '' ? undefined : decimal(stated, settings.decimal);
  if (!total) throw invalid(last, `states the sum "${shortened(stated)}" of ${sum.column}; a number is expected`);
  const difference = plus(total, { units: -sum.total.units, scale: sum.total.scale });
  if (difference.units === 0n) return;
  const unreadable =
    sum.unreadable > 0
      ? `; ${sum.unreadable} values, first on line ${sum.firstUnreadable}, are no numbers and were not added`
      : '';
  throw new FileRefused({
    code: 'TRAILER_SUM',
    message: `line ${last.line}: the trailer says ${stated} for the sum of ${sum.column}, the rows add up to ${written(sum.total)}${unreadable}`,
    hint: 'Rows were lost or changed on the way: ask the sender for the file again.',
    line: last.line,
  });
}

function shortened(text: string): string {
  return text.length > 20 ? `${text.slice(0, 20)}…` : text;
}
