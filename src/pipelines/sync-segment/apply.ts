import type { MembershipChanges, MembershipTarget } from '../../destinations/membership.ts';
import { type Chunk, type ChunkEnd, openChunks } from '../../ledger/segment-chunks.ts';
import type { PlacedMember } from '../../ledger/segment-members.ts';
import type { Answer } from '../../model.ts';
import { partOf } from '../../segments/spool.ts';
import type { SyncContext } from './sync.ts';

/** How the changes of a sync ended. `open`: some have no answer yet, and a later run goes on. */
export type ApplyEnd =
  | { kind: 'done' }
  | { kind: 'open'; code: string; reason: string }
  | { kind: 'halted'; code: string; reason: string };

export interface ApplyRules {
  /** What failed for now has failed for long enough. */
  giveUp: boolean;
  /** Whether an id is to be a member once every change is made. */
  stays: (id: string) => boolean;
}

const DONE: ApplyEnd = { kind: 'done' };

/** So many chunks share a commit: claimed together, and recorded together. */
const GROUP = 4;

/**
 * Sends changes chunk by chunk: what an earlier try left open first, as it was, then those of `changes`. A chunk is in the ledger before
 * it leaves, and its answers before the sync ends; no member is in two of them, so that a member's opposite change never leaves while
 * this one is open. While a group is on its way, the ledger takes down the answers to the group before, and the claims of the next.
 */
export async function applyChanges(
  ctx: SyncContext,
  sync: { id: number; segmentId: number },
  target: MembershipTarget,
  changes: Iterable<MembershipChanges>,
  how: ApplyRules,
): Promise<ApplyEnd> {
  const book = openChunks(ctx.ledger, sync.segmentId);
  for (const group of inGroups(book.open())) {
    const flight = await send(ctx, target, group, how);
    book.commit(sync.id, flight.ends, [], ctx.io.now());
    const end = endOf(ctx, flight);
    if (end.kind !== 'done') return end;
  }
  const groups = inGroups(changes);
  const take = (): MembershipChanges[] => {
    const { value, done } = groups.next();
    return done ? [] : value;
  };
  let group = book.commit(sync.id, [], take(), ctx.io.now());
  let ends: Flight['ends'] = [];
  while (group.length > 0) {
    ctx.crashPoint('chunk-claimed');
    const onItsWay = send(ctx, target, group, how);
    // Its requests are written before the ledger is.
    await new Promise((resolve) => setImmediate(resolve));
    const next = commitMeanwhile(() => book.commit(sync.id, ends, take(), ctx.io.now()), onItsWay);
    const flight = await onItsWay;
    ctx.crashPoint('chunk-answered');
    ends = flight.ends;
    const end = endOf(ctx, flight);
    group = next;
    if (end.kind === 'done' && group.length > 0) continue;
    book.commit(sync.id, ends, [], ctx.io.now());
    ctx.crashPoint('chunk-settled');
    if (end.kind !== 'done') return end;
  }
  return DONE;
}

/** Where the ledger fails while something is on its way, that is nobody's to wait for any more. */
function commitMeanwhile<T>(commit: () => T, onItsWay: Promise<unknown>): T {
  try {
    return commit();
  } catch (error) {
    onItsWay.catch(() => {});
    throw error;
  }
}

function* inGroups<T>(items: Iterable<T>): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

interface Flight {
  ends: { chunk: number; end: ChunkEnd }[];
  /** Why some changes have no answer. */
  stop?: Exclude<ApplyEnd, { kind: 'done' }>;
  /** What the target threw: the run is stopped. What has answers is recorded all the same. */
  thrown?: unknown;
}

function endOf(ctx: SyncContext, { ends, stop, thrown }: Flight): ApplyEnd {
  for (const { end } of ends) ctx.applied(end.added.length + end.removed.length + end.refused.length);
  if (thrown !== undefined) throw thrown;
  return stop ?? DONE;
}

/** Sends the chunks of a group, as many at once as the target takes. */
async function send(
  ctx: SyncContext,
  target: MembershipTarget,
  group: readonly Chunk[],
  how: ApplyRules,
): Promise<Flight> {
  const flight: Flight = { ends: [] };
  const waiting = [...group];
  const sendOn = async (): Promise<void> => {
    for (let chunk = waiting.shift(); chunk; chunk = waiting.shift()) {
      if (flight.stop || flight.thrown !== undefined) return;
      const { end, stop } = await bring(ctx, target, chunk, how);
      flight.ends.push({ chunk: chunk.id, end });
      if (stop) flight.stop ??= stop;
    }
  };
  await Promise.all(
    Array.from({ length: target.concurrency ?? 1 }, () =>
      sendOn().catch((error: unknown) => {
        flight.thrown ??= error ?? new Error('the target threw nothing');
      }),
    ),
  );
  return flight;
}

