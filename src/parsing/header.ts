import { FileRefused, type Notice } from '../model.ts';
import { CANDIDATES, shown } from './format.ts';
import type { FileSettings } from './settings.ts';
import { tellName } from './tell-name.ts';

/** Names that mean something else to JavaScript objects. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

/** The form in which names are compared. */
export function fold(name: string): string {
  return name.trim().normalize('NFC').toLowerCase();
}

export function isReserved(name: string): boolean {
  return RESERVED.has(name.trim());
}

/** The declared spellings by their folded form: those the job uses win over those of the contract. */
export function spellings(settings: FileSettings, wanted: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const name of [...wanted, ...(settings.header.columns ?? [])]) {
    if (!map.has(fold(name))) map.set(fold(name), name);
  }
  return map;
}

export interface HeaderContext {
  line: number;
  delimiter: string;
  settings: FileSettings;
  wanted: readonly string[];
}

/**
 * The columns of a header record, in the declared spelling where one matches, else trimmed. Throws `FileRefused` where
 * the record is no header, names cannot be told apart, or the contract is broken (with `onDrift: warn`: a notice).
 */
export function readHeader(names: readonly string[], context: HeaderContext): { columns: string[]; notices: Notice[] } {
  refuseHints(names, context);
  refuseOtherDelimiter(names, context);
  refuseData(names, context);
  refuseNames(names, context);
  const spelled = spellings(context.settings, context.wanted);
  const columns = names.map((name) => spelled.get(fold(name)) ?? name.trim());
  return { columns, notices: contract(columns, context) };
}

function refuse(context: HeaderContext, code: string, found: string, hint: string): FileRefused {
  return new FileRefused({ code, message: `line ${context.line}: ${found}`, hint, line: context.line });
}

function matches(names: readonly string[], wanted: readonly string[]): number {
  const declared = new Set(wanted.map(fold));
  return names.filter((name) => declared.has(fold(name))).length;
}

function list(names: readonly string[]): string {
  const some = names.slice(0, 40).map(tellName);
  return `${some.join(', ')}${names.length > some.length ? `, … (${names.length} in all)` : ''}` || '(none)';
}

function refuseHints(names: readonly string[], context: HeaderContext): void {
  const first = names[0] ?? '';
  const text = names.join(context.delimiter);
  const hint = /^sep=(.?)$/i.exec(text);
  if (hint) {
    throw refuse(
      context,
      'SEP_LINE',
      `the file starts with Excel's hint "sep=${hint[1]}"; the header is expected there`,
      'Ask the sender to leave the line out, and set file.delimiter where it is not the one of the format.',
    );
  }
  if (first.trimStart().startsWith('#') && matches(names, context.wanted) === 0) {
    throw refuse(
      context,
      'COMMENT_LINE',
      'the file starts with a comment ("#"); the header is expected there',
      'Ask the sender to leave comments out.',
    );
  }
}

function refuseOtherDelimiter(names: readonly string[], context: HeaderContext): void {
  const { wanted, delimiter } = context;
  if (matches(names, wanted) > 0) return;
  const text = names.join(delimiter);
  for (const other of CANDIDATES) {
    if (other === delimiter) continue;
    const split = text.split(other);
    if (split.length <= names.length) continue;
    if (names.length > 1 && matches(split, wanted) === 0) continue;
    throw refuse(
      context,
      'DELIMITER_MISMATCH',
      `the header has ${names.length} column${names.length > 1 ? 's' : ''} when split at ${shown(delimiter)}, but ${split.length} when split at ${shown(other)}`,
      `If the sender separates fields by ${shown(other)}, set file.delimiter: ${JSON.stringify(other)}.`,
    );
  }
}

const LOOKS_LIKE_DATA = [
  /^[^@\s]+@[^@\s]+\.[^@\s]+$/,
  /^[-+$€£]?\d[\d.,]*$/,
  /^\d{4}-\d{2}-\d{2}/,
  /^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}/,
];

