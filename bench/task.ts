import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
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

/** `wireMs`: from the first call that changes something to the last, with a pause after it too. */
export interface Counted {
  calls: number;
  throttled: number;
  stored: number;
  wireMs: number;
}

/** A stand-in of a tool in a process of its own, which counts what it gets. */
export interface Counting extends Disposable {
  url: string;
  count(): Promise<Counted>;
}

export async function startCounting(tool: string): Promise<Counting> {
  const server = spawn(process.execPath, [script('push-server.ts'), tool], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const told = async <T>(): Promise<T> => JSON.parse(String((await lines.next()).value));
  const stop = (): void => {
    server.stdin.end();
    server.kill();
  };
  try {
    const { url } = await told<{ url: string }>();
    return {
      url,
      count() {
        server.stdin.write('count\n');
        return told<Counted>();
      },
      [Symbol.dispose]: stop,
    };
  } catch (error) {
    stop();
    throw error;
  }
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
