import type { MembershipChanges, MembershipTarget } from '../../destinations/membership.ts';
import { type Chunk, type ChunkBook, type ChunkEnd, openChunks } from '../../ledger/segment-chunks.ts';
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

/** So many chunks share a commit: claimed together, and recorded together. */
const GROUP = 8;

/**
 * Sends changes chunk by chunk: what an earlier try left open first, as it was, then those of `changes`. A chunk is in the ledger before
 * it leaves, and its answers before the sync ends; no member is in two of them, so that a member's opposite change never leaves while
 * this one is open. The last chunks that are claimed are on their way while the ledger takes down what was answered, and claims the next.
 */
export async function applyChanges(
  ctx: SyncContext,
  sync: { id: number; segmentId: number },
  target: MembershipTarget,
  changes: Iterable<MembershipChanges>,
  how: ApplyRules,
): Promise<ApplyEnd> {
  const book = openChunks(ctx.ledger, sync.segmentId);
  const flow = { ctx, sync: sync.id, book, target, how };
  const earlier = await sendAll(flow, book.open(), []);
  return earlier.kind === 'done' ? await sendAll(flow, [], changes) : earlier;
}

interface Flow {
  ctx: SyncContext;
  sync: number;
  book: ChunkBook;
  target: MembershipTarget;
  how: ApplyRules;
}

/** Sends claimed chunks, and those of `changes` once they are, as many at once as the target takes. */
async function sendAll(
  { ctx, sync, book, target, how }: Flow,
  claimed: readonly Chunk[],
  changes: Iterable<MembershipChanges>,
): Promise<ApplyEnd> {
  const waiting = [...claimed];
  const groups = inGroups(changes);
  const broken = new AbortController();
  const sending = { ...ctx, signal: AbortSignal.any([ctx.signal, broken.signal]) };
  let ends: { chunk: number; end: ChunkEnd }[] = [];
  let over = false;
  let claiming: Promise<void> | undefined;
  let stop: Exclude<ApplyEnd, { kind: 'done' }> | undefined;
  let thrown: { error: unknown } | undefined;

  const commit = (claims: readonly MembershipChanges[]): void => {
    const settled = ends;
    ends = [];
    waiting.push(...book.commit(sync, settled, claims, ctx.io.now()));
    if (claims.length > 0) ctx.crashPoint('chunk-claimed');
    if (settled.length > 0) ctx.crashPoint('chunk-settled');
  };
  /** Requests are written before the ledger is. */
  const claimNext = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    try {
      const { value, done } = stop || thrown ? { done: true } : groups.next();
      if (done) over = true;
      else commit(value ?? []);
    } catch (error) {
      // What is on its way is nobody's to wait for any more: the ledger could not take down its answers.
      thrown ??= { error };
      broken.abort(error);
    }
    claiming = undefined;
  };
  const sendOn = async (): Promise<void> => {
    while (!stop && !thrown) {
      const chunk = waiting.shift();
      const onItsWay = chunk && bring(sending, target, chunk, how);
      if (waiting.length === 0 && !over) claiming ??= claimNext();
      if (onItsWay) {
        const { end, stop: why } = await onItsWay;
        ctx.crashPoint('chunk-answered');
        ends.push({ chunk: chunk.id, end });
        ctx.applied(end.added.length + end.removed.length + end.refused.length);
        stop ??= why;
      } else if (claiming) await claiming;
      else return;
    }
  };
  const sender = (): Promise<void> =>
    sendOn().catch((error: unknown) => {
      // The target threw, and only where the run is stopped. What has answers is recorded all the same.
      thrown ??= { error };
    });
  await Promise.all(Array.from({ length: target.concurrency ?? 1 }, sender));
  await claiming;
  if (ends.length > 0 && !broken.signal.aborted) commit([]);
  if (thrown) throw thrown.error;
  return stop ?? { kind: 'done' };
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
