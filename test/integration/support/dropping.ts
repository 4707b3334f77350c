import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What a partner has on their SFTP server. */
export const FOLDERS = ['inbox', 'processing', 'archive', 'refused', 'results', 'reports'] as const;

/**
 * Puts a whole file at a path, at once, dated `age` seconds ago: written in `aside` and renamed, so that nobody meets half
 * of it, whatever their settings.
 */
export function dropWhole(aside: string, path: string, contents: string | Buffer, age: number): void {
  const unnoticed = join(aside, `dropping-${basename(path)}`);
  writeFileSync(unnoticed, contents);
  const time = Date.now() / 1000 - age;
  utimesSync(unnoticed, time, time);
  mkdirSync(dirname(path), { recursive: true });
  renameSync(unnoticed, path);
}
