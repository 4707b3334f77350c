/** The nouns of accounts: what a report adds up beside files. Imports the nouns only. */
import type { Counts, Outcome, RefusalDetail } from './model.ts';

/** Totals of one event name in a file. */
export interface EventAccount {
  eventName: string;
  counts: Counts;
  /** Exact decimal totals: currency, then `read`, an outcome or `open`. */
  money: Record<string, Partial<Record<Outcome | 'read' | 'open', string>>>;
  /** ISO 8601, UTC. */
  firstEventTime?: string;
  lastEventTime?: string;
}

export interface ReasonAccount {
  outcome: Outcome;
  code: string;
  count: number;
  /** Lines with a masked reason: at most 5. */
  examples: { line: number; reason: string }[];
}

/** One sync of one segment: before + added - removed = after. */
export interface SegmentAccount {
  segment: string;
  kind: 'snapshot' | 'changes' | 'repair';
  /** superseded: a newer snapshot was synced before this one was released. */
  state: 'held' | 'running' | 'done' | 'superseded';
  /** Confirmed members at the start. */
  before: number;
  /** Members that the segment is to have: whom a snapshot names, or those before with the changes of a file. */
  desired: number;
  added: number;
  removed: number;
  unchanged: number;
  /** Members that the target refused. */
  rejected: number;
  /** Changes that have not left, or have no answer yet. */
  open: number;
  /** Confirmed members at the end. */
  after?: number;
  /** When syncs ended, in ISO 8601, and how many members there were then; oldest first. */
  history: readonly (readonly [at: string, members: number])[];
}

/** A file of share links for a tool's import, or that none was put in place. read = rows + the sum of leftOut. */
export interface ExportAccount {
  job: string;
  /** e12, as commands take it; empty where none was made. */
  export: string;
  target: string;
  format: string;
  kind: 'snapshot' | 'changes';
  /** held: a person has to decide; open: the next run tries again. */
  state: 'published' | 'held' | 'open';
  /** The outbox, or the account of an import; no secret. */
  place: string;
  read: number;
  rows: number;
  /** How many are not in the files, by code. */
  leftOut: Readonly<Record<string, number>>;
  /** Where each file is; of an import, its number. */
  files: readonly string[];
  /** Lines that an import refused, by the tool's code. */
  refused?: Readonly<Record<string, number>>;
  /** Why it is not in place. */
  why?: RefusalDetail;
  balanced: boolean;
}

/** What became of the profiles at one tool: read = outcomes + open. `duplicate`: the tool has it so already, and nothing was sent. */
export interface PushAccount {
  job: string;
  /** u12; empty where it came to none. */
  push: string;
  target: string;
  provider: string;
  account: string;
  state: 'done' | 'open';
  counts: Counts;
  reasons: ReasonAccount[];
  resultsPath?: string;
  /** Why the target stopped, or was not reached; the next run goes on. */
  why?: RefusalDetail;
  balanced: boolean;
  imbalance?: string;
}
