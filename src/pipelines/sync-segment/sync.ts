import type { MembershipChanges, MembershipTarget } from '../../destinations/membership.ts';
import type { Ledger } from '../../ledger/open.ts';
import { forgetRefusals } from '../../ledger/segment-chunks.ts';
import { confirmedMembers, countMembers } from '../../ledger/segment-members.ts';
import { forgetMembers, moveMembers } from '../../ledger/segment-moved.ts';
import { beginAnew, dropRepair, restoredSince } from '../../ledger/segment-restored.ts';
import {
  beginSync,
  endSync,
  heldBefore,
  lastRejected,
  laterSnapshot,
  runningSync,
  type Sync,
  type SyncKind,
  supersede,
  syncOf,
} from '../../ledger/segment-syncs.ts';
import { type KnownSegment, noteTarget } from '../../ledger/segments.ts';
import { type Io, type RefusalDetail, TransferError } from '../../model.ts';
import { type Difference, differenceOf, type Wanted } from '../../segments/difference.ts';
import { PARTS, partOf } from '../../segments/spool.ts';
import { type ApplyEnd, applyChanges } from './apply.ts';
import { imbalanceOf } from './balance.ts';
import { askAgain, doubtAll, readBack, restoredReason } from './doubt.ts';
import { type GuardRules, reasonToHoldSync } from './guards.ts';
import { adoptMembers, goneReason, prepareList } from './list-there.ts';
import { isConfirmed, staysBy } from './who-stays.ts';

/** What a sync needs of the run around it. */
export interface SyncContext {
  ledger: Ledger;
  io: Io;
  signal: AbortSignal;
  /** The hash by which results find a row's key, in hex. */
  hash: (member: string) => string;
  maxAttempts: number;
  backoffMs: (attempt: number) => number;
  /** Milliseconds of trying in vain after which what fails for now is given up. */
  failedMaxAge: number;
  /** Where lists of members may lie for a moment, on this machine; it may have to be made. */
  scratch: string;
  /** Changes that were answered. */
  applied: (changes: number) => void;
  /** Named places where a test may let the process die. */
  crashPoint: (name: string) => void;
}

/** A membership as somebody wants it, part by part; asked for more than once. */
export interface WantedMembers {
  kind: SyncKind;
  listed: number;
  part(number: number): Wanted;
  /** A trailer or a manifest vouches for its being whole. */
  vouched: boolean;
  /** Some are removed since the segment was deleted where it comes from. */
  drained?: boolean;
}

export interface SyncRequest {
  segment: KnownSegment;
  /** What people call it. */
  name: string;
  target: MembershipTarget;
  wanted: WantedMembers;
  processing: number | null;
  /** Whether a file of this name may be about the segment. Absent: any may. */
  mayConcern?: (fileName: string) => boolean;
  rules: GuardRules;
  /** A person has looked. */
  released: boolean;
  /** Why it was held that a person released. */
  releasedFrom?: string;
}

/** `superseded`: a later snapshot has said otherwise since. `undecided`: the file that a person has to decide about first. */
export type SyncEnd =
  | { kind: 'held'; why: RefusalDetail & { hint: string } }
  | { kind: 'superseded' }
  | { kind: 'open' | 'halted'; code: string; reason: string; undecided?: { id: number; name: string } }
  | { kind: 'done'; sync: Sync; imbalance?: string };

type Plan = Parameters<typeof beginSync>[1];

/** What is to be done next: nothing, or to begin, or to go on where a process died. */
export type Judged = { end: SyncEnd } | { plan: Plan; targetId: string } | { running: Sync };

