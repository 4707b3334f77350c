import type Database from 'better-sqlite3';
import type { RowPlace } from './held-rows.ts';
import { lag } from './release.ts';

/** Held rows that a person found at the destination count as delivered. Runs inside the transaction of the decision. */
export function confirmRows(db: Database.Database, rows: readonly RowPlace[], now: number): void {
  const confirm = db.prepare(
    `UPDATE deliveries SET state = 'delivered', owns = 1, unfinished = NULL, answered_at = ?, proof = 'confirmed',
       event_id = 'confirmed by a person', code = NULL, reason = NULL
     WHERE id = ? AND state = 'held'`,
  );
  for (const { id } of rows) confirm.run(now, id);
  lag(db, rows);
}
