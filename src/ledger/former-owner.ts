import type { Ledger } from './open.ts';

/** A row of another file that had a key and gave it up, because it was rejected in the end. */
export interface FormerOwner {
  file: string;
  line: number;
  code: string;
  reason: string;
}

/** The last one of a key that nobody owns now; `undefined` where there was none. */
export function formerOwner(
  ledger: Pick<Ledger, 'db'>,
  eventNameId: number,
  keyHash: Buffer,
  otherThan: number,
): FormerOwner | undefined {
  return ledger.db
    .prepare<[Buffer, number, number], FormerOwner>(
      `SELECT p.name AS file, d.line, coalesce(d.code, '') AS code, coalesce(d.reason, '') AS reason
       FROM deliveries d JOIN processings p ON p.id = d.processing_id
       WHERE d.key_hash = ? AND d.owns = 0 AND d.event_name_id = ? AND d.processing_id <> ? AND d.state = 'rejected'
       ORDER BY d.answered_at DESC LIMIT 1`,
    )
    .get(keyHash, eventNameId, otherThan);
}
