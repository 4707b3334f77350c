import type { UploadSettings } from '../../../destinations/extole/upload-settings.ts';
import type { EventRecord } from '../../../model.ts';

/** How the rows of an uploaded file are written: `csv` with quotes where needed, `psv` separated by | and never quoted. */
export type UploadFormat = 'csv' | 'psv';
export type Quotes = UploadSettings['quotes'];

/** Columns that come first, whatever the job sends. The key's own column follows them, then the container. */
const FIRST = ['event_name', 'event_time', 'email', 'partner_user_id'];

/**
 * The header of a file: what Extole needs first, then the fields of the rows in the order of the job file. The event name is a
 * column of its own, because a row without one takes its name from the file's, which may be "unspecified".
 */
export function uploadColumns(fields: readonly string[], keyField: string): string[] {
  return [...new Set([...FIRST, keyField, 'container', ...fields])];
}

/** What comes from us in each row of a file. `eventName`: where it is not the event's own. */
export interface Fixed {
  keyField: string;
  container: string;
  eventName?: string | undefined;
}

/** The cells of a row. The key and the container come from us, so that no column of a file can replace them. */
export function cellsOf(event: EventRecord, columns: readonly string[], fixed: Fixed): string[] {
  return columns.map((column) => {
    if (column === 'event_name') return fixed.eventName ?? event.eventName;
    if (column === 'event_time') return event.eventTime;
    if (column === fixed.keyField) return event.key;
    if (column === 'container') return fixed.container;
    return event.data[column] ?? '';
  });
}

const HAS_QUOTE = /["\\]/;
const BREAKS = /[\r\n]/;
const NEEDS_QUOTES = /[,\r\n]|^\s|\s$/;
const NOT_IN_PSV = /[|\r\n]|^\s|\s$/;

/** Whether Extole reads the value as it is from a file of this format. */
export function isWritable(value: string, format: UploadFormat, quotes: Quotes): boolean {
  if (format === 'psv') return !NOT_IN_PSV.test(value);
  return quotes === 'rfc4180' || quotes === 'backslash' || !HAS_QUOTE.test(value);
}

/** Why a value can be written in neither format, or not in this one; names no value. */
export function whyNot(column: string, value: string, format: UploadFormat, quotes: Quotes): string {
  const field = `field "${column}"`;
  if (format === 'psv') {
    const what = value.includes('|') ? 'a |' : BREAKS.test(value) ? 'a line break' : 'a space at its start or end';
    return `${field}: the value holds ${what}, which a file without quotes cannot carry, and other values need such a file (quotes)`;
  }
  const why =
    quotes === 'refuse'
      ? 'the job says upload.quotes: refuse'
      : 'a file without quotes (psv) would, but other values of this file hold a | or a line break';
  return `${field}: the value holds a quote or a backslash, which it is not known how Extole reads; ${why}`;
}

/** One line of the file, with its line end. Every cell must be writable. */
export function lineOf(cells: readonly string[], format: UploadFormat, quotes: Quotes): string {
  if (format === 'psv') return `${cells.join('|')}\n`;
  return `${cells.map((cell) => csvCell(cell, quotes)).join(',')}\n`;
}

function csvCell(value: string, quotes: Quotes): string {
  if (!NEEDS_QUOTES.test(value) && !value.includes('"')) return value;
  if (quotes === 'rfc4180') return `"${value.replaceAll('"', '""')}"`;
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** Counts, over the rows of a file, what each format could not carry, and says which one refuses fewer of them. */
export function createFormatChoice(quotes: Quotes): { add(values: readonly string[]): void; format(): UploadFormat } {
  let notCsv = 0;
  let notPsv = 0;
  return {
    add(values) {
      if (values.some((value) => !isWritable(value, 'csv', quotes))) notCsv++;
      if (values.some((value) => !isWritable(value, 'psv', quotes))) notPsv++;
    },
    format: () => (quotes === 'psv' && notCsv > 0 && notPsv < notCsv ? 'psv' : 'csv'),
  };
}

/**
 * The name of a file: the same after a crash, and unlike any other, since Extole takes no name twice. It ends with the
 * ledger, the processing and the part, by which its results are found.
 */
export function uploadName(parts: {
  clientId: string;
  eventNames: readonly string[];
  /** Milliseconds since 1970. */
  at: number;
  ledger: string;
  processing: number;
  part: number;
  format: UploadFormat;
}): string {
  const { clientId, eventNames, at, ledger, processing, part, format } = parts;
  const what = eventNames.length === 1 ? (eventNames[0] ?? 'events').replace(/[^\w-]+/g, '-').slice(0, 60) : 'events';
  const stamp = new Date(at).toISOString().replace(/\D/g, '').slice(0, 14);
  return `${clientId}_${what}_${stamp}_${ledger}-p${processing}-${part}.${format}`;
}

/** Whether a results file of this name speaks of the uploaded file: its stem occurs, and no digit follows. */
export function speaksOf(resultsName: string, uploaded: string): boolean {
  const stem = uploaded.replace(/\.[^.]*$/, '').toLowerCase();
  const at = resultsName.toLowerCase().indexOf(stem);
  return at >= 0 && !/\d/.test(resultsName.charAt(at + stem.length));
}
