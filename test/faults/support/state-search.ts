import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Every regular file below a folder. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Which of the marks stand in which files below a folder, as raw bytes: freed pages of a database count as well. */
export function findMarks(folder: string, marks: readonly string[]): string[] {
  return filesBelow(folder).flatMap((path) => {
    const bytes = readFileSync(path);
    return marks.filter((mark) => bytes.includes(mark)).map((mark) => `${path.slice(folder.length + 1)}: ${mark}`);
  });
}

/** What others than the owner may do with what lies below a folder, and the folder itself. */
export function openToOthers(folder: string): string[] {
  const below = (path: string): string[] => [
    path,
    ...(statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => below(join(path, name))) : []),
  ];
  return below(folder)
    .map((path) => ({ path, mode: statSync(path).mode & 0o777 }))
    .filter(({ mode }) => (mode & 0o077) !== 0)
    .map(({ path, mode }) => `${path.slice(folder.length)} ${mode.toString(8)}`);
}