/** Compares what is wanted with what is confirmed, and asks the guards. Nothing of it is sent; what was begun before is ended first. */
export async function judgeSync(ctx: SyncContext, request: SyncRequest): Promise<Judged> {
  const { ledger, io } = ctx;
  const { segment, wanted, processing } = request;
  refuseOtherIds(request);
  const earlier = processing === null ? undefined : syncOf(ledger, processing, segment.id);
  if (earlier?.state === 'done') return { end: endOf(earlier) };
  if (earlier?.state === 'superseded') return { end: { kind: 'superseded' } };
  let running = runningSync(ledger, segment.id);
  const restored = restoredSince(ledger, segment.id);
  if (running && restored && running.startedAt <= restored.restoredAt) {
    if (running.processingId === null) dropRepair(ledger, running, { now: io.now(), partOf });
    else if (running.id === earlier?.id) beginAnew(ledger, running);
    if (running.processingId === null || running.id === earlier?.id) return judgeSync(ctx, request);
  }
  if (running?.processingId === null) {
    if ('gone' in (await prepareList(ctx, request))) dropRepair(ledger, running, { now: io.now(), partOf });
    else {
      const end = await endRepair(ctx, request.target, running);
      if (end.kind !== 'done') return { end };
    }
    running = undefined;
  }
  if (running && running.id !== earlier?.id) return { end: waitsFor(request, running) };
  if (processing !== null && earlier?.state !== 'running' && laterSnapshot(ledger, segment.id, processing)) {
    const { id } = beginSync(ledger, { ...measure(ctx, segment, wanted), processingId: processing }, 'held', io.now());
    supersede(ledger, id, io.now());
    return { end: { kind: 'superseded' } };
  }
  const undecided = earlier?.state === 'running' ? undefined : undecidedBefore(ctx, request);
  if (undecided) {
    const { id, name } = undecided;
    const end = waits(request, `p${id} (${name}), which is held: referry held shows why`);
    return { end: { ...end, undecided: { id, name } } };
  }
  const prepared = await prepareList(ctx, request);
  const another = segment.targetId !== '' && !('gone' in prepared) && segment.targetId !== prepared.targetId;
  // What may be on the wire is for a list that is no more.
  if (earlier?.state === 'running' && ('gone' in prepared || another)) beginAnew(ledger, earlier);
  else if (earlier?.state === 'running') return { running: earlier };
  if ('gone' in prepared) {
    const plan = { ...measure(ctx, segment, wanted), processingId: processing };
    holdSync(ctx, plan);
    return { end: { kind: 'held', why: goneReason(request, plan.before, prepared.gone) } };
  }
  const unread = restored && !(await readBack(ctx, request)) ? restored : undefined;
  if (unread && request.released) doubtAll(ctx, request);
  askAgain(ctx, request);

  if (another && request.released) {
    if (wanted.kind === 'snapshot') forgetMembers(ledger, segment.id);
    else if (countMembers(ledger, segment.id) > 0) return await moveFirst(ctx, request, prepared.targetId);
  }
  const first = segment.syncedAt === null;
  if (first && request.rules.adopt && (prepared.members ?? 0) > 0) await adoptMembers(ctx, request);
  const plan = { ...measure(ctx, segment, wanted), processingId: processing };
  const intent = {
    ...plan,
    segment: request.name,
    refusedBefore: lastRejected(ledger, segment.id),
    vouched: wanted.vouched,
    drained: wanted.drained ?? false,
    first: first && plan.before === 0,
    replaced: another,
    ...(prepared.members === undefined ? {} : { there: prepared.members, more: prepared.more ?? false }),
  };
  const why = request.released
    ? undefined
    : unread
      ? restoredReason(request, unread, plan.before)
      : reasonToHoldSync(intent, request.rules);
  if (!why) return { plan, targetId: prepared.targetId };
  holdSync(ctx, plan);
  return { end: { kind: 'held', why } };
}

/** Changes say nothing of those whom they do not name: these are added to another list before anything else is. */
async function moveFirst(ctx: SyncContext, request: SyncRequest, targetId: string): Promise<Judged> {
  const { ledger, io } = ctx;
  const { segment, target, name } = request;
  moveMembers(ledger, segment.id, { targetId, name }, { most: target.maxBatchSize, parts: PARTS, now: io.now() });
  return await judgeSync(ctx, { ...request, segment: { ...segment, targetId, targetName: name, members: 0 } });
}

/** Writes down that nothing of this leaves until a person has looked. */
function holdSync({ ledger, io }: Pick<SyncContext, 'ledger' | 'io'>, plan: Plan): void {
  beginSync(ledger, plan, 'held', io.now());
}

/** Does what was judged, as far as it goes. */
export async function carryOut(ctx: SyncContext, request: SyncRequest, judged: Judged): Promise<SyncEnd> {
  if ('end' in judged) return judged.end;
  if ('running' in judged) {
    // Whoever was refused is in the differences again.
    forgetRefusals(ctx.ledger, judged.running.id);
    return finish(ctx, request, judged.running);
  }
  noteTarget(ctx.ledger, request.segment.id, judged.targetId, request.name);
  const sync = beginSync(ctx.ledger, judged.plan, 'running', ctx.io.now());
  ctx.crashPoint('sync-begun');
  return finish(ctx, request, sync);
}

/** A repair that was broken off: what may be on the wire is sent once more, to a target that is prepared; the rest is left to the next one. */
export async function endRepair(ctx: SyncContext, target: MembershipTarget, repair: Sync): Promise<ApplyEnd> {
  const end = await applyChanges(ctx, repair, target, [], { stays: isConfirmed(ctx, repair.segmentId) });
  if (end.kind === 'done') endSync(ctx.ledger, repair, ctx.io.now());
  return end;
}

