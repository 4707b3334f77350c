import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type End, startProcess } from './support/processes.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const COMMANDS = ['init', 'check', 'doctor', 'schema', 'status', 'explain'];

/** Tells, when the process ends, what it loaded. */
const WATCH = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
process.on('exit', () => process.stderr.write(JSON.stringify(loaded)));`)}`;

/** What an empty program takes on an idle machine. */
const EMPTY_MS = 45;

async function node(args: readonly string[]): Promise<End> {
  const end = await startProcess([process.execPath, ...args], { env: process.env }).done;
  expect(end.code, end.stderr).toBe(0);
  return end;
}

async function timeOf(args: readonly string[]): Promise<number> {
  const start = performance.now();
  await node(args);
  return performance.now() - start;
}

describe('the help of a command', () => {
  it.each(COMMANDS)('of %s has an example, and loads nothing that only the command itself needs', async (command) => {
    const { stdout, stderr } = await node(['--import', WATCH, MAIN, command, '--help']);
    const loaded: string[] = JSON.parse(stderr);
    expect(stdout).toContain('Example');
    expect(stdout).toContain(`referry ${command}`);
    const packages = new Set(loaded.flatMap((url) => url.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []));
    expect([...packages]).toEqual(['commander']);
    const files = loaded.flatMap((url) => url.match(/\/src\/([^/]+\/.*)/)?.[1] ?? []);
    // What makes an error safe to print must be there before anything can go wrong; it is one small file.
    expect(files.filter((file) => !file.startsWith('commands/'))).toEqual(['reports/visible.ts']);
  });

  it('answers in less than 300 ms, where others leave the machine to it', async () => {
    // Others may be busy here: the quickest of some calls counts, by how long an empty program takes meanwhile.
    let quickest = Number.POSITIVE_INFINITY;
    let empty = Number.POSITIVE_INFINITY;
    const allowed = (): number => 300 * Math.max(1, empty / EMPTY_MS);
    for (let i = 0; i < 8 && quickest >= allowed(); i++) {
      empty = Math.min(empty, await timeOf(['-e', '0']));
      quickest = Math.min(quickest, await timeOf([MAIN, 'explain', '--help']));
    }
    expect(quickest).toBeLessThan(allowed());
  });
});
