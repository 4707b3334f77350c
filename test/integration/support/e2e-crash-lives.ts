import { watch } from 'node:fs';
import { join } from 'node:path';
import type { FaultName, FaultSource } from '../../../src/sandbox/extole/faults.ts';
import type { CliProcess } from './e2e-cli.ts';
import { type History, isConverged, remember } from './e2e-crash.ts';
import type { World } from './e2e-world.ts';

/** Every answer that cannot be told apart comes in both kinds: taken, and not taken. */
const FAULTS: readonly (readonly [number, FaultName])[] = [
  [0.1, '429'],
  [0.12, '500pre'],
  [0.15, '500post'],
  [0.12, 'resetpost'],
  [0.1, 'resetpre'],
  [0.05, 'badjson-post'],
  [0.05, 'badjson-pre'],
  [0.03, 'html-pre'],
  [0.03, 'html-post'],
  [0.04, 'cut-headers'],
  [0.04, 'cut-body'],
  [0.01, '204'],
  [0.02, 'timeout-pre'],
  [0.02, 'timeout-post'],
];

/** Misbehaves for `share` of the events. */
export function randomFaults(random: () => number, share: number): FaultSource {
  return () => {
    let r = random();
    if (r >= share) return undefined;
    r /= share;
    for (const [part, name] of FAULTS) {
      if (r < part) return name;
      r -= part;
    }
    return { kind: 'slow', ms: 30 };
  };
}

/** When to kill: at the n-th event of this life, at the n-th change of a folder that the partner sees, or after a time. */
export type Kill =
  | { at: 'event'; n: number; delayMs: number }
  | { at: 'folder'; folder: string; n: number; delayMs: number }
  | { at: 'time'; ms: number };

export function randomKill(random: () => number, events: number, lifeMs: number): Kill {
  const kind = random();
  const delayMs = random() < 0.5 ? 0 : random() * 25;
  if (kind < 0.5) return { at: 'event', n: 1 + Math.floor(random() * events), delayMs };
  const folders = ['processing', 'results', 'archive', 'reports'];
  const folder = folders[Math.floor(random() * folders.length)] ?? 'results';
  if (kind < 0.85) return { at: 'folder', folder, n: 1 + Math.floor(random() * 4), delayMs: delayMs / 3 };
  return { at: 'time', ms: lifeMs * (0.2 + 0.8 * random()) };
}

/** Lets a process live until the plan kills it, or it ends by itself. */
export async function live(
  world: World,
  process: CliProcess,
  kill: Kill | undefined,
  faults: FaultSource | undefined,
): Promise<Awaited<CliProcess['done']>> {
  const timers: NodeJS.Timeout[] = [];
  const strike = (delayMs: number): void => {
    if (delayMs === 0) process.kill('SIGKILL');
    else timers.push(setTimeout(() => process.kill('SIGKILL'), delayMs));
  };
  let left = kill && kill.at !== 'time' ? kill.n : 0;
  const pass = (): void => {
    if (kill && kill.at !== 'time' && --left === 0) strike(kill.delayMs);
  };
  if (kill?.at === 'time') strike(kill.ms);
  world.extole.setFaults((request) => {
    if (kill?.at === 'event') pass();
    return faults?.(request);
  });
  const watcher = kill?.at === 'folder' ? watch(join(world.served, kill.folder), pass) : undefined;
  try {
    return await process.done;
  } finally {
    watcher?.close();
    for (const timer of timers) clearTimeout(timer);
  }
}

/** Exit codes that a run under faults may have. */
const ENDS = new Set([0, 3, 4]);

export interface Lives {
  start: () => CliProcess;
  /** Called before each life; `undefined` lets it live. */
  kill: (life: number) => Kill | undefined;
  faults: (life: number) => FaultSource | undefined;
  /** From this life on, nothing is done to it. */
  peaceAfter: number;
}

/** Kill, start, kill, start, until everything is through. */
export async function liveOn(history: History, lives: Lives): Promise<void> {
  const { world } = history;
  for (let life = 1; !isConverged(history); life++) {
    if (life > lives.peaceAfter + 6) throw new Error(`not through after ${life - 1} lives`);
    const peace = life > lives.peaceAfter;
    const end = await live(
      world,
      lives.start(),
      peace ? undefined : lives.kill(life),
      peace ? undefined : lives.faults(life),
    );
    if (end.signal !== 'SIGKILL' && !ENDS.has(end.code ?? -1))
      throw new Error(`exit ${end.code ?? end.signal}:\n${end.stderr}`);
    remember(history, end);
  }
}
