import { isDeepStrictEqual } from 'node:util';
import type { MembershipTarget } from '../../destinations/membership.ts';
import type { SegmentsJob } from '../../jobs/schema.ts';
import { updateProcessing } from '../../ledger/processings.ts';
import { syncOf } from '../../ledger/segment-syncs.ts';
import { ensureSegment, findSegment, type KnownSegment } from '../../ledger/segments.ts';
import { isMembers } from '../../mapping/compile.ts';
import { eventNames } from '../../mapping/event-name.ts';
import type { MemberRows } from '../../mapping/member-settings.ts';
import type { FilePass, RunContext } from '../files/context.ts';
import type { Delivered, RowCourse } from '../files/course.ts';
import { heldCode } from '../files/held-part.ts';
import { type Seal, writeSeal } from '../files/seal.ts';
import { memberFates } from './fates.ts';
import { type HoldReason, heldInPart, rulesOf } from './guards.ts';
import { keptAsItIs, missingSegments, withWayOut } from './missing.ts';
import { keepQuiet } from './quiet.ts';
import { recoverMembers } from './recover.ts';
import { carryOut, type Judged, judgeSync, type SyncContext, type SyncEnd, type SyncRequest } from './sync.ts';
import { syncContext } from './sync-context.ts';
import type { Targets } from './targets.ts';
import { unreadBefore } from './under-way.ts';
import { gatherWanted, type WantedSegments } from './wanted.ts';

/** How the rows of a membership file leave: as the differences that they make to the segments they name. */
export function memberCourse(job: SegmentsJob, open: (ctx: RunContext) => Targets): RowCourse {
  return {
    deliver: async (ctx, pass, seal) => {
      const rows = memberRows(pass);
      const told = seal.notices.length;
      const emptied = segmentsToEmpty(ctx, pass, seal, job, rows);
      using wanted = await gatherWanted(ctx, pass, seal, rows, emptied);
      return await syncAll(ctx, pass, seal, { job, rows, emptied, told }, wanted, open);
    },
    recover: async (ctx, pass, seal, lines) => {
      await recoverMembers(ctx, pass, seal, { job, rows: memberRows(pass) }, lines);
    },
    fates: (ctx, pass, seal) => memberFates(ctx.ledger, pass.root.id, seal),
  };
}

function memberRows({ definition, processing }: FilePass): MemberRows {
  if (isMembers(definition.event)) return definition.event;
  throw new Error(`${processing.name} was taken as something else than members`);
}

/**
 * Of the segments that the file has no row of, those that it empties once a person released that; the others are told of. What was not
 * asked when the file was judged is none of what a person agreed to.
 */
function segmentsToEmpty(
  { ledger, destinationId }: RunContext,
  { root, paths }: FilePass,
  seal: Seal,
  { segments, guards }: SegmentsJob,
  rows: MemberRows,
): string[] {
  const missing = missingSegments(rows, seal, (name) => findSegment(ledger, destinationId, name));
  const held = missing.filter(({ id }) => syncOf(ledger, root.id, id) !== undefined);
  const others = missing.filter(
    (each) => !held.includes(each) && each.members > 0 && Object.hasOwn(segments, each.name),
  );
  const asked = root.refusal === null && guards.missing === 'hold' ? others : [];
  for (const each of others) if (!asked.includes(each)) tellKept(paths, seal, each);
  return [...held, ...asked].map(({ name }) => name);
}

function tellKept({ seal: path }: FilePass['paths'], seal: Seal, { name, members }: KnownSegment): void {
  const kept = keptAsItIs(name, members);
  if (seal.notices.some(({ message }) => message === kept.message)) return;
  seal.notices.push(kept);
  writeSeal(path, seal);
}

interface Ready {
  request: SyncRequest;
  judged: Judged;
}

/**
 * All segments of a file are judged before one change of any of them leaves. Those that a guard holds wait for a person, or were decided
 * against since; the others go on.
 */
