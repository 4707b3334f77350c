import { hasTable } from '../ledger/has-table.ts';
import type { Ledger } from '../ledger/open.ts';
import { runningSync } from '../ledger/segment-syncs.ts';
import { segmentsOf } from '../ledger/segments.ts';
import { membersOverTime } from '../pipelines/sync-segment/account.ts';
import { isoOrNull } from './print.ts';

/** A segment as `status` tells it. Times are ISO 8601. */
export interface SegmentStatus {
  segment: string;
  members: number;
  /** null: no sync has come to its end yet. */
  syncedAt: string | null;
  /** A sync is not through yet. */
  running: boolean;
  /** Members at the end of each of the last syncs, oldest first. */
  history: readonly number[];
}

/** As many syncs as fit on a line beside the rest. */
const SHOWN = 20;

export function segmentStates(ledger: Ledger | undefined, job: string): SegmentStatus[] {
  if (!ledger || !hasTable(ledger, 'segments')) return [];
  return segmentsOf(ledger, job).map(({ id, name, members, syncedAt }) => ({
    segment: name,
    members,
    syncedAt: isoOrNull(syncedAt),
    running: runningSync(ledger, id) !== undefined,
    history: membersOverTime(ledger, id, SHOWN).map(([, count]) => count),
  }));
}

const STEPS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** How many members there were, as a small line chart: from nobody to the most. */
export function chartOf(history: readonly number[]): string {
  const most = Math.max(1, ...history);
  return history.map((members) => STEPS[Math.round((members / most) * (STEPS.length - 1))] ?? '').join('');
}
