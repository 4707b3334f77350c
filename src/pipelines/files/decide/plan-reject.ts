import { decideFile } from '../../../ledger/decide-file.ts';
import { rowsInScope } from '../../../ledger/held-rows.ts';
import type { ListedFile } from '../../../ledger/known-files.ts';
import type { FileVerdict } from '../../../ledger/processings.ts';
import { rejectRows } from '../../../ledger/reject.ts';
import type { Concern } from '../context.ts';
import { heldCode } from '../held-part.ts';
import { byFile, heldFiles, nothingYet } from './plan-release.ts';
import type { DecisionRequest, PlanContext, Planned } from './planned.ts';

/**
 * Held rows, and files held as a whole, end as rejected: their keys are free. Rows that failed or are in conflict only where a
 * line or a code names them.
 */
export function planReject(context: PlanContext, request: DecisionRequest): Planned {
  const { db } = context.ledger;
  const named = request.line !== undefined || request.code !== undefined;
  const rows = rowsInScope(context.ledger, { ...request, states: named ? ['held', 'failed', 'conflict'] : ['held'] });
  const files = heldFiles(context, request);
  const planned = files.map(({ file, held }) => ({
    processing: file.processing,
    name: file.name,
    rows: (file.account?.counts.held ?? 0) + conflictsOf(file, held),
    because: `held as a whole: ${held.code}`,
  }));
  return {
    rows: rows.length + planned.reduce((sum, file) => sum + file.rows, 0),
    files: [...planned, ...byFile(context, rows)],
    ...(rows.length > 0 || named ? {} : nothingYet(context, request, files)),
    about: [...files.map(({ file }) => ({ processingId: file.processing, line: 0 })), ...rows],
    apply: (now) => {
      rejectRows(db, rows, request.reason, now);
      for (const { file, held } of files) decideFile(db, file.processing, held, 'rejected', request.reason);
      const touched = [...files.map(({ file }) => file.processing), ...rows.map((row) => row.processingId)];
      return new Map<number, Concern>(touched.map((id) => [id, 'none']));
    },
  };
}

/** Rows in conflict end with their file, or with their segment where that alone is held. */
function conflictsOf({ account }: ListedFile, held: FileVerdict): number {
  const its = (account?.byEvent ?? []).filter(({ eventName }) => heldCode(held, eventName) !== undefined);
  return its.reduce((sum, { counts }) => sum + counts.conflict, 0);
}
