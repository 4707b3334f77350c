import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a task in a process of its own and reads the JSON line that it prints. */
export async function task<Figures>(name: string, ...args: string[]): Promise<Figures> {
  const child = spawn(process.execPath, [script(name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.exitCode}`);
  return JSON.parse(text.trim().split('\n').at(-1) ?? '');
}

/** What the stream says next. */
export async function firstLine(stream: AsyncIterable<Buffer>): Promise<string> {
  for await (const chunk of stream) return String(chunk);
  throw new Error('the servers did not start');
}

/** The path of a program of this folder. */
export function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
