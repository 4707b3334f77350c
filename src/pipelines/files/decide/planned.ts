import type { DecidedRow } from '../../../ledger/decisions.ts';
import type { Ledger } from '../../../ledger/open.ts';
import type { Concern, RunContext } from '../context.ts';

/** What a person asks for. It travels as JSON. */
export interface DecisionRequest {
  verb: 'release' | 'reject' | 'resolve' | 'retry-rows' | 'reprocess' | 'confirm';
  job: string;
  /** Absent: all files of the job. */
  processingId?: number;
  line?: number;
  /** A held export, instead of rows and files. */
  exportId?: number;
  code?: string;
  key?: string;
  /** Milliseconds since 1970. */
  since?: number;
  /** A file of this machine that the decision rests upon. */
  path?: string;
  reason: string;
  by: string;
  host: string;
  /** The number of rows that the person saw and agreed to. */
  expect: number;
}

/** What releasing a file of members would change of one segment; `superseded`: a newer snapshot was synced, so nothing. */
export interface SegmentChange {
  segment: string;
  /** Confirmed members. */
  before: number;
  toAdd: number;
  toRemove: number;
  superseded: boolean;
}

/** What a decision would do to one file. */
export interface PlannedFile {
  processing: number;
  /** `e12` where it is an export of share links, `push crm` where it is profiles of a push, and no file. */
  export?: string;
  name: string;
  rows: number;
  /** Why its rows wait, in words. */
  because: string;
  /** Of a held file of members, as far as it can be said beforehand. */
  changes?: SegmentChange[];
}

/** What a decision would do, found by reading only. */
export interface Planned {
  /** Rows that would leave, or be rejected: the number that is shown, agreed to, and acted on. */
  rows: number;
  files: PlannedFile[];
  /** Why there is nothing to do, where that needs a word. */
  nothing?: string;
  /** There may be something to go on with, though no row of it can be counted yet: a file that was not read so far. */
  goesOn?: boolean;
  /** It is decided about something in which no row may be: an export. */
  decides?: true;
  /** What the decision is about, for `explain`. `apply` may add to it. */
  about: DecidedRow[];
  /** Carries it out, inside the caller's transaction. Returns what the run that follows is to go on with; absent: all of the job. */
  apply(now: number): ReadonlyMap<number, Concern> | undefined;
  /** What takes longer than a transaction, done at the start of the run that follows. Repeating it is harmless. */
  first?(ctx: RunContext): Promise<void>;
}

/** Where the plan looks: the ledger, to read or to write, and the staged files. */
export interface PlanContext {
  ledger: Ledger;
  /** Folder of the staged files. */
  staging: string;
}
