import type Database from 'better-sqlite3';
import { LINES } from './deliveries.ts';
import { lag } from './release.ts';

/** A row of a conflict, as the check of its file found it. */
export interface ConflictRow {
  line: number;
  contentHash: Buffer;
  orderHash: Buffer | null;
}

/** Rows of one file that want one key. */
export interface Conflict {
  processingId: number;
  eventNameId: number;
  key: string;
  keyHash: Buffer;
  rows: readonly ConflictRow[];
}

/**
 * One row of a conflict gets the key and waits to be sent; the others say which one was picked. The key must be free.
 * Runs inside the transaction of the decision.
 */
export function pickRow(db: Database.Database, conflict: Conflict, line: number, now: number): void {
  const { processingId, eventNameId, key, keyHash } = conflict;
  const put = db.prepare(
    `INSERT INTO deliveries (id, event_name_id, key_hash, key, content_hash, order_hash, state, owns, unfinished, attempts, claimed_at,
       answered_at, code, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, owns = excluded.owns, unfinished = excluded.unfinished,
       answered_at = excluded.answered_at, code = excluded.code, reason = excluded.reason`,
  );
  for (const row of conflict.rows) {
    const id = processingId * LINES + row.line;
    const own = [id, eventNameId, keyHash, key, row.contentHash, row.orderHash];
    if (row.line === line) put.run(...own, 'waiting', 1, 1, now, now, 'PICKED', 'a person picked this line');
    else {
      const reason = `a person picked line ${line}, which has the same key; this row was not sent`;
      put.run(...own, 'conflict', 0, null, now, now, 'CONFLICT_IN_FILE', reason);
    }
  }
  lag(db, [{ processingId }]);
}
