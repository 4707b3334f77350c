import { LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';

/**
 * A row that failed for longer than `failedMs` since its file came is held (if its key is still free; else it ends as
 * duplicate or conflict of the owner); one that is held for longer than `heldMs` is rejected as `EXPIRED`, which frees the
 * key. Returns the processings concerned.
 */
export function expireRows(
  ledger: Ledger,
  job: string,
  limits: { failedMs: number; heldMs: number },
  now: number,
): number[] {
  const { db } = ledger;
  const ofJob = 'processing_id IN (SELECT id FROM processings WHERE job = ?)';
  return db
    .transaction(() => {
      const touched = new Set<number>();
      const note = (rows: { processing_id: number }[]): void => {
        for (const row of rows) touched.add(row.processing_id);
      };
      const old = `unfinished = 1 AND state = 'failed' AND processing_id IN (SELECT id FROM processings WHERE job = ? AND opened_at < ?)`;
      const expired = db.prepare<[number, string, number], { processing_id: number }>(
        `UPDATE deliveries SET state = 'rejected', owns = 0, unfinished = NULL, code = 'EXPIRED', answered_at = ?, reason = 'held for too long without a decision: ' || coalesce(reason, '')
         WHERE unfinished = 1 AND state = 'held' AND ${ofJob} AND answered_at < ? RETURNING processing_id`,
      );
      note(expired.all(now, job, now - limits.heldMs));
      const held = db.prepare<[number, string, number], { processing_id: number }>(
        `UPDATE OR IGNORE deliveries SET state = 'held', owns = 1, answered_at = ?, reason = 'failed for too long: ' || coalesce(reason, '')
         WHERE ${old} RETURNING processing_id`,
      );
      note(held.all(now, job, now - limits.failedMs));
      const taken = db.prepare<[number, string, number], { processing_id: number }>(
        `UPDATE deliveries AS f SET unfinished = NULL, answered_at = ?, reason = 'the key was taken by another row meanwhile',
           (state, code) = (SELECT CASE WHEN o.content_hash IN (f.content_hash, x'') THEN 'duplicate' ELSE 'conflict' END,
                                   CASE WHEN o.content_hash IN (f.content_hash, x'') THEN 'DUPLICATE' ELSE 'CONFLICT' END
             FROM deliveries o WHERE o.event_name_id = f.event_name_id AND o.key_hash = f.key_hash AND o.owns = 1)
         WHERE ${old} RETURNING processing_id`,
      );
      note(taken.all(now, job, now - limits.failedMs));
      // Their results lag behind from here on, until they are published anew.
      const lag = db.prepare('UPDATE processings SET settled_at = NULL WHERE id = ?');
      for (const id of touched) lag.run(id);
      return [...touched].sort((a, b) => a - b);
    })
    .immediate();
}

/** Closed files of a job that are held as a whole since before `before`. */
export function filesHeldTooLong(ledger: Ledger, job: string, before: number): number[] {
  return ledger.db
    .prepare<[string, number], { id: number }>(
      `SELECT id FROM processings WHERE job = ? AND state = 'closed' AND repeat_of IS NULL AND pruned_at IS NULL
         AND sealed_at < ? AND json_extract(refusal, '$.verdict') = 'held' ORDER BY id`,
    )
    .all(job, before)
    .map((row) => row.id);
}

/** Files of a job with rows, or held as a whole, that wait for a person since before `before`; `since`: the oldest of them. */
export function heldSince(
  ledger: Ledger,
  job: string,
  before: number,
): { processing: number; name: string; rows: number; since: number }[] {
  return ledger.db
    .prepare<[string, number, string, number], { processing: number; name: string; rows: number; since: number }>(
      `SELECT p.id AS processing, p.name, count(*) AS rows, min(d.answered_at) AS since
         FROM deliveries d JOIN processings p ON p.id = d.processing_id
         WHERE p.job = ? AND d.unfinished = 1 AND d.state = 'held' AND d.answered_at < ? GROUP BY p.id
       UNION ALL
       SELECT id, name, coalesce(json_extract(account, '$.counts.held'), 0), sealed_at FROM processings
         WHERE job = ? AND state = 'closed' AND repeat_of IS NULL AND pruned_at IS NULL AND sealed_at < ?
           AND json_extract(refusal, '$.verdict') = 'held'
       ORDER BY 1`,
    )
    .all(job, before, job, before);
}

/**
 * Closed processings of a job, all of whose rows are final and told of in published results since before `before`, whose staged files are
 * still there. Results that lag behind can only be made from those.
 */
export function processingsToPrune(ledger: Ledger, job: string, before: number): number[] {
  return ledger.db
    .prepare<[string, number], { id: number }>(
      `SELECT id FROM processings p WHERE job = ? AND state = 'closed' AND pruned_at IS NULL AND settled_at IS NOT NULL
         AND max(closed_at, settled_at) < ?
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id BETWEEN p.id * ${LINES} AND p.id * ${LINES} + ${LINES - 1}
           AND (d.unfinished = 1 OR d.state = 'claimed'))
         AND NOT EXISTS (SELECT 1 FROM processings r WHERE (r.repeat_of = p.id OR r.reprocess_of = p.id) AND r.state NOT IN ('closed','vanished'))
         AND NOT EXISTS (SELECT 1 FROM segment_syncs y WHERE y.processing_id = p.id AND y.state = 'running')
         AND p.restored = 0 AND coalesce(p.refusal, '') NOT LIKE '%"verdict":"held"%'`,
    )
    .all(job, before)
    .map((row) => row.id);
}
