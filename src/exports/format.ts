import { z } from 'zod';
import { fileNameProblem, isTimeZone } from './file-name.ts';
import type { ExportKind, ExportRow, LeftOut } from './row.ts';
import { templateProblem } from './template.ts';

/** A kind of file for import: what can be set, and what comes of it. */
export interface ExportFormat<Settings extends z.ZodType = z.ZodType> {
  name: string;
  /** For people: the tool, and the place in it where the file is imported. */
  title: string;
  settings: Settings;
  compile(settings: z.output<Settings>): CompiledExport;
}

/** A format under its settings. */
export interface CompiledExport {
  format: string;
  columns: readonly string[];
  /** Columns of the source that the templates name. A source without one of them gives empty cells. */
  fields: readonly string[];
  /** Rows come in the order of this text, and no two of them with the same one are written. Absent: any order, and all are written. */
  identify?(row: ExportRow): string;
  /** cells[i] belongs to columns[i]; no cell has a line break. */
  cells(row: ExportRow): string[] | LeftOut;
  /** `at` in milliseconds since 1970, `part` from 1. */
  fileName(at: number, kind: ExportKind, part: number): string;
  delimiter: string;
  /** Begins with a byte order mark, for spreadsheets. */
  mark: boolean;
  /** A file that would be larger is followed by another one. Bytes, and rows without the header. */
  maxBytes?: number;
  maxRows?: number;
  /** Is to be written under its own name at once, where readers may meet half of it (`Remote.publish` with `direct`). */
  direct: boolean;
}

/** Text with names in braces. YAML reads numbers and `yes`-like words as something else, so those are taken back to text. */
export const template = z
  .union([z.string(), z.boolean(), z.number()])
  .transform(String)
  .check((context) => {
    const problem = templateProblem(context.value);
    if (problem !== undefined) context.issues.push({ code: 'custom', message: problem, input: undefined });
  });

/** What is wrong with a name; `undefined` where it can be used. */
function nameProblem(name: string): string | undefined {
  if (name === '') return 'a column name may not be empty';
  if (name !== name.trim())
    return `found "${name}" with a space at an end, which the tool would take as part of the name`;
  // An object has its whole numbers first, whatever the order in which they were written.
  if (/^\d+$/.test(name)) return `found "${name}"; a column name that is a number would not keep its place`;
  return /\p{Cc}/u.test(name) ? 'found a control character in a column name' : undefined;
}

/** The name of a column, property, attribute or field, as the tool has it. */
export const columnName = z.string().check((context) => {
  const message = nameProblem(context.value);
  if (message !== undefined) context.issues.push({ code: 'custom', message, input: undefined });
});

/** Names to templates, in the order in which they were written. */
const columnRecord = z.record(z.string(), template).check((context) => {
  for (const name of Object.keys(context.value)) {
    const message = nameProblem(name);
    if (message !== undefined) context.issues.push({ code: 'custom', path: [name], message, input: undefined });
  }
});

const TEMPLATES =
  'Names in braces are replaced: {email}, {partner_user_id}, {link}, {code}, and any column of the source; {{ is a brace.';

/** Columns after those that the format has by itself. */
export const furtherColumns = columnRecord
  .default({})
  .describe(
    `Further columns, in this order: the name that the tool knows, and a text such as "{first_name}". ${TEMPLATES}`,
  );

/** Columns where the format has none by itself. */
export const allColumns = columnRecord
  .refine((columns) => Object.keys(columns).length > 0, 'at least one column is needed')
  .describe(`The columns, in this order: a name, and a text such as "{link}". ${TEMPLATES}`);

/** How files are named, for each format with a default of its own. */
export function namingFields(pattern: string, zoneHelp = '') {
  return {
    fileName: z
      .string()
      .check((context) => {
        const problem = fileNameProblem(context.value, '.csv');
        if (problem !== undefined) context.issues.push({ code: 'custom', message: problem, input: undefined });
      })
      .default(pattern)
      .describe(
        'The name of a file: {yyyy} {MM} {dd} {HH} {mm} {ss} are the time at which it was made, {kind} is snapshot or changes. Further files of one export are called name.part2.csv.',
      ),
    timezone: z
      .string()
      .refine(isTimeZone, {
        error: (issue) => `found "${issue.input}"; an IANA time zone is needed, such as America/New_York`,
      })
      .default('UTC')
      .describe(`The time zone of the date in the name, such as America/New_York.${zoneHelp}`),
  };
}

/** A problem with the columns, told of at their setting. */
export function tellOfColumns(context: { issues: z.core.$ZodRawIssue[] }, message: string | undefined): void {
  if (message !== undefined) context.issues.push({ code: 'custom', path: ['columns'], message, input: undefined });
}

/** The size of a file, for tools that take no larger one. */
export function fileBytes(most: number, limit: string) {
  return z.int().min(1000).max(most).default(most).describe(`Bytes of one file; more go into further files. ${limit}`);
}

/** Two columns of one name would be one to the tool: told of at the second. */
export function sameNames(names: readonly string[], ignoreCase: boolean): string | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const folded = ignoreCase ? name.toLowerCase() : name;
    const before = seen.get(folded);
    if (before !== undefined)
      return before === name
        ? `there are two columns "${name}"`
        : `there are columns "${before}" and "${name}", which differ in capital letters only`;
    seen.set(folded, name);
  }
  return undefined;
}
