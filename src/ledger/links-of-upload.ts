import type { Ledger } from './open.ts';
import { rangeOf, type Upload } from './uploads.ts';

/** A row of an upload whose person has a link by now. */
export interface LinkedRow {
  /** The row's delivery. */
  id: number;
  link: string;
  personId: string;
}

/** So many rows are looked through at once: others have their turn in between. */
const WINDOW = 20_000;

/**
 * Rows of an upload without an answer whose person has a link of that label, in order, as batches, some of them empty. A person who is known by
 * an id alone is found by it where nobody else has the same one.
 */
export function* linkedRows(
  { db }: Pick<Ledger, 'db'>,
  upload: Upload,
  { destinationId, label }: { destinationId: number; label: string },
): Generator<LinkedRow[]> {
  const place = [destinationId, label.toLowerCase()] as const;
  const find = db.prepare<[number, string, number, string, number, number, number], LinkedRow>(
    `SELECT d.id, l.link, l.person_id AS personId FROM deliveries d JOIN links l ON l.id = coalesce(
       (SELECT a.id FROM links a WHERE a.destination_id = ? AND a.label = ? AND a.person = d.key),
       (SELECT min(b.id) FROM links b WHERE b.destination_id = ? AND b.label = ? AND b.partner_user_id = d.key HAVING count(*) = 1))
     WHERE d.id BETWEEN ? AND ? AND d.upload_id = ? AND d.state IN ('claimed','held','waiting','unknown') ORDER BY d.id`,
  );
  const [first, end] = rangeOf(upload.processingId);
  const last = db
    .prepare<[number, number], { id: number | null }>('SELECT max(id) AS id FROM deliveries WHERE id BETWEEN ? AND ?')
    .get(first, end)?.id;
  for (let from = first; from <= (last ?? -1); from += WINDOW)
    yield find.all(...place, ...place, from, from + WINDOW - 1, upload.id);
}
