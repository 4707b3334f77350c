import type Database from 'better-sqlite3';
import { LINES } from './deliveries.ts';

/**
 * What was claimed when the last executor died may or may not have been sent: its attempt ends as `orphan` and the
 * row becomes `unknown`. Runs inside the transaction that takes the ledger over.
 */
export function sweepOrphans(db: Database.Database, now: number): void {
  const sending = db.prepare<[], { id: number }>('SELECT id FROM processings WHERE sending = 1').all();
  for (const { id } of sending) sweepProcessing(db, id, now);
  db.prepare("UPDATE runs SET state = 'interrupted', ended_at = ? WHERE state = 'running'").run(now);
}

/** The same for one processing, whose sending broke off by an error of ours. */
export function sweepProcessing(db: Database.Database, processingId: number, now: number): void {
  const range = [processingId * LINES, processingId * LINES + LINES - 1];
  const reason = 'the process ended while this row was on its way';
  db.prepare(
    `INSERT INTO attempts (delivery_id, number, result, code, reason, claimed_at, answered_at)
     SELECT id, attempts, 'orphan', 'INTERRUPTED', ?, claimed_at, ?
     FROM deliveries WHERE id BETWEEN ? AND ? AND state = 'claimed'`,
  ).run(reason, now, ...range);
  db.prepare(
    `UPDATE deliveries SET state = 'unknown', unfinished = 1, ambiguous = ambiguous + 1, code = 'INTERRUPTED', answered_at = ?, reason = ?
     WHERE id BETWEEN ? AND ? AND state = 'claimed'`,
  ).run(now, reason, ...range);
  db.prepare('UPDATE processings SET sending = 0 WHERE id = ?').run(processingId);
}

/** Says that rows of a processing are about to be sent. What an earlier sending left claimed is swept first. */
export function beginSending(db: Database.Database, processingId: number, now: number): void {
  db.transaction(() => {
    const begun = db
      .prepare<[number], { sending: number }>('SELECT sending FROM processings WHERE id = ?')
      .get(processingId);
    if (begun?.sending === 1) sweepProcessing(db, processingId, now);
    db.prepare('UPDATE processings SET sending = 1 WHERE id = ?').run(processingId);
  }).immediate();
}

/** Says that every answer of a processing is recorded. */
export function endSending(db: Database.Database, processingId: number): void {
  db.prepare('UPDATE processings SET sending = 0 WHERE id = ?').run(processingId);
}
