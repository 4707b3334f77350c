import { type DeliveryState, LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';

/** Which rows a decision is about. `states` of them only; a code or a line narrows it down. */
export interface RowScope {
  job: string;
  processingId?: number | undefined;
  line?: number | undefined;
  code?: string | undefined;
  /** Milliseconds since 1970: the last answer came since then. */
  since?: number | undefined;
  states: readonly DeliveryState[];
}

export interface RowPlace {
  id: number;
  processingId: number;
  line: number;
  key: string;
  state: DeliveryState;
  code: string;
}

/** The rows of a scope, by file and line. */
export function rowsInScope(ledger: Pick<Ledger, 'db'>, scope: RowScope): RowPlace[] {
  const { where, values } = condition(scope);
  return ledger.db
    .prepare<unknown[], RowPlace>(
      `SELECT d.id, d.processing_id AS processingId, d.line, d.key, d.state, coalesce(d.code, '') AS code
       FROM deliveries d WHERE ${where} ORDER BY d.id`,
    )
    .all(...values);
}

const UNFINISHED: ReadonlySet<DeliveryState> = new Set(['waiting', 'unknown', 'failed', 'held']);

function condition(scope: RowScope): { where: string; values: unknown[] } {
  const parts = [`d.state IN (${scope.states.map(() => '?').join(', ')})`];
  const values: unknown[] = [...scope.states];
  // The index of unfinished rows has no others, which are final.
  if (scope.states.every((state) => UNFINISHED.has(state))) parts.push('d.unfinished = 1');
  if (scope.processingId === undefined) {
    parts.push('d.processing_id IN (SELECT id FROM processings WHERE job = ?)');
    values.push(scope.job);
  } else {
    parts.push('d.id BETWEEN ? AND ?');
    values.push(scope.processingId * LINES, scope.processingId * LINES + LINES - 1);
  }
  if (scope.line !== undefined) {
    parts.push('d.line = ?');
    values.push(scope.line);
  }
  if (scope.code !== undefined) {
    parts.push('d.code = ?');
    values.push(scope.code);
  }
  if (scope.since !== undefined) {
    parts.push('d.answered_at >= ?');
    values.push(scope.since);
  }
  return { where: parts.join(' AND '), values };
}
