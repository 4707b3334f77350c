import { parse } from 'csv-parse/sync';
import { exactObject } from '../reply-json.ts';
import type { ReportSettings } from './report-settings.ts';
import { httpsLink } from './shareables.ts';

/** A link as a report has it. At least one of e-mail, partnerUserId and personId is there, unless the report has none that could be one. */
export interface LinkRow {
  code: string;
  /** With https://; absent where the report has only the code, and the settings no linkPrefix. */
  link?: string;
  /** Lower case, without spaces. */
  email?: string;
  partnerUserId?: string;
  personId?: string;
  label?: string;
  key?: string;
}

/** Records of a page, column to text. The header of a later page, where it has one, is none of them. */
export interface ReportPage {
  columns: readonly string[];
  records: readonly ReadonlyMap<string, string>[];
}

/** `known`: the columns of an earlier page. `undefined` where the text is not what it should be. */
export function readPage(
  text: string,
  format: ReportSettings['format'],
  known: readonly string[] | undefined,
): ReportPage | undefined {
  return format === 'csv' ? readCsv(text, known) : readJsonLines(text, known);
}

function readCsv(text: string, known: readonly string[] | undefined): ReportPage | undefined {
  const lines = recordsOf(text);
  if (lines === undefined) return undefined;
  const [first] = lines;
  const repeats = known !== undefined && first?.join('\n') === known.join('\n');
  const columns = known ?? first;
  if (columns === undefined) return undefined;
  const rows = known === undefined || repeats ? lines.slice(1) : lines;
  if (rows.some((row) => row.length !== columns.length)) return undefined;
  return { columns, records: rows.map((row) => new Map(columns.map((name, i) => [name, row[i] ?? '']))) };
}

function recordsOf(text: string): string[][] | undefined {
  try {
    return parse(text, { bom: true, skip_empty_lines: true, relax_column_count: true });
  } catch {
    return undefined;
  }
}

function readJsonLines(text: string, known: readonly string[] | undefined): ReportPage | undefined {
  const records: Map<string, string>[] = [];
  const columns = new Set(known);
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const object = exactObject(line);
    if (!object) return undefined;
    const record = new Map<string, string>();
    for (const [name, value] of Object.entries(object)) {
      columns.add(name);
      if (typeof value === 'string') record.set(name, value);
    }
    records.push(record);
  }
  return { columns: [...columns], records };
}

/** The column of the report that a setting names: as it is spelt, else whatever the case. */
export function columnNamed(columns: readonly string[], name: string): string | undefined {
  return columns.find((one) => one === name) ?? columns.find((one) => one.toLowerCase() === name.toLowerCase());
}

/** As long as an e-mail, and as any other identifier, can be: what is longer, or has control characters, names nobody. */
const LONGEST = { email: 256, id: 255 };
const CONTROL = /\p{Cc}/u;

/**
 * `undefined` where the record has no code, or one that no link could end in. One with an identifier that cannot be one is nobody's: which of
 * the others would be right cannot be told.
 */
export function linkRowOf(
  page: Pick<ReportPage, 'columns'>,
  record: ReadonlyMap<string, string>,
  settings: Pick<ReportSettings, 'columns' | 'linkPrefix'>,
): LinkRow | undefined {
  const value = (name: string): string => record.get(columnNamed(page.columns, name) ?? '')?.trim() ?? '';
  const { columns, linkPrefix } = settings;
  const code = value(columns.code);
  if (!/^[A-Za-z0-9_.~-]{1,200}$/.test(code)) return undefined;
  const row: LinkRow = { code };
  const link = httpsLink(value(columns.link)) ?? (linkPrefix === undefined ? undefined : `${linkPrefix}${code}`);
  if (link !== undefined) row.link = link;
  const email = value(columns.email).toLowerCase();
  const ids = (['partnerUserId', 'personId', 'label', 'key'] as const).map(
    (name) => [name, value(columns[name])] as const,
  );
  if (isUnfit(email, LONGEST.email) || ids.some(([, id]) => isUnfit(id, LONGEST.id))) return row;
  if (email !== '') row.email = email;
  for (const [name, id] of ids) if (id !== '') row[name] = id;
  return row;
}

const isUnfit = (text: string, longest: number): boolean => text.length > longest || CONTROL.test(text);