/** Sends a chunk until each of its changes has an answer, or patience is over. */
async function bring(
  ctx: SyncContext,
  target: MembershipTarget,
  chunk: Chunk,
  { giveUp, stays }: ApplyRules,
): Promise<{ end: ChunkEnd; stop?: Exclude<ApplyEnd, { kind: 'done' }> }> {
  let left: Pick<Chunk, 'add' | 'remove'> = chunk;
  const done: Pick<ChunkEnd, 'added' | 'removed' | 'refused'> = { added: [], removed: [], refused: [] };
  for (let attempt = 1; ; attempt++) {
    ctx.signal.throwIfAborted();
    const answers = await target.apply(left, ctx.signal, stays);
    const last = attempt >= ctx.maxAttempts;
    const { end, why, halted, afterMs } = readAnswers(ctx, left, answers, last && giveUp);
    done.added = [...done.added, ...end.added];
    done.removed = [...done.removed, ...end.removed];
    done.refused = [...done.refused, ...end.refused];
    const { rest } = end;
    if (!rest) return { end: done };
    const stopped = { ...done, rest };
    if (halted) return { end: stopped, stop: { kind: 'halted', code: halted.code, reason: halted.reason } };
    const { code, reason } = why ?? { code: 'NO_ANSWER', reason: 'the target gave no answer' };
    if (last) return { end: stopped, stop: { kind: 'open', code, reason } };
    left = rest;
    await ctx.io.sleep(Math.max(afterMs, ctx.backoffMs(attempt)), ctx.signal);
  }
}

interface Read {
  end: ChunkEnd;
  afterMs: number;
  halted?: { code: string; reason: string };
  why?: { code: string; reason: string };
}

/**
 * Whom the target does not know it does not have: to be removed is what it is. Any other no says nothing of the kind; who is to go
 * stays confirmed, and is asked for again by the next snapshot.
 */
const NOT_THERE = /^(?:MEMBER_UNKNOWN|MEMBER_UNWRITABLE|notFound|forgotten|invalid(?:Emails|UserIds)$)/;

/** Says of each change what the ledger is to know. `giveUp`: what failed for now has failed for long enough. */
function readAnswers(
  ctx: SyncContext,
  { add, remove }: Pick<Chunk, 'add' | 'remove'>,
  answers: { add: readonly Answer[]; remove: readonly Answer[] },
  giveUp: boolean,
): Read {
  const added: PlacedMember[] = [];
  const removed: PlacedMember[] = [];
  const refused: { keyHash: string; code: string; reason: string }[] = [];
  const rest: { add: string[]; remove: string[] } = { add: [], remove: [] };
  const read: Read = { end: { added, removed, refused }, afterMs: 0 };

  const refuse = (member: string, { code, reason }: { code: string; reason: string }): void => {
    refused.push({ keyHash: ctx.hash(member), code, reason });
  };
  const judge = (member: string, answer: Answer | undefined, to: 'add' | 'remove'): void => {
    switch (answer?.kind) {
      case 'accepted':
        (to === 'add' ? added : removed).push([partOf(member), member]);
        return;
      case 'rejected':
        if (to === 'remove' && NOT_THERE.test(answer.code)) removed.push([partOf(member), member]);
        else refuse(member, answer);
        return;
      case 'retryable':
        if (giveUp) {
          refuse(member, answer);
          return;
        }
        read.afterMs = Math.max(read.afterMs, answer.afterMs ?? 0);
        read.why = answer;
        break;
      case 'halted':
        read.halted ??= answer;
        break;
      case 'unknown':
        read.why = answer;
        break;
      case undefined:
        break;
    }
    rest[to].push(member);
  };
  for (const [i, member] of add.entries()) judge(member, answers.add[i], 'add');
  for (const [i, member] of remove.entries()) judge(member, answers.remove[i], 'remove');
  if (rest.add.length + rest.remove.length > 0) read.end.rest = rest;
  return read;
}
