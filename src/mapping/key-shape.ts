import { KEY_LIMIT } from './key.ts';

/** What the keys of a file look like, for finding what a spreadsheet did to them. Counts of rows. */
export interface KeyShape {
  /** Keys of digits alone. */
  numeric: number;
  /** Those by their number of digits; the index is the width. */
  widths: number[];
  /** Those that begin with a zero. */
  zeros: number;
  /** Those of 16 digits and more, and those of them that have nothing but zeros after the 15th. */
  long: number;
  rounded: number;
}

/** The width that delivered files agree on: how many rows and files say so, and how many of the rows begin with a zero. */
export interface KnownWidth {
  width: number;
  files: number;
  rows: number;
  zeros: number;
}

/** Where a job says so. */
export type SettingsBlock = 'event.key' | 'customers' | 'members';

/** The column of the keys, and what is allowed of them. */
export interface KeyColumn {
  from: string;
  rounded: 'hold' | 'accept';
  width: 'hold' | 'accept';
}

export interface KeySuspicion {
  code: 'KEY_ROUNDED' | 'KEY_WIDTH';
  message: string;
  hint: string;
}

/** Spreadsheets keep 15 digits of a number. */
const KEPT_DIGITS = 15;
/** Fewer keys prove nothing. */
const LEAST_KEYS = 10;
const HALF = 0.5;
/** This share of the keys must have the same width before it is learned. */
const AGREED = 0.99;

export function createKeyShape(): { add(key: string): void; shape: KeyShape } {
  const shape: KeyShape = { numeric: 0, widths: new Array(KEY_LIMIT + 1).fill(0), zeros: 0, long: 0, rounded: 0 };
  return {
    shape,
    add: (key) => {
      const width = key.length;
      for (let i = 0; i < width; i++) {
        const code = key.charCodeAt(i);
        if (code < 48 || code > 57) return;
      }
      // No id of digits is as long.
      if (width > KEY_LIMIT) return;
      shape.numeric++;
      shape.widths[width] = (shape.widths[width] ?? 0) + 1;
      if (key.charCodeAt(0) === 48) shape.zeros++;
      if (width <= KEPT_DIGITS) return;
      shape.long++;
      for (let i = KEPT_DIGITS; i < width; i++) if (key.charCodeAt(i) !== 48) return;
      shape.rounded++;
    },
  };
}

/** Long keys most of which end in zeros: a spreadsheet has rounded them, and different ones became the same. */
export function roundedKeys(
  shape: KeyShape,
  { from, rounded }: KeyColumn,
  block: SettingsBlock = 'event.key',
): KeySuspicion | undefined {
  if (rounded === 'accept' || shape.long < LEAST_KEYS || shape.rounded / shape.long <= HALF) return undefined;
  return {
    code: 'KEY_ROUNDED',
    message: `${shape.rounded} of the ${shape.long} keys of 16 digits and more in column "${from}" have only zeros after the 15th; nothing was sent`,
    hint: `a spreadsheet has rounded them: ask for a file that was exported with the column as text. If the ids are really so, set ${block}.rounded: accept`,
  };
}

/**
 * Keys shorter than those of the files before: most of them, or some where not one begins with a zero any more although
 * they used to.
 */
export function shortKeys(
  shape: KeyShape,
  known: KnownWidth,
  { from, width }: KeyColumn,
  block: SettingsBlock = 'event.key',
): KeySuspicion | undefined {
  if (width === 'accept' || shape.numeric < LEAST_KEYS) return undefined;
  const short = shape.widths.slice(0, known.width).reduce((sum, count) => sum + count, 0);
  const lostZeros = known.zeros / known.rows >= 0.01 && shape.zeros === 0 && short / shape.numeric > 0.005;
  if (short / shape.numeric <= HALF && !lostZeros) return undefined;
  const zeros = known.zeros > 0 ? `, ${known.zeros} of them with a zero in front` : '';
  return {
    code: 'KEY_WIDTH',
    message: `${short} of ${shape.numeric} keys in column "${from}" have fewer than ${known.width} digits, and ${shape.zeros === 0 ? 'none begins' : `${shape.zeros} begin`} with a zero; the ${known.rows} keys of the last ${known.files} files had ${known.width}${zeros}; nothing was sent`,
    hint: `a spreadsheet may have cut leading zeros off: ask for a file that was exported with the column as text. If the ids have become shorter, release the file, or set ${block}.width: accept`,
  };
}

/** What a good file teaches about the width of keys; `undefined` where they do not agree, or are too few. */
export function learnedFrom(shape: KeyShape): { width: number; rows: number; zeros: number } | undefined {
  if (shape.numeric < LEAST_KEYS) return undefined;
  const width = shape.widths.indexOf(Math.max(...shape.widths));
  if ((shape.widths[width] ?? 0) / shape.numeric < AGREED) return undefined;
  return { width, rows: shape.numeric, zeros: shape.zeros };
}
