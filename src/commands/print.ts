import type { Notice } from '../model.ts';
import { visible } from '../reports/visible.ts';

/** Answers go to standard output; everything else to standard error. */
export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function sayJson(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
}

export function note(line: string): void {
  process.stderr.write(`referry: ${line}\n`);
}

/** Columns as wide as their widest cell; nothing of a cell can act on the terminal. */
export function table(rows: readonly (readonly string[])[], indent = ''): string[] {
  const cells = rows.map((row) => row.map(visible));
  const widths: number[] = [];
  for (const row of cells)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length);
  return cells.map((row) =>
    `${indent}${row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - [...cell].length)).join('  ')}`.trimEnd(),
  );
}

/** `2026-11-20 14:03:22 UTC`; `-` where there is none. */
export function utc(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || ms === 0) return '-';
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** ISO 8601 for JSON; `null` where there is none. */
export function isoOrNull(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined || ms === 0 ? null : new Date(ms).toISOString();
}

/** `45 s`, `12 min`, `3 h`, `5 days`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** `1 row`, `1,200 rows`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;
}

/** What is to be known besides, with its code. */
export const noteOf = ({ code, message }: Notice): string => visible(`  note: ${message} (${code})`);
