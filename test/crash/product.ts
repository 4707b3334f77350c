import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The end of one process of the product. */
export interface End {
  code: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
}

export interface Process {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Standard error so far. */
  stderr(): string;
  done: Promise<End>;
}

export interface StartOptions {
  /** A checkout, or a copy of one: it holds `src/main.ts`. */
  tree: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** A program that runs it, with its arguments. */
  under?: readonly string[];
}

/** Starts the real program, as a shell would. Nothing of this process's environment reaches it but PATH and HOME. */
export function startProduct({ tree, args, env, under = [] }: StartOptions): Process {
  const [program = '', ...rest] = [...under, process.execPath, join(tree, 'src/main.ts'), ...args];
  const child = spawn(program, rest, {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      // Compiled once for all lives.
      NODE_COMPILE_CACHE: join(tmpdir(), 'referry-crash-compile-cache'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // What runs it takes no notice of signals, so the whole group gets them.
    detached: under.length > 0,
  });
  let over = false;
  child.once('exit', () => {
    over = true;
  });
  const kill = (signal: NodeJS.Signals): void => {
    if (under.length === 0) child.kill(signal);
    else if (!over && child.pid !== undefined) globalThis.process.kill(-child.pid, signal);
  };
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const done = new Promise<End>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ code: code ?? undefined, signal: signal ?? undefined, stdout, stderr }),
    );
  });
  return { pid: child.pid ?? 0, kill, stderr: () => stderr, done };
}
