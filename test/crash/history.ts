import type { Facts } from './facts.ts';
import type { Life } from './life.ts';
import type { InputFile, Verdict } from './oracle.ts';
import type { CrashWorld } from './world.ts';

/** What is wrong, by what it costs. `other`: a promise that is not about rows. */
export type Kind = 'lost' | 'doubled' | 'phantom' | 'unbalanced' | 'other';

export interface Violation {
  kind: Kind;
  /** I1 to I9, as in the list of invariants; H: the harness itself. */
  invariant: string;
  what: string;
}

/** A file as the product got it. */
export interface Dropped {
  job: string;
  /** Its name at the partner's, and what it says once unpacked. */
  name: string;
  file: InputFile;
  /** Its results say nothing of the input: it came encrypted. */
  sealed: boolean;
  /** What its results begin with: the name without what says how it is packed. */
  resultsBase: string;
}

/** What a scenario allows that others do not. */
export interface Rules {
  /** Rows are requests of their own; or travel in files, of which none may come twice; or lie in files for a person to upload; or are people who get something, each once. */
  by: 'row' | 'file' | 'hand' | 'person';
  /** Rows of unknown fate are sent again; else they are held until the scenario has released them. */
  resends: boolean;
  eventName: string;
  now: number;
  /** Jobs that may send at the same time: each has a window of its own. */
  jobs: number;
  /** Rows of a person arrive in order. Not where a person decides about rows in between. */
  ordered: boolean;
  /** Files come from a server that may fail to give one of them. */
  fetched: boolean;
  /** An older ledger is put back, which knows nothing of what was being published meanwhile. */
  restored: boolean;
}

/** Everything that was seen over all lives of one ledger. */
export interface History {
  world: CrashWorld;
  rules: Rules;
  /** In the order in which they are worked on. */
  files: Dropped[];
  verdicts: Verdict[];
  /** Keys that a person released, and how often: each time, one more may be sent than the ledger alone would have. */
  released: Map<string, number>;
  lives: Life[];
  /** After each life: what was found on disk. */
  looks: Facts[];
  /** Deaths after the ledger was open, and before. */
  kills: number;
  startupKills: number;
  points: Map<string, number>;
  violations: Violation[];
}

export function startHistory(world: CrashWorld, rules: Rules): History {
  return {
    world,
    rules,
    files: [],
    verdicts: [],
    released: new Map(),
    lives: [],
    looks: [],
    kills: 0,
    startupKills: 0,
    points: new Map(),
    violations: [],
  };
}

/** At most so many of one kind are told. */
const MOST_TOLD = 8;

export function complain(history: History, kind: Kind, invariant: string, what: string): void {
  const same = history.violations.filter((each) => each.invariant === invariant && each.kind === kind).length;
  if (same < MOST_TOLD) history.violations.push({ kind, invariant, what });
}
