import type { Chance } from './chance.ts';
import { CALLS, type Call, type Death, straceMissing } from './strace.ts';

/** When to kill: what happens first of it is when it strikes. */
export type Kill =
  /** At the first of these places that the process comes by; `name:n` when it does for the n-th time. */
  | { at: 'points'; points: readonly string[] }
  /** At the n-th request that arrives at Extole in this life. */
  | { at: 'request'; n: number; delayMs: number }
  /** At the n-th change in the folder of the ledger: a write, a file made, a file removed. */
  | { at: 'ledger'; n: number; delayMs: number }
  /** At the n-th change of a folder that the partner sees. */
  | { at: 'folder'; folder: string; n: number; delayMs: number }
  /** At the n-th system call of a kind, with it. */
  | ({ at: 'call' } & Death)
  | { at: 'time'; ms: number };

/** What is known of lives so far, so that deaths are spread over all of them. */
export interface Experience {
  /** Milliseconds until a process has the ledger open. */
  openMs: number;
  /** Points that should be hit more often, the rarest first. */
  wanted: readonly string[];
  /** Those of them that this command comes by in this scenario, the rarest first. */
  near: readonly string[];
  /** Points that were hit often enough. */
  sated: readonly string[];
}

/** About so many calls of each kind does a life make that goes through. */
const CALLS_OF_A_LIFE: Readonly<Record<Call, number>> = {
  fsync: 60,
  pwrite64: 250,
  write: 40,
  rename: 4,
  link: 4,
  unlink: 6,
  ftruncate: 3,
};

const FOLDERS = ['processing', 'results', 'archive', 'reports'] as const;

/** How the next life ends. `recovering`: the one before was killed, and this one is to die while it takes up what that one left. */
export function chooseKill(chance: Chance, seen: Experience, recovering: boolean): Kill {
  const delayMs = chance.hit(0.5) ? 0 : chance.next() * 20;
  if (recovering) return { at: 'ledger', n: 1 + chance.below(14), delayMs: delayMs / 4 };
  // Tracing makes a life slower: a few of them are enough here, and a sweep makes all.
  if (chance.hit(0.06) && straceMissing() === undefined) {
    const call = chance.pick(CALLS);
    return { at: 'call', call, nth: 1 + chance.below(CALLS_OF_A_LIFE[call]), harm: 'SIGKILL' };
  }
  // One place of those that lie on its way: the first of several would hide the others.
  const [rarest, ...others] = seen.near;
  if (rarest !== undefined && chance.hit(0.85)) {
    const point = chance.hit(0.5) ? rarest : chance.pick([rarest, ...others]);
    return { at: 'points', points: [chance.hit(0.9) ? point : `${point}:2`] };
  }
  const r = chance.next();
  if (r < (seen.wanted.length > 0 ? 0.75 : 0.3)) {
    // Those that come early in a life would hide the others: mostly, it is let by at them.
    const rare = chance.hit(0.7) ? Math.ceil(seen.wanted.length / 2) : seen.wanted.length;
    const points = [
      ...seen.wanted.slice(0, rare).filter(() => chance.hit(0.85)),
      ...seen.sated.filter(() => chance.hit(0.05)),
    ];
    // Most places are come by once for each file, commits many times.
    const nth = (point: string): string => (chance.hit(0.25) ? `${point}:${2 + chance.below(3)}` : point);
    if (points.length > 0) return { at: 'points', points: points.map(nth) };
  }
  switch (chance.below(5)) {
    case 0:
      return { at: 'ledger', n: 1 + chance.below(40), delayMs };
    case 1:
    case 2:
      return { at: 'request', n: 1 + chance.below(14), delayMs };
    case 3:
      return { at: 'folder', folder: chance.pick(FOLDERS), n: 1 + chance.below(4), delayMs: delayMs / 3 };
    default:
      return { at: 'time', ms: seen.openMs * 0.9 + chance.next() * 900 };
  }
}

export function tellKill(kill: Kill | undefined): string {
  if (!kill) return 'lives';
  switch (kill.at) {
    case 'points':
      return kill.points.length > 3 ? `at one of ${kill.points.length} places` : `at ${kill.points.join(', ')}`;
    case 'folder':
      return `at change ${kill.n} of ${kill.folder} + ${Math.round(kill.delayMs)} ms`;
    case 'call':
      return `${kill.harm} at ${kill.call} ${kill.nth}`;
    case 'time':
      return `after ${Math.round(kill.ms)} ms`;
    default:
      return `at ${kill.at} ${kill.n} + ${Math.round(kill.delayMs)} ms`;
  }
}
