import type { SegmentsJob } from '../../jobs/schema.ts';
import { confirmedMembers } from '../../ledger/segment-members.ts';
import { lastRejected } from '../../ledger/segment-syncs.ts';
import { findSegmentAt } from '../../ledger/segments.ts';
import { isMembers } from '../../mapping/compile.ts';
import type { DestinationIdentity } from '../../model.ts';
import { maskValue } from '../../reports/mask.ts';
import { differenceOf } from '../../segments/difference.ts';
import { PARTS } from '../../segments/spool.ts';
import type { DryRunSegment, Outline } from '../files/dry-run.ts';
import { type HoldReason, heldInPart, reasonToHoldSync, rulesOf } from './guards.ts';
import { missingSegments, withWayOut } from './missing.ts';
import { gatherWanted } from './wanted.ts';

/** Ids that are shown, masked. */
const SHOWN = 5;

/** What a file would change of its segments, from the file and the ledger alone: the target is not asked. */
export function outlineSegments(job: SegmentsJob, identity: DestinationIdentity): Outline {
  return async (ctx, pass, seal, ledger) => {
    const rows = pass.definition.event;
    if (!isMembers(rows)) return { segments: [] };
    const find = (name: string) => ledger && findSegmentAt(ledger, identity, name);
    const missing = missingSegments(rows, seal, find).filter(({ members }) => members > 0);
    const emptied = job.guards.missing === 'hold' ? missing.map(({ name }) => name) : [];
    const processing = { ...pass.processing, id: 0 };
    using wanted = await gatherWanted(ctx, { ...pass, processing }, seal, rows, emptied);
    const segments: DryRunSegment[] = [];
    const held: [string, HoldReason][] = [];
    for (const [name, { kind, listed, vouched, drained = false, part }] of wanted.bySegment) {
      const known = find(name);
      const confirmed = ledger && known ? confirmedMembers(ledger, known.id) : () => [];
      const found: DryRunSegment = {
        ...{ segment: name, before: 0, desired: listed, toAdd: 0, toRemove: 0, unchanged: 0 },
        sample: { add: [], remove: [] },
      };
      for (let n = 0; n < PARTS; n++) {
        const { add, remove, unchanged } = differenceOf(part(n), confirmed(n));
        found.toAdd += add.length;
        found.toRemove += remove.length;
        found.unchanged += unchanged;
        for (const [to, members] of [
          [found.sample.add, add],
          [found.sample.remove, remove],
        ] as const)
          to.push(...members.slice(0, SHOWN - to.length).map(maskValue));
      }
      found.before = found.unchanged + found.toRemove;
      segments.push(found);
      const { before, toAdd, toRemove } = found;
      const why = reasonToHoldSync(
        {
          ...{ segment: job.segments[name] ?? name, kind, before, listed, toAdd, toRemove, vouched, replaced: false },
          drained,
          first: (known?.syncedAt ?? null) === null,
          refusedBefore: ledger && known ? lastRejected(ledger, known.id) : 0,
        },
        rulesOf(job),
      );
      if (why) held.push([name, emptied.includes(name) ? withWayOut(why) : why]);
    }
    if (held.length === 0) return { segments };
    return { segments, held: heldInPart(held, segments.length - held.length, null) };
  };
}
