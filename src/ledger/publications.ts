import type { Ledger } from './open.ts';

export interface Publication {
  target: string;
  sha256: string;
  size: number;
  publishedAs: string | null;
}

/** The number of a processing's next results file: counted through all passes that judged the same contents themselves. */
export function nextRevision(
  ledger: Ledger,
  { fileId, repeatOf, revision }: { fileId: number | null; repeatOf: number | null; revision: number },
): number {
  if (fileId === null || repeatOf !== null) return revision + 1;
  const last = ledger.db
    .prepare<[number], { last: number | null }>(
      `SELECT max(revision) AS last FROM processings WHERE file_id = ? AND repeat_of IS NULL
         AND (reprocess_of IS NOT NULL OR id IN (SELECT reprocess_of FROM processings))`,
    )
    .get(fileId)?.last;
  return Math.max(revision, last ?? 0) + 1;
}

/** Plans (again) what is to be published as a revision of a processing's results: its bytes are known before it leaves. */
export function planPublication(
  ledger: Ledger,
  processingId: number,
  revision: number,
  plan: { target: string; sha256: string; size: number },
  now: number,
): void {
  ledger.db
    .prepare(
      `INSERT INTO publications (processing_id, revision, target, sha256, size, planned_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (processing_id, revision) DO UPDATE SET target = excluded.target, sha256 = excluded.sha256,
         size = excluded.size, planned_at = excluded.planned_at`,
    )
    .run(processingId, revision, plan.target, plan.sha256, plan.size, now);
}

export function recordPublication(
  ledger: Ledger,
  processingId: number,
  revision: number,
  publishedAs: string,
  now: number,
): void {
  ledger.db
    .prepare('UPDATE publications SET published_as = ?, published_at = ? WHERE processing_id = ? AND revision = ?')
    .run(publishedAs, now, processingId, revision);
}

export function publicationOf(ledger: Ledger, processingId: number, revision: number): Publication | undefined {
  const row = ledger.db
    .prepare<[number, number], { target: string; sha256: string; size: number; published_as: string | null }>(
      'SELECT target, sha256, size, published_as FROM publications WHERE processing_id = ? AND revision = ?',
    )
    .get(processingId, revision);
  return row && { target: row.target, sha256: row.sha256, size: row.size, publishedAs: row.published_as };
}
