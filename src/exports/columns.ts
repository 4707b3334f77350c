import { fileNameAt } from './file-name.ts';
import type { CompiledExport } from './format.ts';
import { LINK_INVALID, secureLink } from './link.ts';
import type { ExportRow, LeftOut } from './row.ts';
import { type Cell, compileTemplate, fieldsOf } from './template.ts';

/** What identifies a person in the tool: the column, which template it has, and what is said of a person without it. */
export interface Identifier {
  column: string;
  template: string;
  /** `email` is compared in lower case and must look like one; an id is compared as it stands. */
  kind: 'email' | 'id';
}

/** For tools whose column of the address is called so. */
export const BY_EMAIL: Identifier = { column: 'email', template: '{email}', kind: 'email' };

export interface ColumnsLayout {
  format: string;
  naming: { fileName: string; timezone: string };
  /** Comes first. Absent where nothing identifies a person: then nothing is said of duplicates either. */
  identifier?: Identifier;
  /** [name, template] after the identifier. */
  columns: readonly (readonly [string, string])[];
  /** Links of more characters are left out. */
  maxLink?: number;
  /** Looks at a finished cell that is no identifier. */
  judge?: (cell: string, column: string) => LeftOut | undefined;
  /** Changes a finished cell. */
  finish?: (cell: string) => string;
  delimiter?: string;
  mark?: boolean;
  maxBytes?: number | undefined;
  maxRows?: number | undefined;
  direct?: boolean;
}

/** What all formats have in common. Everything about the settings is decided here, once; a row costs its cells only. */
export function compileColumns(layout: ColumnsLayout): CompiledExport {
  const { identifier, maxLink = Number.POSITIVE_INFINITY, judge, finish } = layout;
  const named = identifier ? [[identifier.column, identifier.template] as const, ...layout.columns] : layout.columns;
  const columns = named.map(([name]) => name);
  const values = named.map(([, template]) => compileTemplate(template));
  const identity = identifier ? identityOf(identifier) : undefined;

  const cells = (row: ExportRow): string[] | LeftOut => {
    const link = secureLink(row.link);
    if (link === undefined) return LINK_INVALID;
    if (link.length > maxLink) return tooLong(link.length, maxLink);
    const out: string[] = [];
    for (let i = 0; i < values.length; i++) {
      const written = values[i]?.(row, link) ?? '';
      const cell = oneLine(written);
      if (i === 0 && identity !== undefined) {
        const wrong = identity.problem(written);
        if (wrong !== undefined) return wrong;
      } else {
        const wrong = judge?.(cell, columns[i] ?? '');
        if (wrong !== undefined) return wrong;
      }
      out.push(finish ? finish(cell) : cell);
    }
    return out;
  };

  const { fileName, timezone } = layout.naming;
  return {
    format: layout.format,
    columns,
    fields: [...new Set(named.flatMap(([, template]) => fieldsOf(template)))],
    ...(identity && { identify: identity.of }),
    cells,
    fileName: (at, kind, part) => fileNameAt(fileName, timezone, at, kind, part),
    delimiter: layout.delimiter ?? ',',
    mark: layout.mark ?? false,
    ...(layout.maxBytes !== undefined && { maxBytes: layout.maxBytes }),
    ...(layout.maxRows !== undefined && { maxRows: layout.maxRows }),
    direct: layout.direct ?? false,
  };
}

interface Identity {
  of(row: ExportRow): string;
  problem(cell: string): LeftOut | undefined;
}

const EMAIL = /^[^\s@]+@[^\s@]+$/;

function identityOf({ column, template, kind }: Identifier): Identity {
  const value: Cell = compileTemplate(template);
  const missing = {
    code: 'IDENTIFIER_MISSING',
    reason: `the person has nothing for the column ${column}, by which the tool knows people`,
  };
  const invalid = {
    code: 'IDENTIFIER_INVALID',
    reason:
      kind === 'email'
        ? `what would stand in the column ${column} is no e-mail address`
        : `what would stand in the column ${column} has a line break, or a space at an end`,
  };
  const valid =
    kind === 'email'
      ? (cell: string): boolean => EMAIL.test(cell) && !BREAK.test(cell)
      : (cell: string): boolean => !BREAK.test(cell) && cell === cell.trim();
  return {
    of: kind === 'email' ? (row) => value(row, row.link).toLowerCase() : (row) => value(row, row.link),
    problem: (cell) => (cell === '' ? missing : valid(cell) ? undefined : invalid),
  };
}

function tooLong(length: number, max: number): LeftOut {
  return { code: 'LINK_TOO_LONG', reason: `the share link has ${length} characters; the column takes ${max}` };
}

/** Line breaks, and what some reader takes for one; and NUL, which the writer would drop. A tab is text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const BREAK = /[\u0000-\u0008\u000a-\u001f\u007f\u0085\u2028\u2029]/;
const BREAKS = new RegExp(`${BREAK.source}+`, 'g');

/** A cell on one line: importers count lines. */
export function oneLine(cell: string): string {
  return BREAK.test(cell) ? cell.replace(BREAKS, ' ') : cell;
}
