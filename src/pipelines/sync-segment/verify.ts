import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MembershipTarget } from '../../destinations/membership.ts';
import type { SegmentsJob } from '../../jobs/schema.ts';
import type { Ledger } from '../../ledger/open.ts';
import { confirmedMembers } from '../../ledger/segment-members.ts';
import { type Restore, restoredSince } from '../../ledger/segment-restored.ts';
import { beginSync, endSync, runningSync, type Sync } from '../../ledger/segment-syncs.ts';
import { findSegmentAt, type KnownSegment } from '../../ledger/segments.ts';
import { type Answer, type Io, TransferError } from '../../model.ts';
import { maskValue } from '../../reports/mask.ts';
import { type Difference, differenceOf } from '../../segments/difference.ts';
import { createMemberSpool, type MemberSpool, PARTS } from '../../segments/spool.ts';
import { applyChanges } from './apply.ts';
import { membersThere } from './members-there.ts';
import { chunksOf, endRepair } from './sync.ts';
import { scratchOf, syncContext } from './sync-context.ts';
import { identityOf, openTarget } from './targets.ts';
import { isConfirmed } from './who-stays.ts';

export interface VerifyContext {
  ledger: Ledger;
  io: Io;
  signal: AbortSignal;
  /** A private folder of this machine. */
  staging: string;
  /** Named places where a test may let the process die. */
  crashPoint?: (name: string) => void;
}

/** What a target has, beside what is confirmed. Samples are masked. */
export interface SegmentFindings {
  job: string;
  segment: string;
  confirmed: number;
  atTarget: number;
  /** Confirmed, and not at the target. */
  missing: number;
  /** At the target, and not confirmed. */
  strangers: number;
  sample: { missing: string[]; strangers: string[] };
  /** What a repair came to; absent where none was asked for, or needed. `open`: changes without a yes. */
  repaired?: { added: number; removed: number; open: number; why?: string };
}

/** Masked ids that are shown of each. */
const SHOWN = 5;

/**
 * Reads who is in a segment at its target and compares that with what is confirmed; with `repair`, makes the target say what is
 * confirmed, which stays as it is: a repair that was broken off is ended first. Throws `TransferError`, and the signal's reason.
 */
export async function verifySegment(
  ctx: VerifyContext,
  job: SegmentsJob,
  name: string,
  repair: boolean,
): Promise<SegmentFindings> {
  const { ledger, io, signal } = ctx;
  const segment = findSegmentAt(ledger, identityOf(job.target, io), name);
  if (!segment || segment.syncedAt === null) throw neverSynced(job, name);
  const restored = repair ? restoredSince(ledger, segment.id) : undefined;
  if (restored) throw olderThanTarget(job, name, restored);
  const running = runningSync(ledger, segment.id);
  if (running && !(repair && running.processingId === null)) throw stillSyncing(job, name, running);
  const target = openTarget(job.target, io);
  const staged = scratchOf(ctx.staging);
  await mkdir(staged, { recursive: true, mode: 0o700 });
  const spool = createMemberSpool(join(staged, `verify-${segment.id}-${io.now()}`));
  try {
    const members = target.members?.bind(target);
    if (!members) throw unreadable(target, segment.name);
    const earlier = { targetId: segment.targetId, name: segment.targetName };
    await target.prepare({ id: segment.name, name: segment.targetName, since: segment.since, earlier }, signal);
    if (running) await endEarlier(ctx, job, name, target, running);
    for await (const page of membersThere(members, isConfirmed(ctx, segment.id), ctx, name))
      for (const member of page) spool.add(member);
    const findings = compare(ctx, job, segment, spool);
    if (!repair || findings.missing + findings.strangers === 0) return findings;
    refuseToEmpty(job, findings);
    return { ...findings, repaired: await mend(ctx, job, segment, target, spool, findings) };
  } finally {
    spool.close();
    await target.close();
  }
}

/** What a repair that was broken off may have on the wire must not arrive after what is read now. */
async function endEarlier(
  ctx: VerifyContext,
  job: SegmentsJob,
  name: string,
  target: MembershipTarget,
  earlier: Sync,
): Promise<void> {
  const end = await endRepair(syncContext(ctx, job), target, earlier);
  if (end.kind === 'done') return;
  throw new TransferError(end.code, `the repair of ${name} that was broken off is not through yet: ${end.reason}`, {
    retryable: end.kind === 'open',
    hint: `once the target takes changes again: referry verify-segment ${name} --repair --job ${job.id}`,
  });
}

function* differences({ ledger }: VerifyContext, segment: number, spool: MemberSpool): Generator<Difference> {
  const confirmed = confirmedMembers(ledger, segment);
  for (let part = 0; part < PARTS; part++)
    yield differenceOf({ add: new Set(confirmed(part)), remove: 'rest' }, [...spool.part(part)]);
}

