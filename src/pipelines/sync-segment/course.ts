import { backoffDelay } from '../../delivery/backoff.ts';
import type { MembershipTarget } from '../../destinations/membership.ts';
import type { SegmentsJob } from '../../jobs/schema.ts';
import { updateProcessing } from '../../ledger/processings.ts';
import { ensureSegment } from '../../ledger/segments.ts';
import { isMembers } from '../../mapping/compile.ts';
import { eventNames } from '../../mapping/event-name.ts';
import type { MemberRows } from '../../mapping/member-settings.ts';
import { type FilePass, keyedHash, type RunContext } from '../files/context.ts';
import type { RowCourse } from '../files/course.ts';
import { heldCode } from '../files/held-part.ts';
import { type Seal, writeSeal } from '../files/seal.ts';
import { memberFates } from './fates.ts';
import { type HoldReason, heldInPart, rulesOf } from './guards.ts';
import { carryOut, type Judged, judgeSync, type SyncContext, type SyncEnd, type SyncRequest } from './sync.ts';
import { gatherWanted, type WantedSegments } from './wanted.ts';

/** How the rows of a membership file leave: as the differences that they make to the segments they name. */
export function memberCourse(job: SegmentsJob, open: (ctx: RunContext) => MembershipTarget): RowCourse {
  return {
    deliver: async (ctx, pass, seal) => {
      const rows = pass.definition.event;
      if (!isMembers(rows)) throw new Error(`${pass.processing.name} was taken as something else than members`);
      using wanted = await gatherWanted(ctx, pass, seal, rows);
      return await syncAll(ctx, pass, seal, { job, rows }, wanted, open);
    },
    fates: (ctx, pass, seal) => memberFates(ctx.ledger, pass.root.id, seal),
  };
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
  { job, rows }: { job: SegmentsJob; rows: MemberRows },
  wanted: WantedSegments,
  open: (ctx: RunContext) => MembershipTarget,
): Promise<{ halted?: { code: string; reason: string }; unchanged?: boolean }> {
  const { ledger, io } = ctx;
  const context = contextOf(ctx, pass, job, seal);
  const { refusal } = pass.root;
  const released = refusal?.verdict === 'released';
  const targets: MembershipTarget[] = [];
  const ready: Ready[] = [];
  try {
    for (const [name, members] of wanted.bySegment) {
      if (refusal && !released && heldCode(refusal, name) !== undefined) continue;
      const target = open(ctx);
      targets.push(target);
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
      };
      ready.push({ request, judged: await judgeSync(context, request) });
    }
    const held = ready.flatMap(({ request, judged }): [string, HoldReason][] =>
      'end' in judged && judged.end.kind === 'held' ? [[request.segment.name, judged.end.why]] : [],
    );
    if (held.length > 0)
      holdFile(ctx, pass, seal, heldInPart(held, wanted.bySegment.size - held.length, pass.root.refusal));
    // A process that died before the ledger had it, and by now there is nothing to hold.
    else if (!refusal && seal.held) clearHold(pass, seal);
    for (const each of ready) {
      const end: SyncEnd = await carryOut(context, each.request, each.judged);
      if (end.kind === 'halted') return { halted: { code: end.code, reason: end.reason } };
      if (end.kind === 'open')
        io.log.warn(
          { job: job.id, segment: each.request.segment.name, code: end.code },
          `not through yet: ${end.reason}`,
        );
    }
    return {};
  } finally {
    await Promise.all(targets.map((target) => target.close()));
  }
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
  return {
    ledger: ctx.ledger,
    io: ctx.io,
    signal: ctx.signal,
    hash: keyedHash(ctx.ledger),
    maxAttempts: job.delivery.maxAttempts,
    backoffMs: (n) => backoffDelay(n, job.delivery.backoff, ctx.io.random()),
    failedMaxAge: job.failed.maxAge,
    applied: (changes) => {
      applied += changes;
      ctx.progress({ file: processing.name, phase: 'sending', done: applied, total: seal.candidates, unit: 'rows' });
    },
    crashPoint: ctx.crashPoint,
  };
}
