import type { Answer } from '../model.ts';

/** What a target knows its members by. Fixed at the first sync: ids of another kind are other members. */
export type MemberIdKind = 'email' | 'userId' | 'alias';

/** A segment as a target is to have it. */
export interface Segment {
  /** Ours; it never changes. 1 to 128 letters, digits, dots, dashes, underscores. */
  id: string;
  /** What people call it. The target has it as its name, and gets a new one where it changes. */
  name: string;
  /** When it was first synced, milliseconds since 1970. */
  since: number;
  /** What `prepare` gave at the sync before, and the name that the target has since then. */
  earlier?: { targetId: string; name: string };
}

/** Members to be added and removed; none occurs twice, nor in both. */
export interface MembershipChanges {
  add: readonly string[];
  remove: readonly string[];
}

/** A member as a provider gives it out: the id, or, where it knows the member by several, all of them, the usual one first. */
export type MemberThere = string | readonly string[];

/** add[i] is of changes.add[i], remove[i] of changes.remove[i]. */
export interface MembershipAnswers {
  add: Answer[];
  remove: Answer[];
}

export interface PreparedTarget {
  /** The provider's id of the list, cohort or audience; the name of the attribute. */
  targetId: string;
  /** How many members it has, at the first sync at least; `undefined` where that cannot be read. */
  members?: number;
  /** There are more than `members`. */
  more?: boolean;
}

/**
 * An opened way to one segment's members at a provider. Membership is set, not counted: adding a member again and removing one that is
 * none does no harm, so what got no clear answer is `unknown`, and the caller sends it again, before it ever sends the opposite.
 */
export interface MembershipTarget {
  /** Adds and removes together that `apply` takes at once. */
  readonly maxBatchSize: number;
  /** Calls to `apply` that may be under way at once, of different members. Absent: one. */
  readonly concurrency?: number;
  /** Milliseconds after a sync in which calls may overtake those before them, so that none of an opposite change may leave. Absent: none. */
  readonly quietMs?: number;
  /** With the segment's id: whose membership this is. The URL and the credential may change without changing it. */
  readonly identity: Readonly<{ provider: string; account: string; target: string }>;
  readonly idKind: MemberIdKind;
  /**
   * Finds the segment's list, cohort or audience, makes it where there is none, and gives it the segment's name. To be called before
   * anything else, at each sync; doing so again does no harm. Throws `TransferError` (`retryable` says whether to come back), and the
   * signal's reason.
   */
  prepare(segment: Segment, signal: AbortSignal): Promise<PreparedTarget>;
  /**
   * Makes 1 to maxBatchSize changes, at the pace that the provider allows; waits where it is busy. Accepted: the provider took the change,
   * or it was so before. Rejected: it can never take this id, or knows nobody by it. One whose call was refused because of others is
   * asked for alone. `stays`: whether an id is to be a member once every change is made, so that nobody whom the provider knows by two
   * ids goes because one of them does; absent, those of `add`. Throws only the signal's reason.
   */
  apply(changes: MembershipChanges, signal: AbortSignal, stays?: (id: string) => boolean): Promise<MembershipAnswers>;
  /**
   * The members that the provider has, in pages, in no order; absent where they cannot be read. What changed within the last minutes
   * may not show. Members without an id of `idKind` are left out. Throws `TransferError`, and the signal's reason.
   */
  members?(signal: AbortSignal): AsyncIterable<readonly MemberThere[]>;
  /**
   * Shows all members once every change of a sync has its answer; for targets that are files. Doing so again does no harm. Throws
   * `TransferError`, and the signal's reason.
   */
  publish?(members: Iterable<readonly string[]>, signal: AbortSignal): Promise<void>;
  /** Cuts what is on the wire. */
  close(): Promise<void>;
}

/** A worked sync: a test runs each against the provider's own code, so that the examples stay true. */
export interface MembershipExchange {
  title: string;
  settings: unknown;
  segment: Segment;
  changes: MembershipChanges;
  /** In order, those of `prepare` first. Header names as they are sent; replies have theirs in lower case. */
  calls: {
    request: { method: string; url: string; headers: Record<string, string>; body: unknown };
    reply: { status: number; headers: Record<string, string>; body: string };
  }[];
  prepared: PreparedTarget;
  answers: MembershipAnswers;
}