function compare(ctx: VerifyContext, job: SegmentsJob, segment: KnownSegment, spool: MemberSpool): SegmentFindings {
  const findings: SegmentFindings = {
    ...{ job: job.id, segment: segment.name, confirmed: 0, atTarget: 0, missing: 0, strangers: 0 },
    sample: { missing: [], strangers: [] },
  };
  for (const { add, remove, unchanged } of differences(ctx, segment.id, spool)) {
    findings.confirmed += unchanged + add.length;
    findings.atTarget += unchanged + remove.length;
    findings.missing += add.length;
    findings.strangers += remove.length;
    for (const [of, ids] of [
      ['missing', add],
      ['strangers', remove],
    ] as const)
      findings.sample[of].push(...ids.slice(0, SHOWN - findings.sample[of].length).map(maskValue));
  }
  return findings;
}

/** Sends what differs as a sync of its own: a process that dies in it leaves chunks, which the next run sends once more. */
async function mend(
  ctx: VerifyContext,
  job: SegmentsJob,
  segment: KnownSegment,
  target: MembershipTarget,
  spool: MemberSpool,
  { confirmed, missing, strangers }: SegmentFindings,
): Promise<NonNullable<SegmentFindings['repaired']>> {
  const { ledger, io } = ctx;
  const sync = beginSync(
    ledger,
    {
      ...{ segmentId: segment.id, processingId: null, kind: 'repair', before: confirmed, listed: confirmed },
      ...{ toAdd: missing, toRemove: strangers, unchanged: confirmed - missing },
    },
    'running',
    io.now(),
  );
  ctx.crashPoint?.('sync-begun');
  const done = { added: 0, removed: 0 };
  // What the ledger counts is who was not confirmed before; nobody is here.
  const counted: MembershipTarget = {
    ...target,
    async apply(changes, signal, stays) {
      const answers = await target.apply(changes, signal, stays);
      done.added += answers.add.filter(isYes).length;
      done.removed += answers.remove.filter(isYes).length;
      return answers;
    },
  };
  const changes = chunksOf(differences(ctx, segment.id, spool), target.maxBatchSize);
  const end = await applyChanges(syncContext(ctx, job), sync, counted, changes, {
    stays: isConfirmed(ctx, segment.id),
  });
  const open = missing + strangers - done.added - done.removed;
  if (end.kind !== 'done') return { ...done, open, why: `${end.code}: ${end.reason}` };
  const { rejected } = endSync(ledger, sync, io.now());
  return { ...done, open, ...(rejected === 0 ? {} : { why: `the target refused ${rejected} of them` }) };
}

const isYes = ({ kind }: Answer): boolean => kind === 'accepted';

/** A ledger that knows of too few is no reason to remove the others. */
function refuseToEmpty({ guards }: SegmentsJob, { segment, atTarget, strangers }: SegmentFindings): void {
  if (strangers <= atTarget * guards.maxShrink) return;
  const message = `${segment} would lose ${strangers} of the ${atTarget} members that the target has: more than guards.maxShrink (${guards.maxShrink}) allows`;
  throw new TransferError('SEGMENT_SHRINKS', message, {
    hint: 'nothing was changed. Where they belong into the segment, sync a file that names them; where they do not, raise guards.maxShrink for this one repair',
  });
}

function neverSynced({ id, segments }: SegmentsJob, name: string): TransferError {
  return new TransferError('USAGE', `segment ${name} of job ${id} was never synced, so there is nothing to compare`, {
    hint: `the segments of the job are ${Object.keys(segments).join(', ')}; referry run ${id} syncs them`,
  });
}

/** A repair would undo what was synced since the backup. */
function olderThanTarget({ id }: SegmentsJob, name: string, { madeAt }: Restore): TransferError {
  const since = new Date(madeAt).toISOString();
  const message = `the ledger was restored to ${since}, and what it knows of ${name} is as old as that: a repair would undo what was synced since`;
  return new TransferError('SEGMENT_RESTORED', message, {
    hint: `sync it first: referry run ${id} with the newest file of it; then verify again`,
  });
}

function stillSyncing({ id }: SegmentsJob, name: string, { processingId }: Sync): TransferError {
  // A run without a new file would leave a repair as it is.
  const next = processingId === null ? `verify-segment ${name} --repair --job ${id}` : `run ${id}`;
  const what = processingId === null ? 'repair' : 'sync';
  return new TransferError('SEGMENT_BUSY', `a ${what} of ${name} is not through yet: its changes may be on the wire`, {
    retryable: true,
    hint: `to end it: referry ${next}`,
  });
}

function unreadable({ identity }: MembershipTarget, name: string): TransferError {
  const where = identity.target.replace('{segment}', name);
  return new TransferError('USAGE', `who is in ${name} cannot be read at ${identity.provider} (${where})`, {
    hint: 'Extole audiences by API, and lists of HubSpot, Klaviyo and Iterable can be read',
  });
}
