import type { KnownSegment } from '../../ledger/segments.ts';
import type { MemberRows } from '../../mapping/member-settings.ts';
import type { Notice } from '../../model.ts';
import type { Seal } from '../files/seal.ts';
import type { HoldReason } from './guards.ts';

/** Segments with members of which a snapshot of several has no row that counts: it does not say that they are empty, nor that they are not. */
export function missingSegments(
  rows: MemberRows,
  { eventNames }: Pick<Seal, 'eventNames'>,
  find: (segment: string) => KnownSegment | undefined,
): KnownSegment[] {
  if (rows.kind !== 'snapshot' || rows.nameFrom !== 'column') return [];
  return (rows.allowedNames ?? []).flatMap((name) => {
    const known = eventNames.includes(name) ? undefined : find(name);
    return known ?? [];
  });
}

/** What is said of one that is left as it is. */
export function keptAsItIs(segment: string, members: number): Notice {
  const message = `no row of the snapshot is of ${segment}: its ${members} confirmed member${members === 1 ? ' stays' : 's stay'}`;
  return { code: 'SEGMENT_MISSING', message };
}

/** The same hold, with the way out for files that leave segments out on purpose. */
export const withWayOut = (why: HoldReason): HoldReason => ({
  ...why,
  hint: `${why.hint}; where files leave segments out that are to stay as they are, set guards.missing: keep`,
});
