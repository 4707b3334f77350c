import type Database from 'better-sqlite3';

/**
 * What was claimed when the last executor died may or may not have been sent: its attempt ends as `orphan` and the
 * row becomes `unknown`. Runs inside the transaction that takes the ledger over.
 */
export function sweepOrphans(db: Database.Database, now: number): number {
  db.prepare(
    `INSERT INTO attempts (delivery_id, number, result, code, reason, claimed_at, answered_at)
     SELECT id, attempts, 'orphan', 'INTERRUPTED', 'the process ended while this row was on its way', claimed_at, ?
     FROM deliveries WHERE state = 'claimed'`,
  ).run(now);
  db.prepare("UPDATE runs SET state = 'interrupted', ended_at = ? WHERE state = 'running'").run(now);
  return db
    .prepare(
      `UPDATE deliveries SET state = 'unknown', ambiguous = ambiguous + 1, code = 'INTERRUPTED', answered_at = ?,
         reason = 'the process ended while this row was on its way' WHERE state = 'claimed'`,
    )
    .run(now).changes;
}
