import type { Answer, EventRecord, Io, Sender } from '../model.ts';
import type { Concurrency } from './concurrency.ts';
import type { Health } from './health.ts';
import type { NextState, RetryRules } from './next-state.ts';

/** A row that waits for its turn. `T` is whatever the caller needs to find it again in its ledger. */
export interface WindowRow<T> {
  event: EventRecord;
  /** Rows with the same one go one after the other, in the order in which they come; empty: no order. */
  orderKey: string;
  item: T;
  /** An earlier try may have been accepted. */
  doubtful?: boolean;
}

/** The end of an attempt, as it goes to the ledger. */
export interface Ended<T> {
  item: T;
  id: number;
  attempt: number;
  state: NextState;
  answer: Answer;
  code: string;
  reason: string;
}

/** `claimed`: may be sent under that attempt. `not-sent`: the ledger says that it must not leave; the caller keeps account. */
export type Granted = { kind: 'claimed'; id: number; attempt: number; attemptId: string } | { kind: 'not-sent' };

/** The ledger, as the window sees it. */
export interface WindowLedger<T> {
  /** One transaction: records what ended, then claims. granted[i] belongs to claims[i]. On disk when it returns. */
  commit(ended: readonly Ended<T>[], claims: readonly { item: T; id?: number }[]): readonly Granted[];
  /** Throws where what was claimed some time ago may not be sent any more: another process took the ledger over. */
  mustHold(): void;
  /** A row that waits behind a failed one and will not be tried in this run. */
  blocked(item: T): void;
}

export interface WindowOptions<T> {
  sender: Sender;
  ledger: WindowLedger<T>;
  /** Most rows that are claimed and not yet recorded. */
  window: number;
  rules: (event: EventRecord) => RetryRules;
  concurrency: Concurrency;
  /** Of the destination, for the whole run. */
  health: Health;
  /** Rows wait inside the sender for their turn: the time to an answer says nothing about the destination. */
  paced?: boolean;
  /** Milliseconds to wait before the n-th try (from 1) of a row. */
  backoffMs: (n: number) => number;
  /** Milliseconds from an answer for a row to the request for the next one of its order key. */
  restMs: number;
  /** Order keys behind which rows of this pass must wait. */
  blockedOrders: ReadonlySet<string>;
  /** Stops taking work; what is on the wire is waited for, up to `drainMs`. */
  signal: AbortSignal;
  drainMs: number;
  io: Io;
  onProgress?: (done: number) => void;
  meter?: { answered(ms: number): void } | undefined;
}

export interface WindowEnd {
  halted?: { code: string; reason: string };
  interrupted: boolean;
}
