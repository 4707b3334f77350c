import { OF_PROCESSING } from './deliveries.ts';
import type { Ledger } from './open.ts';

/** Rows of one file that wait for a person with one code. Times are milliseconds since 1970. */
export interface WaitingRows {
  processing: number;
  job: string;
  name: string;
  kind: 'held' | 'too-long' | 'conflict';
  code: string;
  rows: number;
  /** The oldest of them waits since then. */
  since: number;
  /** The first of them. */
  line: number;
  key: string;
  reason: string;
}

/**
 * Rows in the ledger that wait for a person: held ones, those that failed for too long, and those in conflict with an earlier
 * owner of their key, as long as their file's staged copy is kept. Oldest file first.
 */
export function waitingRows(ledger: Pick<Ledger, 'db'>, job?: string): WaitingRows[] {
  return ledger.db
    .prepare<[string | null, string | null], WaitingRows>(
      `SELECT p.id AS processing, p.job, p.name, w.kind, w.code, w.rows, w.since, d.line, d.key, coalesce(d.reason, '') AS reason
       FROM (
         SELECT processing_id, CASE WHEN reason LIKE 'failed for too long:%' THEN 'too-long' ELSE 'held' END AS kind,
           coalesce(code, '') AS code, count(*) AS rows, min(answered_at) AS since, min(id) AS first
         FROM deliveries WHERE unfinished = 1 AND state = 'held' GROUP BY 1, 2, 3
         UNION ALL
         SELECT d.processing_id, 'conflict', d.code, count(*), min(d.claimed_at), min(d.id)
         FROM processings p JOIN deliveries d ON ${OF_PROCESSING}
         WHERE p.state = 'closed' AND p.pruned_at IS NULL AND json_extract(p.account, '$.counts.conflict') > 0
           AND d.state = 'conflict' AND d.code = 'CONFLICT' GROUP BY 1, 2, 3
       ) w JOIN deliveries d ON d.id = w.first JOIN processings p ON p.id = w.processing_id
       WHERE p.job = ? OR ? IS NULL ORDER BY p.id, w.kind, w.code`,
    )
    .all(job ?? null, job ?? null);
}
