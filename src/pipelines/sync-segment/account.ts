import type { SegmentAccount } from '../../accounts.ts';
import type { Ledger } from '../../ledger/open.ts';
import { historyOf, type Sync } from '../../ledger/segment-syncs.ts';

/** As many syncs as a line has room for. */
const MOST = 60;

/** What syncs did, as reports tell it. */
export function segmentAccounts(
  ledger: Pick<Ledger, 'db'>,
  syncs: readonly (Sync & { segment: string })[],
): SegmentAccount[] {
  return syncs.map((sync) => {
    const { segment, kind, state, before, listed, toAdd, toRemove, added, removed, unchanged, rejected, after } = sync;
    const desired = kind === 'changes' ? before + toAdd - toRemove : listed;
    return {
      ...{ segment, kind, state, before, desired, added, removed, unchanged, rejected },
      open: state === 'running' ? toAdd + toRemove - added - removed : 0,
      ...(after === null ? {} : { after }),
      history: membersOverTime(ledger, sync.segmentId, MOST),
    };
  });
}

/** How many members a segment had at the end of each of its last syncs. */
export function membersOverTime(ledger: Pick<Ledger, 'db'>, segment: number, most: number): [string, number][] {
  return historyOf(ledger, segment, most).flatMap(({ endedAt, after }): [string, number][] =>
    endedAt === null || after === null ? [] : [[new Date(endedAt).toISOString(), after]],
  );
}
