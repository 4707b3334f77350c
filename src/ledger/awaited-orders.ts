import { LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';

/** Whose rows of earlier files are on their way in whole files, and have no answer yet. */
export interface AwaitedOrders {
  has(orderHash: Buffer): boolean;
}

/**
 * Collects them for one pass over a later file: into a temporary table, since a file that waits for its answer may have
 * millions of rows. Only one pass over a file is under way at a time; passes over several files may be.
 */
export function awaitedOrders(ledger: Ledger, job: string, beforeProcessing: number): AwaitedOrders {
  const { db } = ledger;
  db.exec(
    'CREATE TEMPORARY TABLE IF NOT EXISTS awaited_orders (pass integer, order_hash blob, PRIMARY KEY (pass, order_hash)) WITHOUT ROWID',
  );
  db.transaction(() => {
    db.prepare('DELETE FROM awaited_orders WHERE pass = ?').run(beforeProcessing);
    db.prepare(
      `INSERT OR IGNORE INTO awaited_orders SELECT ?, d.order_hash
       FROM uploads u JOIN processings p ON p.id = u.processing_id
         JOIN deliveries d ON d.id BETWEEN u.processing_id * ${LINES} AND u.processing_id * ${LINES} + ${LINES - 1}
       WHERE p.job = ? AND u.processing_id < ? AND u.state IN ('claiming','planned','uploaded','started')
         AND d.upload_id = u.id AND d.state = 'claimed' AND d.order_hash IS NOT NULL`,
    ).run(beforeProcessing, job, beforeProcessing);
  }).deferred();
  const find = db.prepare<[number, Buffer], { found: 1 }>(
    'SELECT 1 AS found FROM awaited_orders WHERE pass = ? AND order_hash = ?',
  );
  return { has: (orderHash) => find.get(beforeProcessing, orderHash) !== undefined };
}
