import type Database from 'better-sqlite3';
import type { RowPlace } from './held-rows.ts';
import { lag } from './release.ts';

/** Rows that wait for a person end as rejected, which frees their keys. Runs inside the transaction of the decision. */
export function rejectRows(db: Database.Database, rows: readonly RowPlace[], reason: string, now: number): void {
  const reject = db.prepare(
    `UPDATE deliveries SET state = 'rejected', owns = 0, unfinished = NULL, answered_at = ?,
       reason = ? || coalesce(' (' || code || CASE WHEN reason IS NULL THEN '' ELSE ': ' || reason END || ')', ''),
       code = 'OPERATOR_REJECTED'
     WHERE id = ? AND state IN ('held','failed','conflict')`,
  );
  for (const { id } of rows) reject.run(now, `a person decided: ${reason}`, id);
  lag(db, rows);
}
