import type { Ledger } from './open.ts';
import { rangeOf, type Upload } from './uploads.ts';

/** A row of an upload whose person has a link by now. */
export interface LinkedRow {
  /** The row's delivery. */
  id: number;
  link: string;
  personId: string;
}

/**
 * Rows of an upload without an answer, in order, after the delivery `after`, whose person has a link of that label; at most `limit`. A person
 * who is known by an id alone is found by it where nobody else has the same one.
 */
export function linkedRows(
  { db }: Pick<Ledger, 'db'>,
  upload: Upload,
  { destinationId, label }: { destinationId: number; label: string },
  { after, limit }: { after: number; limit: number },
): LinkedRow[] {
  const [first, last] = rangeOf(upload.processingId);
  const place = [destinationId, label.toLowerCase()] as const;
  return db
    .prepare<[number, string, number, string, number, number, number, number], LinkedRow>(
      `SELECT d.id, l.link, l.person_id AS personId FROM deliveries d JOIN links l ON l.id = coalesce(
         (SELECT a.id FROM links a WHERE a.destination_id = ? AND a.label = ? AND a.person = d.key),
         (SELECT min(b.id) FROM links b WHERE b.destination_id = ? AND b.label = ? AND b.partner_user_id = d.key HAVING count(*) = 1))
       WHERE d.id BETWEEN ? AND ? AND d.upload_id = ? AND d.state IN ('claimed','held','waiting','unknown') ORDER BY d.id LIMIT ?`,
    )
    .all(...place, ...place, Math.max(first, after + 1), last, upload.id, limit);
}
