import { requestsWritten } from '../../delivery/written.ts';
import type { MembershipChanges, MembershipTarget } from '../../destinations/membership.ts';
import {
  type Chunk,
  type ChunkBook,
  type ChunkEnd,
  type Failing,
  openChunks,
  type Part,
} from '../../ledger/segment-chunks.ts';
import { inHalves, type Lone, type Why } from './in-halves.ts';
import { placed, type Read, readAnswers } from './read-answers.ts';
import type { SyncContext } from './sync.ts';

/** How the changes of a sync ended. `open`: some have no answer yet, and a later run goes on. */
export type ApplyEnd =
  | { kind: 'done' }
  | { kind: 'open'; code: string; reason: string }
  | { kind: 'halted'; code: string; reason: string };

export interface ApplyRules {
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
  const open = book.open();
  const giveUp = open.some(({ failing }) => failing && msSince(failing, ctx.io.now()) > ctx.failedMaxAge);
  const flow = { ctx, sync: sync.id, book, target, how: { ...how, giveUp } };
  const refused = new Set<string>();
  const earlier = await sendAll(flow, open, [], refused);
  if (earlier.kind !== 'done') return earlier;
  return await sendAll(flow, [], refused.size === 0 ? changes : others(changes, refused));
}

/** Who was just refused is among the differences still, and is not asked for twice. */
function* others(changes: Iterable<MembershipChanges>, refused: ReadonlySet<string>): Generator<MembershipChanges> {
  const isOther = (member: string): boolean => !refused.has(member);
  for (const chunk of changes) {
    const [add, remove] = [chunk.add.filter(isOther), chunk.remove.filter(isOther)];
    if (add.length + remove.length > 0) yield { add, remove };
  }
}

interface Flow {
  ctx: SyncContext;
  sync: number;
  book: ChunkBook;
  target: MembershipTarget;
  how: ApplyRules & GiveUp;
}

interface GiveUp {
  /** What failed for now has failed for long enough. */
  giveUp: boolean;
}

/** Two tries say nothing of a longer time between them: nobody was there to try. */
const MOST_MS = 86_400_000;

const msSince = ({ ms, at }: Failing, now: number): number => ms + Math.min(Math.max(0, now - at), MOST_MS);

/** Sends claimed chunks, and those of `changes` once they are, as many at once as the target takes. `refused`: gets those that are. */
async function sendAll(
  { ctx, sync, book, target, how }: Flow,
  claimed: readonly Chunk[],
  changes: Iterable<MembershipChanges>,
  refused?: Set<string>,
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
    await requestsWritten();
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
        if (refused) for (const { member } of end.refused) refused.add(member);
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
  // These never left, so that a process that dies later need not doubt them.
  for (const { id, ...rest } of waiting) ends.push({ chunk: id, end: { ...NOTHING, rest } });
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

const NOTHING: ChunkEnd = { added: [], removed: [], refused: [] };

/** Sends a chunk until each of its changes has an answer, or patience is over. */
async function bring(
  ctx: SyncContext,
  target: MembershipTarget,
  chunk: Chunk,
  { giveUp, stays }: ApplyRules & GiveUp,
): Promise<{ end: ChunkEnd; stop?: Exclude<ApplyEnd, { kind: 'done' }> }> {
  let done = NOTHING;
  let { doubt } = chunk;
  /** What has no answer afterwards; a yes or a no is taken down. */
  const send = async (part: Part): Promise<Read> => {
    ctx.signal.throwIfAborted();
    const read = readAnswers(ctx, part, await target.apply(part, ctx.signal, stays), doubt);
    done = together(done, read.end);
    doubt ||= read.unclear;
    return read;
  };
  const open = (rest: Part, failing: Failing | undefined): ChunkEnd => ({
    ...done,
    rest: { ...rest, doubt, ...(failing && { failing }) },
  });
  const halt = (rest: Part, { code, reason }: Why): Awaited<ReturnType<typeof bring>> => ({
    end: open(rest, chunk.failing),
    stop: { kind: 'halted', code, reason },
  });
  const failing = (): Failing => {
    const at = ctx.io.now();
    return { ms: chunk.failing ? msSince(chunk.failing, at) : 0, at };
  };

  let left: Part = chunk;
  for (let attempt = 1; ; attempt++) {
    const { rest, why, halted, unclear, afterMs } = await send(left);
    if (!rest) return { end: done };
    if (halted) return halt(rest, halted);
    left = rest;
    if (attempt < ctx.maxAttempts) {
      await ctx.io.sleep(Math.max(afterMs, ctx.backoffMs(attempt)), ctx.signal);
      continue;
    }
    const stop = { kind: 'open', ...why } as const;
    if (!giveUp) return { end: open(left, failing()), stop };
    // Who surely was not taken is no more to blame than another. Of what is unclear it is found out who is.
    const alone = unclear ? await inHalves(left, why, send) : { lone: eachOf(left, why) };
    done = together(done, givenUp(ctx, alone.lone, doubt));
    if (!alone.left) return { end: done };
    return alone.halted ? halt(alone.left, alone.halted) : { end: open(alone.left, failing()), stop };
  }
}

function together(one: ChunkEnd, other: ChunkEnd): ChunkEnd {
  return {
    added: [...one.added, ...other.added],
    removed: [...one.removed, ...other.removed],
    refused: [...one.refused, ...other.refused],
    doubted: [...(one.doubted ?? []), ...(other.doubted ?? [])],
  };
}

/** Of whom nobody knows whether the change was made, the next sync asks again, whatever is confirmed. */
function givenUp(ctx: SyncContext, lone: readonly Lone[], doubt: boolean): ChunkEnd {
  const inDoubt = ({ code, reason }: Why): Why => ({
    code: 'MEMBER_IN_DOUBT',
    reason: `the change may have been made or not, and is not tried any longer: ${code}, ${reason}`,
  });
  return {
    ...NOTHING,
    refused: lone.map(({ member, why }) => ({ member, keyHash: ctx.hash(member), ...(doubt ? inDoubt(why) : why) })),
    doubted: doubt ? lone.map(({ member }) => placed(member)) : [],
  };
}

const eachOf = ({ add, remove }: Part, why: Why): Lone[] => [
  ...add.map((member): Lone => ({ to: 'add', member, why })),
  ...remove.map((member): Lone => ({ to: 'remove', member, why })),
];
