import type Database from 'better-sqlite3';
import type { RowPlace } from './held-rows.ts';

/**
 * Held rows wait to be sent again; they keep their keys. What is known of their earlier tries stays: one that may have been
 * accepted is never called unsent. Runs inside the transaction of the decision.
 */
export function releaseRows(db: Database.Database, rows: readonly RowPlace[], now: number): void {
  const release = db.prepare(
    `UPDATE deliveries SET state = 'waiting', owns = 1, unfinished = 1, code = 'RELEASED', answered_at = ?,
       reason = 'released by a person; it was held: ' || coalesce(reason, code, '')
     WHERE id = ? AND state = 'held'`,
  );
  for (const { id } of rows) release.run(now, id);
  lag(db, rows);
}

/** The results of these files lag behind their rows from here on, until they are published anew. */
export function lag(db: Database.Database, rows: readonly { processingId: number }[]): void {
  const mark = db.prepare('UPDATE processings SET settled_at = NULL, pruned_at = NULL WHERE id = ?');
  for (const id of new Set(rows.map((row) => row.processingId))) mark.run(id);
}
