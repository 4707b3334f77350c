import type { FileRows } from './dialect.ts';
import { type Behaviour, LAYOUTS, type Layout, type PickedRow, type RowResult } from './folder-behaviour.ts';

/** One results file: its text and how many lines it has below the header. */
export interface ResultsText {
  part: number;
  text: string;
}

export function layoutOf({ layout }: Behaviour): Layout {
  return typeof layout === 'string' ? LAYOUTS[layout] : layout;
}

export function pickedRow(columns: readonly string[], number: number, values: readonly string[]): PickedRow {
  return { number, values: Object.fromEntries(columns.map((name, i) => [name, values[i] ?? ''])) };
}

/**
 * The results of a file: one line for each row, leading columns first, then the row as it stood. The second part holds the
 * lines that come late; it is absent where there are none.
 */
export function resultsOf(
  { columns, rows }: FileRows,
  results: readonly RowResult[],
  delimiter: ',' | '|',
  behaviour: Behaviour,
): ResultsText[] {
  const layout = layoutOf(behaviour);
  const write = (cells: readonly string[]): string =>
    `${cells.map((cell) => cellOf(cell, delimiter, behaviour)).join(delimiter)}\n`;
  const header = write([...layout.names, ...columns]);
  const now: string[] = [];
  const late: string[] = [];
  rows.forEach(({ number, values }, i) => {
    const result = results[i];
    const row = pickedRow(columns, number, values);
    if (result === undefined || behaviour.missing(row)) return;
    const line = write([...layout.cells(result), ...values]);
    (behaviour.late(row) ? late : now).push(line);
    if (behaviour.surplus === 'twice') now.push(line);
  });
  if (behaviour.surplus === 'stranger') {
    const result: RowResult = { number: rows.length + 1, ok: true, code: '', message: '', eventId: '' };
    now.push(write([...layout.cells(result), ...columns.map((name) => `stranger-${name}`)]));
  }
  const parts = [{ part: 1, text: header + ordered(now, behaviour.order).join('') }];
  if (late.length > 0) parts.push({ part: 2, text: header + ordered(late, behaviour.order).join('') });
  return parts;
}

/** A file that failed as a whole: a single row, which says why. */
export function metadataOf(message: string, delimiter: ',' | '|', behaviour: Behaviour): ResultsText {
  const layout = layoutOf(behaviour);
  const write = (cells: readonly string[]): string =>
    `${cells.map((cell) => cellOf(cell, delimiter, behaviour)).join(delimiter)}\n`;
  return { part: 1, text: (behaviour.metadataHeader ? write(layout.names) : '') + write(layout.metadata(message)) };
}

/** Files that Extole writes quote a value with a comma or a character below it, and one longer than 24. */
const QUOTED = /[\n\r -,]/;

function cellOf(value: string, delimiter: ',' | '|', { resultsQuotes }: Behaviour): string {
  if (delimiter === '|') return value;
  if (!QUOTED.test(value) && value.length <= 24) return value;
  const inner =
    resultsQuotes === 'doubled' ? value.replaceAll('"', '""') : value.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `"${inner}"`;
}

function ordered(lines: string[], order: Behaviour['order']): string[] {
  if (order === 'same') return lines;
  if (order === 'reversed') return lines.toReversed();
  // The same shuffle each time: evens from the end, then odds.
  return [...lines.filter((_, i) => i % 2 === 0).reverse(), ...lines.filter((_, i) => i % 2 === 1)];
}
