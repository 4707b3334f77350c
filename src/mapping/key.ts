import { cleanText, codePoints, found, isPlain, longerThan } from './text.ts';

/** Longest key that Extole keeps apart from others. */
export const KEY_LIMIT = 38;

/** What spreadsheets make of a long number: `1.23E+14`. An id such as `1E5` is not one. */
const SCIENTIFIC = /^[+-]?(?:\d[.,]\d+E[+-]?\d{1,3}|\dE\+\d{1,3})$/i;

/** What no id may hold: nobody sees that two ids differ by it. */
export const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const EQUALS = 61;

const PLACEHOLDERS = new Set([
  ...['null', '(null)', '<null>', '\\n', 'nil', 'none', 'undefined', 'nan', 'n/a', 'n.a.', 'na', 'not available'],
  ...['unknown', 'tbd', '-', '--', '---', '.', '?', '??', '#n/a', '#ref!', '#value!', '#name?', '#div/0!', '#null!'],
]);

/** Whether a value stands for "there is none" in some system. */
export function isPlaceholder(value: string): boolean {
  const first = value.charCodeAt(0);
  if (value.length > 13 || (first >= 48 && first <= 57)) return false;
  return PLACEHOLDERS.has(value.toLowerCase());
}

export type KeyVerdict = { ok: true; key: string } | { ok: false; code: string; reason: string };

/** `="00123"`: Excel's way to keep text from being read as a number. */
const EXCEL_TEXT = /^="([^"]*)"$/;

export interface KeyRules {
  unwrapExcel: boolean;
  scientific: 'reject' | 'accept';
  /** The longest one, in characters. */
  limit?: number;
}

const USUAL: KeyRules = { unwrapExcel: false, scientific: 'reject' };

/** The key in its one canonical form (composed, no outer blanks, case and zeros kept), or what is wrong with it. Never cut. */
export function checkKey(value: string | undefined, column: string, rules: KeyRules = USUAL): KeyVerdict {
  const where = `key column "${column}"`;
  const { limit = KEY_LIMIT } = rules;
  let trimmed = value === undefined ? '' : value.trim();
  if (trimmed.charCodeAt(0) === EQUALS) {
    const inner = EXCEL_TEXT.exec(trimmed)?.[1];
    if (inner !== undefined && rules.unwrapExcel) trimmed = inner.trim();
    else if (inner !== undefined) {
      const rule =
        'a formula of Excel that keeps it as text; set event.key.unwrapExcel: true to read what is in the quotes';
      return refuse('KEY_FORMULA', `${where}: found ${found(trimmed)}, ${rule}`);
    }
  }
  if (trimmed === '') {
    return refuse('KEY_MISSING', `${where}: found nothing; every row needs a key of 1 to ${limit} characters`);
  }
  const key = cleanText(trimmed);
  if (key === undefined || (!isPlain(key) && INVISIBLE.test(key))) {
    const rule = 'a key may not hold control or invisible characters';
    return refuse('KEY_CONTROL_CHARS', `${where}: found ${found(trimmed)}; ${rule}`);
  }
  if (longerThan(key, limit)) {
    const rule = `at most ${limit} are allowed, and a key is never cut, since cut keys collide`;
    return refuse('KEY_TOO_LONG', `${where}: found ${codePoints(key)} characters; ${rule}`);
  }
  if (rules.scientific === 'reject' && SCIENTIFIC.test(key)) {
    const rule = 'a spreadsheet has rounded the id: export the column as text';
    return refuse('KEY_SCIENTIFIC', `${where}: found ${found(key)}; ${rule}`);
  }
  if (isPlaceholder(key)) {
    return refuse('KEY_PLACEHOLDER', `${where}: found ${found(key)}, which stands for no value; a real id is needed`);
  }
  return { ok: true, key };
}

function refuse(code: string, reason: string): KeyVerdict {
  return { ok: false, code, reason };
}
