import { idKindOf } from '../../jobs/member-targets.ts';
import type { SegmentsJob } from '../../jobs/schema.ts';
import { updateProcessing } from '../../ledger/processings.ts';
import { confirmedMembers, correctMembers } from '../../ledger/segment-members.ts';
import { beginAnew, recordSyncOfThen } from '../../ledger/segment-restored.ts';
import { syncOf } from '../../ledger/segment-syncs.ts';
import { ensureSegment, findSegment } from '../../ledger/segments.ts';
import type { MemberRows } from '../../mapping/member-settings.ts';
import type { ResultsLine } from '../../reports/results-reader.ts';
import { differenceOf } from '../../segments/difference.ts';
import { PARTS } from '../../segments/spool.ts';
import { type FilePass, keyedHash, type RunContext } from '../files/context.ts';
import { openRowIndex, VERDICT } from '../files/row-index.ts';
import { type Seal, writeSeal } from '../files/seal.ts';
import { gatherWanted } from './wanted.ts';

/** What results of the lost time say of the rows of one segment. */
interface Told {
  refused: { keyHash: string; code: string; reason: string }[];
  superseded: number;
  rows: number;
  /** Some rows waited then: for a person, or for an answer. */
  waited: boolean;
  at: number;
}

/**
 * After a restore: a file of the time that the ledger knows nothing of is not synced once more, which would bring back what later files changed. A
 * segment of which published results say that it was through is written down as that, and its members as confirmed; what results do not say is held, wherever the
 * file lies: newer files may have been synced before it was through. `lines`: the lines of its newest results, one for each row; absent where there are none. Can be repeated.
 */
export async function recoverMembers(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  { job, rows }: { job: SegmentsJob; rows: MemberRows },
  lines: AsyncGenerator<ResultsLine | undefined> | undefined,
): Promise<void> {
  const { ledger, io, destinationId } = ctx;
  const told = lines === undefined ? new Map<string, Told>() : await readResults(pass, seal, lines);
  const hash = keyedHash(ledger);
  const unclear: string[] = [];
  using wanted = await gatherWanted(ctx, pass, seal, rows);
  for (const [name, { kind, listed, part }] of wanted.bySegment) {
    const its = told.get(name);
    if (!its || its.waited) {
      unclear.push(name);
      continue;
    }
    const place = { destinationId, name, job: job.id, idKind: idKindOf(job.target) };
    const segment = ensureSegment(ledger, place, io.now());
    const { superseded, refused, at } = its;
    const state = superseded > 0 ? 'superseded' : 'done';
    const no = new Set(refused.map(({ keyHash }) => keyHash));
    const said = (member: string): boolean => !no.has(hash(member));
    const known = confirmedMembers(ledger, segment.id);
    for (let n = 0; state === 'done' && n < PARTS; n++) {
      const { add, remove } = differenceOf(part(n), known(n));
      const change = { add: add.filter(said), remove: remove.filter(said) };
      if (change.add.length + change.remove.length > 0)
        correctMembers(ledger, segment.id, {
          add: change.add.map((member) => [n, member]),
          remove: change.remove.map((member) => [n, member]),
        });
    }
    recordSyncOfThen(ledger, {
      ...{ segmentId: segment.id, processingId: pass.processing.id, kind, state, listed, at },
      refused: state === 'done' ? refused : [],
    });
    ctx.crashPoint('outcomes-taken-over');
  }
  if (unclear.length > 0) hold(ctx, pass, seal, unclear, wanted.bySegment.size);
}

async function readResults(
  { paths }: FilePass,
  seal: Seal,
  lines: AsyncGenerator<ResultsLine | undefined>,
): Promise<Map<string, Told>> {
  const told = new Map<string, Told>();
  const index = openRowIndex(paths.index);
  try {
    for (const block of index.blocks()) {
      for (let i = 0; i < block.count; i++) {
        const line = (await lines.next()).value;
        if (!line || block.verdict(i) !== VERDICT.candidate) continue;
        const name = seal.eventNames[block.eventName(i)] ?? '';
        const its = told.get(name) ?? { refused: [], superseded: 0, rows: 0, waited: false, at: 0 };
        told.set(name, its);
        its.rows++;
        its.at = Math.max(its.at, line.at);
        if (line.outcome === 'rejected' && line.code === 'SUPERSEDED') its.superseded++;
        else if (line.outcome === 'rejected')
          its.refused.push({ keyHash: block.keyHash(i).toString('hex'), code: line.code, reason: line.reason });
        else if (line.outcome !== 'delivered') its.waited = true;
      }
    }
    return told;
  } finally {
    index.close();
    await lines.return(undefined);
  }
}

/** A person decides whether it is synced once more: it may have been, and later files may say otherwise. */
function hold(ctx: RunContext, pass: FilePass, seal: Seal, segments: readonly string[], all: number): void {
  for (const segment of segments) stopSync(ctx, pass, segment);
  const { verdict } = pass.root.refusal ?? {};
  // What was held before the backup stays so, for its own reason.
  if (verdict === 'held') return;
  const held = {
    code: 'LEDGER_RESTORED',
    message: `the ledger was restored, and no results say what became of ${segments.join(', ')} of this file in the lost time; nothing was sent`,
    hint: 'if a newer file of the segment was synced since, reject this one; released, it is synced once more',
    ...(segments.length < all
      ? { segments: Object.fromEntries(segments.map((segment) => [segment, 'LEDGER_RESTORED'])) }
      : {}),
  };
  seal.held = held;
  writeSeal(pass.paths.seal, seal);
  pass.root = updateProcessing(ctx.ledger, pass.root.id, { refusal: { verdict: 'held', ...held } });
}

/** What the backup knew as under way waits with its file, and not the segment for it. */
function stopSync({ ledger, destinationId }: RunContext, { processing }: FilePass, name: string): void {
  const segment = findSegment(ledger, destinationId, name);
  const sync = segment && syncOf(ledger, processing.id, segment.id);
  if (sync?.state === 'running') beginAnew(ledger, sync);
}