/** What an earlier file began is ended first: its changes may be on the wire. */
function waitsFor(request: SyncRequest, { processingId }: Sync): SyncEnd {
  const file = processingId === null ? 'a repair' : `p${processingId}`;
  return waits(request, `${file}, which is not through yet`);
}

const waits = ({ name }: SyncRequest, what: string): Extract<SyncEnd, { kind: 'open' | 'halted' }> => ({
  kind: 'open',
  code: 'SEGMENT_BUSY',
  reason: `${name} waits for ${what}`,
});

/**
 * The file that changes have to wait for: released after them, it would bring back whom they remove. A snapshot says all there is to
 * say, and what came before it is superseded.
 */
function undecidedBefore({ ledger }: SyncContext, request: SyncRequest): { id: number; name: string } | undefined {
  const { processing, wanted, segment, mayConcern = () => true } = request;
  if (processing === null || wanted.kind !== 'changes') return undefined;
  return heldBefore(ledger, segment.id, processing).find(({ name, compared }) => compared || mayConcern(name));
}

function refuseOtherIds({ segment, target, name }: SyncRequest): void {
  if (segment.idKind === target.idKind) return;
  throw new TransferError(
    'SEGMENT_ID_CHANGED',
    `the members of ${name} were synced by ${segment.idKind}, and the job now says ${target.idKind}: the target would have everybody twice`,
    {
      hint: `set it back to ${segment.idKind} and run the job, so that this file gets through; to change it for good, then give the segment another id and another name under segments in the same edit, so that it gets a new list, and delete the old list at the target`,
    },
  );
}

/** How many would come, go and stay. */
function measure(
  ctx: Pick<SyncContext, 'ledger'>,
  segment: KnownSegment,
  wanted: WantedMembers,
): Pick<Sync, 'segmentId' | 'kind' | 'before' | 'listed' | 'toAdd' | 'toRemove' | 'unchanged'> {
  const sum = { toAdd: 0, toRemove: 0, unchanged: 0 };
  for (const { add, remove, unchanged } of differences(ctx, segment.id, wanted)) {
    sum.toAdd += add.length;
    sum.toRemove += remove.length;
    sum.unchanged += unchanged;
  }
  const before = sum.unchanged + sum.toRemove;
  return { segmentId: segment.id, kind: wanted.kind, listed: wanted.listed, before, ...sum };
}

/** Part by part: what is known of one is asked for when the one before is done with. */
export function* differences(
  { ledger }: Pick<SyncContext, 'ledger'>,
  segment: number,
  wanted: Pick<WantedMembers, 'part'>,
): Generator<Difference> {
  const confirmed = confirmedMembers(ledger, segment);
  for (let part = 0; part < PARTS; part++) yield differenceOf(wanted.part(part), confirmed(part));
}

async function finish(ctx: SyncContext, request: SyncRequest, sync: Sync): Promise<SyncEnd> {
  const { target, wanted } = request;
  const end: ApplyEnd = await applyChanges(
    ctx,
    sync,
    target,
    chunksOf(differences(ctx, sync.segmentId, wanted), target.maxBatchSize),
    { stays: staysBy(ctx, sync.segmentId, wanted) },
  );
  if (end.kind !== 'done') return end;
  await target.publish?.(membersOf(ctx, sync.segmentId), ctx.signal);
  const done = endSync(ctx.ledger, sync, ctx.io.now());
  ctx.crashPoint('sync-ended');
  return endOf(done);
}

/** All that are confirmed, part by part. */
function* membersOf({ ledger }: Pick<SyncContext, 'ledger'>, segment: number): Generator<readonly string[]> {
  const confirmed = confirmedMembers(ledger, segment);
  for (let part = 0; part < PARTS; part++) yield confirmed(part);
}

function endOf(sync: Sync): SyncEnd {
  const imbalance = imbalanceOf(sync);
  return { kind: 'done', sync, ...(imbalance === undefined ? {} : { imbalance }) };
}

/** Changes as they leave: full chunks, removes and adds as they come. */
export function* chunksOf(differences: Iterable<Difference>, most: number): Generator<MembershipChanges> {
  let chunk = { add: [] as string[], remove: [] as string[] };
  const size = (): number => chunk.add.length + chunk.remove.length;
  for (const { add, remove } of differences) {
    for (const [to, members] of [
      ['remove', remove],
      ['add', add],
    ] as const) {
      for (let at = 0; at < members.length; ) {
        const some = members.slice(at, at + most - size());
        // One by one: as arguments, a hundred thousand would be too many.
        for (const member of some) chunk[to].push(member);
        at += some.length;
        if (size() < most) continue;
        yield chunk;
        chunk = { add: [], remove: [] };
      }
    }
  }
  if (size() > 0) yield chunk;
}
