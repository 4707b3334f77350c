import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from './processes.ts';

export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export interface Told {
  code: number | null;
  stdout: string;
  stderr: string;
  ms: number;
}

/** Processor time of a start of Node.js with these arguments, in milliseconds: what it takes on a machine with nothing else to do. */
export function processorTime(args: readonly string[]): number {
  const { stderr } = spawnSync(
    'bash',
    ['-c', 'TIMEFORMAT="%U %S"; time "$0" "$@" >/dev/null 2>&1', process.execPath, ...args],
    {
      cwd: PROJECT,
      encoding: 'utf8',
    },
  );
  const [user = Number.NaN, system = Number.NaN] = stderr.trim().split(' ').map(Number);
  return (user + system) * 1000;
}

export const cliArgs = (args: readonly string[]): string[] => [MAIN, ...args];

/** Runs the working tree's `referry` with real Node.js, without the settings of whoever runs the tests. */
export function referry(args: readonly string[], options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Told {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(REFERRY_|EXTOLE_|VITEST|NODE_OPTIONS)/.test(name)),
  );
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, cliArgs(args), {
    cwd: options.cwd ?? PROJECT,
    env: { ...env, NODE_COMPILE_CACHE: COMPILE_CACHE, NO_COLOR: '1', ...options.env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: status, stdout, stderr, ms: performance.now() - started };
}

/** The commands as `referry --help` lists them; `help` itself is not counted. */
export function commandNames(): string[] {
  const { stdout } = referry(['--help']);
  const listed = stdout.slice(stdout.indexOf('\nCommands:\n'), stdout.indexOf('\nExit codes:'));
  return [...listed.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
}

/** The long options that a help text offers. */
export function optionsOf(help: string): string[] {
  return [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z][a-z-]*)/gm)].map(([, name = '']) => name);
}
