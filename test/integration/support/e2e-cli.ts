import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export interface CliResult {
  /** The exit code; `undefined` where a signal ended the process. */
  code: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
  /** The one JSON object on standard output. */
  json: () => Record<string, unknown>;
}

/** A running `referry`. */
export interface CliProcess {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Standard output and error so far. */
  told(): { stdout: string; stderr: string };
  done: Promise<CliResult>;
}

/**
 * Starts the real program, as a shell would: nothing of the tests' environment reaches it but PATH and HOME. `under`: a
 * program that runs it, with its arguments.
 */
export function startCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  under: readonly string[] = [],
): CliProcess {
  const [program = '', ...rest] = [...under, process.execPath, MAIN, ...args];
  const child: ChildProcess = spawn(program, rest, {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      // Compiled once for all the processes of the tests.
      NODE_COMPILE_CACHE: join(tmpdir(), 'referry-e2e-compile-cache'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const done = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const json = (): Record<string, unknown> => {
        try {
          return JSON.parse(stdout);
        } catch {
          throw new Error(`standard output is not one JSON object (exit ${code}):\n${stdout}\n${stderr}`);
        }
      };
      resolve({ code: code ?? undefined, signal: signal ?? undefined, stdout, stderr, json });
    });
  });
  return { pid: child.pid ?? 0, kill: (signal) => void child.kill(signal), told: () => ({ stdout, stderr }), done };
}

/** Waits until `look` finds something. */
export async function until<T>(what: string, look: () => T | undefined | false, ms = 15_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
