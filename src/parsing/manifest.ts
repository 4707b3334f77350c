import { FileRefused } from '../model.ts';
import { type Decimal, decimal, plus, written } from './decimal.ts';
import { fold } from './header.ts';
import type { ControlSettings, ManifestSettings } from './manifest-settings.ts';

/** No manifest is longer than this, in bytes. */
export const LONGEST_MANIFEST = 64 * 1024;

const HEX = { md5: 32, sha256: 64 } as const;

/**
 * The checksum that a manifest states for a file, in lower case. Reads what md5sum and sha256sum write (`hex  name`, also several
 * lines, and BSD's `MD5 (name) = hex`), and a bare one. Throws `FileRefused` MANIFEST_INVALID.
 */
export function statedChecksum(text: string, kind: 'md5' | 'sha256', name: string): string {
  const found: { hex: string; name: string }[] = [];
  for (const line of linesOf(text)) {
    const usual = /^\\?([0-9a-f]+)(?:\s+\*?(.+))?$/i.exec(line);
    const bsd = /^[A-Z0-9-]+ \((.+)\) = ([0-9a-f]+)$/i.exec(line);
    const hex = (usual?.[1] ?? bsd?.[2] ?? '').toLowerCase();
    if (hex.length === HEX[kind]) found.push({ hex, name: (usual?.[2] ?? bsd?.[1] ?? '').trim() });
  }
  const [only] = found;
  // Partners write under another name and rename: where there is one checksum, it is that of the file.
  if (only && found.length === 1) return only.hex;
  const its = found.find((each) => each.name.slice(each.name.lastIndexOf('/') + 1) === name);
  if (its) return its.hex;
  throw invalid(
    found.length === 0
      ? `holds no ${kind} checksum (${HEX[kind]} hexadecimal digits)`
      : `holds ${found.length} checksums, and none for ${name}`,
  );
}

/** Compares a checksum with the one that the manifest states. Throws `FileRefused` MANIFEST_MISMATCH, MANIFEST_INVALID. */
export function compareChecksum(text: string, kind: 'md5' | 'sha256', name: string, actual: string): void {
  const stated = statedChecksum(text, kind, name);
  if (stated === actual) return;
  throw mismatch(
    `the manifest says ${kind} ${stated}, the file that arrived has ${actual}`,
    'The file was cut off or changed on the way, or the manifest belongs to another one. Ask the sender for both again.',
  );
}

/** Adds up what a control file states, and compares when the file has ended. */
export interface ControlCheck {
  /** The columns may grow; `values[i]` belongs to `columns[i]`. */
  add(values: readonly (string | undefined)[], columns: readonly string[]): void;
  /** Throws `FileRefused` MANIFEST_MISMATCH. */
  verify(): void;
}

/** Reads a control file. Throws `FileRefused` MANIFEST_INVALID. */
export function controlCheck(text: string, settings: ControlSettings): ControlCheck {
  const fields = settings.format === 'csv' ? csvFields(text, settings) : keyValueFields(text);
  const at = (name: string): string => {
    const value = fields.get(fold(name));
    if (value !== undefined) return value;
    throw invalid(`has no "${name}"; it has ${[...fields.keys()].slice(0, 20).join(', ') || 'nothing'}`);
  };
  const stated = settings.count === undefined ? undefined : at(settings.count);
  if (stated !== undefined && !/^\d{1,15}$/.test(stated)) throw invalid(`states a row count that is no whole number`);
  const sums = Object.entries(settings.sums).map(([column, name]) => {
    const total = decimal(at(name), settings.decimal);
    if (!total || at(name) === '') throw invalid(`states a sum for ${column} that is no number`);
    return {
      column,
      stated: at(name),
      total,
      sum: { units: 0n, scale: 0 } satisfies Decimal,
      index: -2,
      unreadable: 0,
    };
  });
  let rows = 0;
  let width = -1;
  return {
    add(values, columns) {
      rows++;
      if (width !== columns.length) {
        width = columns.length;
        for (const each of sums) each.index = columns.findIndex((name) => fold(name) === fold(each.column));
      }
      for (const each of sums) {
        const amount = decimal(values[each.index] ?? '', settings.decimal);
        if (amount) each.sum = plus(each.sum, amount);
        else each.unreadable++;
      }
    },
    verify() {
      const counted = settings.countIncludes === 'rows' ? rows : rows + 1;
      if (stated !== undefined && Number(stated) !== counted)
        throw mismatch(
          `the manifest says ${stated} rows, the file has ${counted}${counted === rows ? '' : ' with its header'}`,
          'Rows were lost or added on the way: ask the sender for the file again. If the sender counts otherwise, set source.manifest.control.countIncludes.',
        );
      for (const { column, total, stated: said, sum, index, unreadable } of sums) {
        if (index === -1)
          throw mismatch(`the manifest has a sum of ${column}, and the file has no such column`, OTHER_COLUMN);
        if (plus(total, { units: -sum.units, scale: sum.scale }).units === 0n) continue;
        const left = unreadable > 0 ? `; ${unreadable} values are no numbers and were not added` : '';
        throw mismatch(
          `the manifest says ${said} for the sum of ${column}, the rows add up to ${written(sum)}${left}`,
          'Rows were lost or changed on the way: ask the sender for the file again.',
        );
      }
    },
  };
}

const OTHER_COLUMN = 'Compare source.manifest.control.sums of the job with the header of the file.';

function keyValueFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of linesOf(text)) {
    const [, name = '', value = ''] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (name !== '') fields.set(fold(name), unquoted(value));
  }
  return fields;
}

function csvFields(text: string, { columns, delimiter }: ControlSettings): Map<string, string> {
  const lines = linesOf(text).map((line) => line.split(delimiter).map((field) => unquoted(field.trim())));
  const [first = [], second] = lines;
  const names = columns ?? first;
  const values = columns ? lines.at(-1) : second;
  if (values === undefined || values.length < names.length)
    throw invalid(`should have a line of ${names.length} values (${names.slice(0, 20).join(', ')})`);
  return new Map(names.map((name, i) => [fold(name), values[i] ?? '']));
}

function unquoted(text: string): string {
  return text.replace(/^"(.*)"$/, '$1').trim();
}

function linesOf(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function mismatch(message: string, hint: string): FileRefused {
  return new FileRefused({ code: 'MANIFEST_MISMATCH', message, hint });
}

function invalid(what: string): FileRefused {
  return new FileRefused({
    code: 'MANIFEST_INVALID',
    message: `the manifest ${what}`,
    hint: 'Compare source.manifest of the job with what the sender writes.',
  });
}

/** What a manifest of this kind is compared with: a checksum of the bytes, or the rows. */
export function checksumKind({ kind }: ManifestSettings): 'md5' | 'sha256' | undefined {
  return kind === 'control' ? undefined : kind;
}
