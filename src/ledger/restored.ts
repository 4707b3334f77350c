import type { Claim } from './deliveries.ts';
import { LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';

/** The newest restore that a job has not looked at the files of the lost time for; `undefined`: none. */
export function pendingRestore(
  { db }: Pick<Ledger, 'db'>,
  job: string,
): { id: number; madeAt: number; restoredAt: number } | undefined {
  return db
    .prepare<[string], { id: number; madeAt: number; restoredAt: number }>(
      `SELECT id, backup_made_at AS madeAt, restored_at AS restoredAt FROM restores r
       WHERE NOT EXISTS (SELECT 1 FROM restored_jobs j WHERE j.restore_id = r.id AND j.job = ?) ORDER BY id DESC LIMIT 1`,
    )
    .get(job);
}

/** Notes that a job has found its files of the lost time, for this restore and those before it. */
export function noteFound({ db }: Pick<Ledger, 'db'>, restore: number, job: string, files: number, now: number): void {
  db.prepare(
    `INSERT INTO restored_jobs (restore_id, job, found_at, files) SELECT id, ?, ?, ? FROM restores WHERE id <= ?
     ON CONFLICT DO NOTHING`,
  ).run(job, now, files, restore);
}

/** Where inputs of a job lie, as far as the ledger knows: names in the archive and in `processing`. */
export function knownPlaces({ db }: Pick<Ledger, 'db'>): Set<string> {
  const rows = db
    .prepare<[], { place: string }>(
      `SELECT archived_as AS place FROM processings WHERE archived_as <> ''
       UNION SELECT taken_path FROM processings WHERE taken_path <> inbox_path`,
    )
    .all();
  return new Set(rows.map(({ place }) => place));
}

/** Whether the number of a processing is one that this ledger gave. */
export function isKnownProcessing({ db }: Pick<Ledger, 'db'>, id: number): boolean {
  return db.prepare('SELECT 1 FROM processings WHERE id = ?').get(id) !== undefined;
}

/** What results that were published in the lost time say of a row. */
export interface KnownOutcome {
  claim: Claim;
  state: 'delivered' | 'rejected' | 'conflict';
  code: string;
  reason: string;
  eventId: string;
  attempts: number;
  at: number;
}

/** Takes outcomes over, in one transaction. What is delivered stays so; a row whose key somebody else owns is left as it is. */
export function takeOutcomesOver(
  { db }: Pick<Ledger, 'db'>,
  processing: number,
  outcomes: readonly KnownOutcome[],
): void {
  const insert = db.prepare(
    `INSERT INTO deliveries (id, event_name_id, key_hash, key, content_hash, order_hash, state, owns, attempts, claimed_at, answered_at, proof, event_id, code, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const update = db.prepare(
    `UPDATE OR IGNORE deliveries SET state = ?, owns = ?, unfinished = NULL, attempts = max(attempts, ?), answered_at = ?, proof = ?, event_id = ?,
       code = ?, reason = ? WHERE id = ? AND state <> 'delivered'`,
  );
  db.transaction(() => {
    for (const { claim, state, code, reason, eventId, attempts, at } of outcomes) {
      const id = processing * LINES + claim.line;
      const { eventNameId, keyHash, key, contentHash, orderHash } = claim;
      const yes = state === 'delivered';
      const proof = yes ? 'event_id' : null;
      const said = [yes ? null : code, yes ? null : reason];
      const owns = yes ? 1 : 0;
      const event = yes ? eventId : null;
      const made = insert.run(
        id,
        eventNameId,
        keyHash,
        key,
        contentHash,
        orderHash,
        state,
        owns,
        attempts,
        at,
        at,
        proof,
        event,
        ...said,
      );
      if (made.changes === 0) update.run(state, owns, attempts, at, proof, event, ...said, id);
    }
  }).immediate();
}

/**
 * Holds rows that nobody knows the fate of, in one transaction: they may have been delivered in the lost time. A row that was failed
 * and whose key another row owns by now is left failed.
 */
export function holdRestored(
  { db }: Pick<Ledger, 'db'>,
  processing: number,
  claims: readonly Claim[],
  reason: string,
  now: number,
): void {
  const insert = db.prepare(
    `INSERT INTO deliveries (id, event_name_id, key_hash, key, content_hash, order_hash, state, owns, unfinished, attempts, claimed_at, answered_at, code, reason)
     VALUES (?, ?, ?, ?, ?, ?, 'held', 1, 1, 0, ?, ?, 'LEDGER_RESTORED', ?) ON CONFLICT DO NOTHING`,
  );
  const update = db.prepare(
    `UPDATE OR IGNORE deliveries SET state = 'held', owns = 1, unfinished = 1, code = 'LEDGER_RESTORED', answered_at = ?, reason = ?
     WHERE id = ? AND state IN ('claimed','waiting','unknown','failed')`,
  );
  db.transaction(() => {
    for (const { line, eventNameId, keyHash, key, contentHash, orderHash } of claims) {
      const id = processing * LINES + line;
      const made = insert.run(id, eventNameId, keyHash, key, contentHash, orderHash, now, now, reason);
      if (made.changes === 0) update.run(now, reason, id);
    }
  }).immediate();
}
