import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Line } from './protocol.ts';

/** A server process and the way to talk to it. */
export interface Talk {
  pid: number;
  /** Resolves with the answer; rejects with what the server says went wrong, or when it is gone. */
  ask(command: { do: string; [field: string]: unknown }): Promise<unknown>;
  /** Called for each request that arrives at a world. */
  onRequest(world: string, listener: ((seq: number) => void) | undefined): void;
  stop(): Promise<void>;
}

/** Starts one of the programs beside this file. */
export function startServer(program: 'extole.ts' | 'sftp.ts'): Talk {
  const path = fileURLToPath(new URL(program, import.meta.url));
  // What it complains of is shown: a server that fails is a fault of the harness.
  const child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const listeners = new Map<string, (seq: number) => void>();
  let last = 0;
  let gone: Error | undefined;

  const ended = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      gone = new Error(`the server ${program} is gone: ${signal ?? `exit ${code}`}`);
      for (const { reject } of waiting.values()) reject(gone);
      waiting.clear();
      resolve();
    });
  });
  // A command that meets a process that just ended; 'close' tells why.
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line: Line = JSON.parse(text);
    if ('event' in line) {
      listeners.get(line.world)?.(line.seq);
      return;
    }
    const asked = waiting.get(line.id);
    waiting.delete(line.id);
    if (line.ok) asked?.resolve(line.value);
    else asked?.reject(new Error(`${program}: ${line.error}`));
  });

  return {
    pid: child.pid ?? 0,
    ask(command) {
      if (gone) return Promise.reject(gone);
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
      });
    },
    onRequest(world, listener) {
      if (listener) listeners.set(world, listener);
      else listeners.delete(world);
    },
    stop() {
      child.stdin.end();
      return ended;
    },
  };
}
