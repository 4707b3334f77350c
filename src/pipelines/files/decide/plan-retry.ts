import type { Job } from '../../../jobs/schema.ts';
import { rowsInScope } from '../../../ledger/held-rows.ts';
import { type ListedFile, listFiles } from '../../../ledger/known-files.ts';
import type { Concern } from '../context.ts';
import { countLeaving } from './count-leaving.ts';
import { givenUpProfiles } from './given-up.ts';
import { byFile } from './plan-release.ts';
import type { DecisionRequest, PlanContext, Planned, PlannedFile } from './planned.ts';

/**
 * Failed and open rows are tried again: of the whole job, of one file, of one code, or of those that were answered since a time.
 * Rows of files that are not through yet count where nothing narrows it down. So are profiles that a push has given up.
 */
export function planRetry(context: PlanContext, request: DecisionRequest, of: Job): Planned {
  const { ledger } = context;
  const { job, processingId, code, since } = request;
  const narrowed = code !== undefined || since !== undefined;
  const files = listFiles(ledger, { job, processing: processingId });
  const open = new Set(files.filter(isOpen).map(({ processing }) => processing));
  const rows = rowsInScope(ledger, { ...request, states: ['failed', 'waiting', 'unknown'] }).filter(
    (row) => narrowed || !open.has(row.processingId),
  );
  const unread: PlannedFile[] = [];
  for (const file of narrowed ? [] : files) {
    const { processing, name, state, refusal } = file;
    // Not sealed yet, so nobody knows its rows; or sealed, and held or refused.
    const known = state === 'closed' || (state === 'sealed' && refusal === null);
    if (!open.has(processing) || file.repeatOf !== null || !known) continue;
    unread.push({ processing, name, rows: countLeaving(context, file), because: 'not through yet' });
  }
  const givenUp = givenUpProfiles(context, request, of);
  return {
    rows: rows.length + givenUp.rows + unread.reduce((sum, file) => sum + file.rows, 0),
    files: [...unread, ...byFile(context, rows), ...givenUp.files],
    about: [],
    goesOn: !narrowed,
    apply: () => {
      givenUp.sendAgain();
      if (!narrowed) return processingId === undefined ? undefined : new Map([[processingId, 'all']]);
      const wanted = Map.groupBy(rows, (row) => row.processingId);
      return new Map(
        [...wanted].map(([processing, its]): [number, Concern] => {
          const lines = new Set(its.map((row) => row.line));
          return [processing, (prior) => lines.has(prior.line)];
        }),
      );
    },
  };
}

/** Not through yet, or released after it was held, and not sent to its end. */
function isOpen({ state, refusal, account }: ListedFile): boolean {
  if (state !== 'closed') return true;
  return refusal?.verdict === 'released' && (account?.counts.open ?? 0) > 0;
}
