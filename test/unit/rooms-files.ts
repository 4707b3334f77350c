import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** Paths of the sources, relative to `src/`. */
export function sourceFiles(): string[] {
  return readdirSync(join(PROJECT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(join(PROJECT, 'src'), join(entry.parentPath, entry.name)))
    .sort();
}

export function readSource(path: string): string {
  return readFileSync(join(PROJECT, 'src', path), 'utf8');
}

/** Paths of the project's text files, relative to its root: those that git has, or all where the tree came without it. */
export function projectFiles(): string[] {
  const paths = existsSync(join(PROJECT, '.git')) ? listedByGit() : everyFile();
  return paths.filter((path) => !BINARY.test(path) && existsSync(join(PROJECT, path)));
}

const BINARY = /\.(png|gz|ico|woff2?)$/;
const NOT_OURS = /^(?:node_modules|dist|demo|sandbox|coverage|\.referry)\//;

function listedByGit(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: PROJECT, encoding: 'utf8' });
  return listed.split('\0').filter((path) => path !== '');
}

function everyFile(): string[] {
  return readdirSync(PROJECT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(PROJECT, join(entry.parentPath, entry.name)))
    .filter((path) => !NOT_OURS.test(path));
}
