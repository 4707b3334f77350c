import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const COMMANDS = ['init', 'check', 'doctor', 'schema', 'status', 'explain'];

/** Tells, when the process ends, what it loaded and the processor time it took. */
const WATCH = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  process.stderr.write(JSON.stringify({ loaded, ms: (user + system) / 1000 }));
});`)}`;

async function help(args: readonly string[]): Promise<{ stdout: string; loaded: string[]; ms: number }> {
  const child = spawn(process.execPath, ['--import', WATCH, MAIN, ...args, '--help']);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code, stderr).toBe(0);
  return { stdout, ...JSON.parse(stderr) };
}

describe('the help of a command', () => {
  it.each(COMMANDS)('of %s has an example, and loads nothing that only the command itself needs', async (command) => {
    const { stdout, loaded } = await help([command]);
    expect(stdout).toContain('Example');
    expect(stdout).toContain(`referry ${command}`);
    const packages = new Set(loaded.flatMap((url) => url.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []));
    expect([...packages]).toEqual(['commander']);
    const rooms = new Set(loaded.flatMap((url) => url.match(/\/src\/([^/]+)\//)?.[1] ?? []));
    expect([...rooms]).toEqual(['commands']);
  });

  it('takes less than 300 ms of the processor', async () => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) times.push((await help(['explain'])).ms);
    expect(Math.min(...times)).toBeLessThan(300);
  });
});
