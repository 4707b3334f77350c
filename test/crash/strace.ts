import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** What reaches a disk goes through one of these. */
export const CALLS = ['fsync', 'pwrite64', 'write', 'rename', 'link', 'unlink', 'ftruncate'] as const;
export type Call = (typeof CALLS)[number];

/** How the n-th call of its kind ends: the process with it, or with an error, as a failing disk answers. */
export interface Death {
  call: Call;
  nth: number;
  harm: 'SIGKILL' | 'EIO' | 'ENOSPC';
}

let known: { why: string | undefined } | undefined;

/** Why strace cannot be used here; `undefined` where it can. */
export function straceMissing(): string | undefined {
  known ??= { why: findOut() };
  return known.why;
}

function findOut(): string | undefined {
  const found = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']);
  if (found.error) return 'strace is not installed';
  return found.status === 0 ? undefined : 'strace may not trace processes here';
}

/**
 * The command line that runs a program so that it dies, or gets an error, at the n-th call. Calls are counted by thread: what the program's
 * own thread does, the ledger above all, is counted apart from what Node.js leaves to the threads of its pool; the first that gets there is hit.
 */
export function straceDeath({ call, nth, harm }: Death): string[] {
  const how = harm === 'SIGKILL' ? 'signal=SIGKILL' : `error=${harm}`;
  return ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:${how}:when=${nth}`];
}

/** Environment under which the counts by thread are the same from run to run: one thread in the pool. */
export const ONE_POOL_THREAD = { UV_THREADPOOL_SIZE: '1' };

/** The command line that notes these calls in a file, with the paths of what they go to and the beginning of what they write. */
export function straceTo(file: string, calls: readonly string[]): string[] {
  return ['strace', '-f', '-qq', '-y', '-s', '400', '-o', file, '-e', `trace=${calls.join(',')}`, '-e', 'signal=none'];
}

/** One call of a trace. */
export interface TracedCall {
  thread: string;
  name: string;
  /** The rest of the line: arguments and result. */
  text: string;
}

/** Calls in the order in which they began. What was interrupted by another thread's is put together again. */
export function readTrace(file: string): TracedCall[] {
  if (!existsSync(file)) return [];
  const calls: TracedCall[] = [];
  const unfinished = new Map<string, TracedCall>();
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const [, thread = '', resumed, name = '', text = ''] =
      /^(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$/.exec(line) ?? [];
    if (thread === '') continue;
    if (resumed !== undefined) {
      const begun = unfinished.get(thread);
      if (begun) begun.text += text;
      unfinished.delete(thread);
      continue;
    }
    const call = { thread, name, text };
    calls.push(call);
    if (text.endsWith('<unfinished ...>')) unfinished.set(thread, call);
  }
  return calls;
}

/** The most calls of one kind that one thread made: up to there, `straceDeath` strikes. */
export function mostByThread(calls: readonly TracedCall[], call: Call): number {
  const counts = new Map<string, number>();
  for (const { thread, name } of calls) if (name === call) counts.set(thread, (counts.get(thread) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}
