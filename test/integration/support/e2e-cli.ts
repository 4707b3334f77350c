import { fileURLToPath } from 'node:url';
import { type End, type Process, productEnv, startProcess } from './processes.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export interface CliResult extends End {
  /** The one JSON object on standard output. */
  json: () => Record<string, unknown>;
}

/** A running `referry`. */
export interface CliProcess extends Process {
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
  const started = startProcess([...under, process.execPath, MAIN, ...args], { env: productEnv(env) });
  return { ...started, done: started.done.then((end) => ({ ...end, json: () => jsonOf(end) })) };
}

function jsonOf({ code, stdout, stderr }: End): Record<string, unknown> {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`standard output is not one JSON object (exit ${code}):\n${stdout}\n${stderr}`);
  }
}

/** As long as a busy machine may take over a thing. */
const PATIENCE_MS = 60_000;

/** Looks until something is found; `undefined` where nothing ever is. */
export async function found<T>(look: () => T | undefined | false, ms = PATIENCE_MS): Promise<T | undefined> {
  const end = performance.now() + ms;
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Waits until `look` finds something. */
export async function until<T>(what: string, look: () => T | undefined | false, ms = PATIENCE_MS): Promise<T> {
  const seen = await found(look, ms);
  if (seen === undefined) throw new Error(`waited ${ms} ms in vain for ${what}`);
  return seen;
}
