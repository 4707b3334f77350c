import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The end of a process. */
export interface End {
  /** The exit code; `undefined` where a signal ended it. */
  code: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
}

export interface Process {
  pid: number;
  /** Does nothing where it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Standard output and error so far. */
  told(): { stdout: string; stderr: string };
  done: Promise<End>;
}

export interface StartOptions {
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** Runs as the user, and the group, of this number. Only root may. */
  user?: number;
  /** It starts others that take no notice of signals: a signal goes to all of them. */
  group?: boolean;
}

const living = new Set<Process>();
let watched = false;

/** Starts a program with its arguments. It does not outlive this process, unless that is killed. */
export function startProcess(command: readonly string[], { env, cwd, user, group = false }: StartOptions): Process {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: group,
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  let over = false;
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.once('exit', () => {
    over = true;
    living.delete(started);
  });
  const done = new Promise<End>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ code: code ?? undefined, signal: signal ?? undefined, stdout, stderr }),
    );
  });
  const kill = (signal: NodeJS.Signals): void => {
    if (over || child.pid === undefined) return;
    if (group) process.kill(-child.pid, signal);
    else child.kill(signal);
  };
  const started: Process = { pid: child.pid ?? 0, kill, told: () => ({ stdout, stderr }), done };
  living.add(started);
  watchOver();
  return started;
}

/** The code is compiled once for all the processes of the tests. */
export const COMPILE_CACHE = join(tmpdir(), 'referry-e2e-compile-cache');

/** What the product needs of an environment, and no more of that of the tests. */
export function productEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    ...env,
  };
}

/** A test that took too long is stopped from outside, and what it started with it. */
function watchOver(): void {
  if (watched) return;
  watched = true;
  process.once('exit', () => {
    for (const each of living) each.kill('SIGKILL');
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
}
