import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { End, Process } from '../integration/support/processes.ts';
import type { Kill } from './kill.ts';
import { startProduct } from './product.ts';
import { ONE_POOL_THREAD, straceDeath } from './strace.ts';
import type { CrashWorld } from './world.ts';

/** How a process lived and how it ended. */
export interface Life extends End {
  args: readonly string[];
  kill: Kill | undefined;
  /** The named place at which it died. */
  point: string | undefined;
  /** Milliseconds until its first change in the folder of the ledger. */
  touchedMs: number | undefined;
  ms: number;
}

export interface LifeOptions {
  tree: string;
  world: CrashWorld;
  args: readonly string[];
  kill: Kill | undefined;
  /** A process that does not end by itself is looked after by this. */
  whileIt?: ((process: Process) => Promise<void>) | undefined;
  env?: Readonly<Record<string, string>>;
  /** Something that hangs is killed after this, and says so. */
  longestMs?: number;
}

const POINT = /^crash point ([a-z-]+)$/m;

/** Lets a process live until it is killed, or ends by itself. Throws where it hangs. */
export async function live(options: LifeOptions): Promise<Life> {
  const { tree, world, args, kill, env = {}, longestMs = 60_000 } = options;
  const timers: NodeJS.Timeout[] = [];
  const watchers: FSWatcher[] = [];
  const started = performance.now();
  let touchedMs: number | undefined;
  let left = kill && 'n' in kill ? kill.n : 0;
  let hung = false;

  const points = kill?.at === 'points' ? { REFERRY_CRASH_AT: kill.points.join(',') } : {};
  const calls = kill?.at === 'call' ? ONE_POOL_THREAD : {};
  const process = startProduct({
    tree,
    args,
    env: { ...world.env, ...env, ...points, ...calls },
    under: kill?.at === 'call' ? straceDeath(kill) : [],
  });
  const strike = (delayMs: number): void => {
    if (delayMs < 1) process.kill('SIGKILL');
    else timers.push(setTimeout(() => process.kill('SIGKILL'), delayMs));
  };
  const pass = (delayMs: number): void => {
    if (--left === 0) strike(delayMs);
  };
  watchers.push(
    watch(world.state, () => {
      touchedMs ??= performance.now() - started;
      if (kill?.at === 'ledger') pass(kill.delayMs);
    }),
  );
  if (kill?.at === 'folder') watchers.push(watch(join(world.served, kill.folder), () => pass(kill.delayMs)));
  if (kill?.at === 'request') world.servers.onRequest(() => pass(kill.delayMs));
  if (kill?.at === 'time') strike(kill.ms);
  timers.push(
    setTimeout(() => {
      hung = true;
      process.kill('SIGKILL');
    }, longestMs),
  );
  try {
    await options.whileIt?.(process);
    const end = await process.done;
    if (hung) throw new Error(`${args.join(' ')} did not end within ${longestMs} ms:\n${end.stderr.slice(-2000)}`);
    const point = POINT.exec(end.stderr)?.[1];
    return { ...end, args, kill, point, touchedMs, ms: performance.now() - started };
  } finally {
    process.kill('SIGKILL');
    world.servers.onRequest(undefined);
    for (const watcher of watchers) watcher.close();
    for (const timer of timers) clearTimeout(timer);
  }
}
