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

const DONE: ApplyEnd = { kind: 'done' };

/**
 * Sends changes chunk by chunk: what an earlier try left open first, as it was, then those of `changes`. A chunk is in the ledger before
 * it leaves, and so is its answer before the next one does, so that a member's opposite change never leaves while this one is open.
 */
export async function applyChanges(
  ctx: SyncContext,
  sync: { id: number; segmentId: number },
  target: MembershipTarget,
  changes: Iterable<MembershipChanges>,
  giveUp: boolean,
): Promise<ApplyEnd> {
  const book = openChunks(ctx.ledger, sync.segmentId);
  for (const chunk of book.open()) {
    const end = await bring(ctx, book, target, chunk, giveUp);
    if (end.kind !== 'done') return end;
  }
  for (const each of changes) {
    const chunk = book.claim(sync.id, { add: [...each.add], remove: [...each.remove] }, ctx.io.now());
    ctx.reached('chunk-claimed');
    const end = await bring(ctx, book, target, chunk, giveUp);
    if (end.kind !== 'done') return end;
  }
  return DONE;
}

/** Sends a chunk until each of its changes has an answer, or patience is over. */
async function bring(
  ctx: SyncContext,
  book: ChunkBook,
  target: MembershipTarget,
  chunk: Chunk,
  giveUp: boolean,
): Promise<ApplyEnd> {
  let left: Pick<Chunk, 'add' | 'remove'> = chunk;
  for (let attempt = 1; ; attempt++) {
    ctx.signal.throwIfAborted();
    const answers = await target.apply(left, ctx.signal);
    ctx.reached('chunk-answered');
    const last = attempt >= ctx.maxAttempts;
    const read = readAnswers(ctx, left, answers, last && giveUp);
    book.settle(chunk.id, read.end);
    ctx.reached('chunk-settled');
    ctx.applied(read.end.added.length + read.end.removed.length + read.end.refused.length);
    const { rest } = read.end;
    if (!rest) return DONE;
    const why = read.why ?? { code: 'NO_ANSWER', reason: 'the target gave no answer' };
    if (read.halted) return { kind: 'halted', ...read.halted };
    if (last) return { kind: 'open', ...why };
    left = rest;
    await ctx.io.sleep(Math.max(read.afterMs, ctx.backoffMs(attempt)), ctx.signal);
  }
}

interface Read {
  end: ChunkEnd;
  afterMs: number;
  halted?: { code: string; reason: string };
  why?: { code: string; reason: string };
}

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
        // Whom the target does not know it does not have: to be removed is what it is.
        if (to === 'remove') removed.push([partOf(member), member]);
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