/** A first row taken for a header would be lost, so this refuses the file whatever `onDrift` says. */
function refuseData(names: readonly string[], context: HeaderContext): void {
  if (matches(names, context.wanted) > 0) return;
  const values = names.filter((name) => LOOKS_LIKE_DATA.some((pattern) => pattern.test(name.trim())));
  if (values.length === 0 || (context.wanted.length === 0 && values.length * 2 < names.length)) return;
  const which = names.flatMap((name, i) => (values.includes(name) ? [i + 1] : []));
  throw refuse(
    context,
    'HEADER_LOOKS_LIKE_DATA',
    `the first record looks like data, not like column names (fields ${which.slice(0, 10).join(', ')}); expected columns: ${list(context.wanted)}`,
    'Ask the sender to put a header line first.',
  );
}

function refuseNames(names: readonly string[], context: HeaderContext): void {
  const { columns: most } = context.settings.limits;
  if (names.length > most) {
    throw refuse(
      context,
      'TOO_MANY_COLUMNS',
      `the header has ${names.length} columns; ${most} are allowed`,
      'If the file is genuine, raise file.limits.columns.',
    );
  }
  const seen = new Map<string, number>();
  for (const [i, name] of names.entries()) {
    const at = `column ${i + 1}`;
    if (name.trim() === '') {
      throw refuse(context, 'HEADER_EMPTY_NAME', `${at} has no name`, 'Ask the sender to name every column.');
    }
    if (name.includes('\0')) {
      throw refuse(
        context,
        'NUL_BYTE',
        `the name of ${at} has a NUL byte, which no text has`,
        'Ask the sender for the file again.',
      );
    }
    if (isReserved(name)) {
      throw refuse(
        context,
        'HEADER_RESERVED_NAME',
        `${at} is called "${tellName(name)}", a name that is not allowed`,
        'Ask the sender to rename it.',
      );
    }
    const before = seen.get(fold(name));
    if (before !== undefined) {
      throw refuse(
        context,
        'HEADER_DUPLICATE',
        `columns ${before + 1} and ${i + 1} are both called ${matches(names, context.wanted) > 0 ? `"${tellName(name)}"` : 'the same'}; case and surrounding space make no difference`,
        'Ask the sender to give every column its own name.',
      );
    }
    seen.set(fold(name), i);
  }
}

function contract(columns: readonly string[], context: HeaderContext): Notice[] {
  const { header } = context.settings;
  const drift = differences(columns, context);
  if (drift && header.onDrift === 'fail') throw refuse(context, drift.code, drift.message, drift.hint);
  return drift ? [{ code: drift.code, message: `line ${context.line}: ${drift.message}` }] : [];
}

function differences(
  columns: readonly string[],
  context: HeaderContext,
): { code: string; message: string; hint: string } | undefined {
  const { mode, columns: contracted } = context.settings.header;
  const declared = contracted ?? context.wanted;
  const must = mode === 'subset' ? context.wanted : [...declared, ...context.wanted];
  const found = new Set(columns.map(fold));
  const missing = [...new Set(must)].filter((name) => !found.has(fold(name)));
  // Where not one name is known, they may as well be the values of a first row.
  const told = matches(columns, [...declared, ...context.wanted]) > 0 ? list(columns) : `${columns.length} other names`;
  const both = `found: ${told}; expected${mode === 'subset' ? ' at least' : ''}: ${list(mode === 'subset' ? context.wanted : declared)}`;
  if (missing.length > 0) {
    return {
      code: 'HEADER_MISSING',
      message: `the header lacks ${list(missing)}; ${both}`,
      hint: 'Ask the sender for these columns, or change the columns that the job uses.',
    };
  }
  if (mode === 'subset') return undefined;
  const allowed = new Set(declared.map(fold));
  const extra = columns.filter((name) => !allowed.has(fold(name)));
  if (extra.length > 0) {
    return {
      code: 'HEADER_UNEXPECTED',
      message: `the header has ${list(extra)}, which ${extra.length > 1 ? 'are' : 'is'} not declared; ${both}`,
      hint: 'Add them to file.header.columns, or set file.header.mode: subset to ignore them.',
    };
  }
  if (mode === 'ordered' && columns.some((name, i) => fold(name) !== fold(declared[i] ?? ''))) {
    return {
      code: 'HEADER_ORDER',
      message: `the columns are in another order; ${both}`,
      hint: 'Set file.header.mode: exact-set if the order does not matter.',
    };
  }
  return undefined;
}
