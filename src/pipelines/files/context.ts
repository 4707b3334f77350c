import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Health } from '../../delivery/health.ts';
import type { Definition } from '../../jobs/definition.ts';
import type { Job } from '../../jobs/schema.ts';
import type { Delivery } from '../../ledger/deliveries.ts';
import type { Ledger } from '../../ledger/open.ts';
import type { Processing } from '../../ledger/processings.ts';
import type { DestinationIdentity, EventRecord, Io, Lane, Remote, RowLane, Sender } from '../../model.ts';
import type { PgpKeys } from '../../parsing/pgp-keys.ts';
import type { LoginWatch } from '../../remotes/login-watch.ts';
import type { Carriers } from './by-file/carrier.ts';
import type { RowCourse } from './course.ts';

/** What a long step tells while it goes on. */
export interface Progress {
  file: string;
  phase: 'waiting' | 'downloading' | 'checking' | 'sending' | 'writing results';
  done: number;
  /** 0: not known. */
  total: number;
  unit: 'bytes' | 'rows' | 'seconds';
}

/**
 * What of a file a run may send, where a person asked for some files only: whatever is due, nothing (its results are only
 * written anew), or the rows that an earlier pass left and that the function says yes to.
 */
export type Concern = 'all' | 'none' | ((prior: Delivery) => boolean);

/** Where the rows of a job go. */
export interface RowDestination {
  identity: DestinationIdentity;
  /** The lane for a file of this many rows. */
  laneFor(rows: number): Lane;
  /** A lane on which each row is a request of its own. */
  open(lane: RowLane, options: OpenOptions): RowSender;
  /** A row that is sent again is found there, and done no second time, for all that anybody can tell. */
  repeatable?: boolean;
  /** Takes over what results say that rows got, of which the ledger knows nothing. `at`: milliseconds since 1970. */
  recover?(rows: readonly { event: EventRecord; eventId: string; at: number }[]): void;
}

export interface OpenOptions {
  /** Reads the token again from where it is kept. */
  refreshToken: () => string | undefined;
  /** How many rows there are to send, or fewer. */
  rows: number;
  /** Named places where a test may let the process die. */
  crashPoint: (name: string) => void;
}

export interface RowSender extends Sender {
  /** Rows wait in the sender for their turn, so the time to an answer says nothing about the destination's load. */
  readonly paced: boolean;
  /** The most rows that are of use at once; absent: as the job says. */
  readonly concurrency?: { start: number; max: number };
}

/** Everything a run of one job needs. */
export interface RunContext {
  run: number;
  job: Job;
  ledger: Ledger;
  io: Io;
  /** Stops the run at the next safe place. */
  signal: AbortSignal;
  /** Given while the run goes on for long: it makes room at the next safe place, and the next run goes on. */
  pause?: AbortSignal;
  /** How long to wait for answers on the wire once stopped. */
  drainMs: number;
  staging: string;
  remote: Remote;
  /** For files that come encrypted. */
  keys: PgpKeys | undefined;
  destination: RowDestination;
  destinationId: number;
  /** How whole files go, where that is not as events do. */
  carriers?: Carriers;
  /** Called once the contents of the next file are staged. */
  staged?: () => Promise<void>;
  /** How rows leave, where each is no delivery of its own. */
  course?: RowCourse;
  /** How the destination answers, over all files of the run. */
  health: Health;
  /** Reads the destination's token again from where it is kept. */
  refreshToken: () => string | undefined;
  /** What is known of refused logins, here and on the lanes. */
  logins: LoginWatch;
  progress: (progress: Progress) => void;
  /** The processings that a person asked for, by id; absent: all. */
  only?: ReadonlyMap<number, Concern>;
  /** Named places where a test may let the process die. */
  crashPoint: (name: string) => void;
}

/** A processing with the definition it was opened under, and where it keeps its files. */
export interface FilePass {
  processing: Processing;
  definition: Definition;
  /** The processing whose staged file, index and deliveries count: itself, or the first one of the same contents. */
  root: Processing;
  paths: StagedPaths;
}

export interface StagedPaths {
  folder: string;
  input: string;
  index: string;
  reasons: string;
  seal: string;
  manifest: string;
}

export function stagedPaths(staging: string, processingId: number): StagedPaths {
  const folder = join(staging, `p${processingId}`);
  return {
    folder,
    input: join(folder, 'input'),
    index: join(folder, 'index'),
    reasons: join(folder, 'reasons'),
    seal: join(folder, 'seal.json'),
    manifest: join(folder, 'manifest'),
  };
}

/** A hash that only this ledger can make: what it keeps cannot be guessed back. Hex digits. */
export function keyedHash(ledger: Pick<Ledger, 'hashKey'>): (text: string) => string {
  const key = ledger.hashKey.toString('hex');
  // Half of the digest is kept, so the prefix cannot be extended, and one call is a quarter of an HMAC's cost.
  return (text) => hash('sha256', key + text, 'hex').slice(0, 32);
}