async function syncAll(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  { job, rows, emptied, told }: { job: SegmentsJob; rows: MemberRows; emptied: readonly string[]; told: number },
  wanted: WantedSegments,
  open: (ctx: RunContext) => Targets,
): Promise<Delivered> {
  const { ledger, io } = ctx;
  const context = contextOf(ctx, pass, job, seal);
  const { refusal } = pass.root;
  const released = refusal?.verdict === 'released';
  await using targets = open(ctx);
  const opened: MembershipTarget[] = [];
  const ready: Ready[] = [];
  try {
    for (const [name, members] of wanted.bySegment) {
      if (refusal && !released && heldCode(refusal, name) !== undefined) continue;
      const target = targets.open();
      opened.push(target);
      const place = { destinationId: ctx.destinationId, name, job: job.id, idKind: target.idKind };
      const segment = ensureSegment(ledger, place, io.now());
      const request: SyncRequest = {
        segment,
        // What the job does not name any more is called there what it was.
        name: job.segments[name] ?? (segment.targetName || name),
        target,
        wanted: members,
        processing: pass.root.id,
        mayConcern: (fileName) => eventNames(rows, fileName).includes(name),
        rules: rulesOf(job),
        released,
        ...(released && { releasedFrom: heldCode(refusal, name) ?? '' }),
      };
      const unread = fileToWaitFor(ctx, request);
      ready.push({ request, judged: unread ? { end: unread } : await judgeSync(context, request) });
    }
    const held = ready
      .flatMap(({ request, judged }): [string, HoldReason][] =>
        'end' in judged && judged.end.kind === 'held' ? [[request.segment.name, judged.end.why]] : [],
      )
      .map(([name, why]): [string, HoldReason] => [name, emptied.includes(name) ? withWayOut(why) : why]);
    if (held.length > 0)
      holdFile(ctx, pass, seal, heldInPart(held, wanted.bySegment.size - held.length, released ? null : refusal));
    // A process that died before the ledger had it, and by now there is nothing to hold.
    else if (!refusal && seal.held) clearHold(pass, seal);
    const ends: SyncEnd[] = [];
    for (const each of ready) {
      const end =
        (await keepQuiet(ctx, each.request, each.judged)) ?? (await carryOut(context, each.request, each.judged));
      if (end.kind === 'halted') return { halted: { code: end.code, reason: end.reason } };
      ends.push(end);
      const { segment } = each.request;
      // No row of it is open, for which the file would come up again.
      if (end.kind === 'open' && emptied.includes(segment.name) && !syncOf(ledger, pass.root.id, segment.id))
        tellKept(pass.paths, seal, segment);
      if (end.kind === 'open')
        io.log.warn({ job: job.id, segment: segment.name, code: end.code }, `not through yet: ${end.reason}`);
    }
    const waiting = ready.length > 0 && ready.every(({ judged }) => 'end' in judged && judged.end.kind === 'open');
    const heldAsTold = refusal === null || pass.processing.account?.refusal?.message === refusal.message;
    const waitsFor = undecidedOf(ends);
    const same = waiting && heldAsTold && isDeepStrictEqual(waitsFor, pass.processing.account?.waitsFor);
    return {
      ...(same && seal.notices.length === told ? { unchanged: true } : {}),
      ...(waitsFor ? { waitsFor } : {}),
    };
  } finally {
    await Promise.all(opened.map((target) => target.close()));
  }
}

/** Changes do not begin before a file that came earlier and could not be read yet; a snapshot says all there is to say by itself. */
function fileToWaitFor(
  ctx: RunContext,
  { segment, name, wanted, processing, mayConcern }: SyncRequest,
): SyncEnd | undefined {
  if (wanted.kind !== 'changes' || processing === null || !mayConcern) return undefined;
  const begun = syncOf(ctx.ledger, processing, segment.id)?.state ?? 'held';
  if (begun !== 'held') return undefined;
  const file = unreadBefore(ctx, { job: ctx.job.id, processing, segment: segment.name }, mayConcern);
  return file === undefined
    ? undefined
    : { kind: 'open', code: 'SEGMENT_BUSY', reason: `${name} waits for ${file}, which could not be read yet` };
}

/** The held file that all waits for that is open; `undefined` where some of it goes on by itself. */
function undecidedOf(ends: readonly SyncEnd[]): Delivered['waitsFor'] {
  const open = ends.flatMap((end) => (end.kind === 'open' ? [end.undecided] : []));
  const [first] = open;
  if (!first || open.includes(undefined)) return undefined;
  return { processing: `p${first.id}`, name: first.name };
}

/** A process that dies before finds the same again: nothing of these segments has left. */
function holdFile(ctx: RunContext, pass: FilePass, seal: Seal, held: NonNullable<Seal['held']>): void {
  seal.held = held;
  writeSeal(pass.paths.seal, seal);
  pass.root = updateProcessing(ctx.ledger, pass.root.id, { refusal: { verdict: 'held', ...held } });
}

function clearHold({ paths }: FilePass, seal: Seal): void {
  delete seal.held;
  writeSeal(paths.seal, seal);
}

function contextOf(ctx: RunContext, { processing }: FilePass, job: SegmentsJob, seal: Seal): SyncContext {
  let applied = 0;
  return syncContext(ctx, job, (changes) => {
    applied += changes;
    ctx.progress({ file: processing.name, phase: 'sending', done: applied, total: seal.candidates, unit: 'rows' });
  });
}
