import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';

/** What a results file said, in numbers. */
export interface AnswerCounts {
  lines: number;
  succeeded: number;
  failed: number;
  /** Lines whose key is none of ours. */
  unknown: number;
  /** Lines beyond the first for one row. */
  repeated: number;
  /** Lines that cannot be understood, or that contradict another one. */
  unclear: number;
  /** Lines that say otherwise than what was decided or known of their row before. */
  overruled?: number;
  /** The settings it was read with, where it was not understood in all: with others it is read again. */
  readWith?: string;
}

/** A results file that was seen, as it was seen last. */
export interface SeenAnswer {
  path: string;
  size: number;
  mtime: number;
  stableSince: number;
  applied: boolean;
  counts?: AnswerCounts;
}

/** Notes that a results file was seen with this size and time. A changed one counts as new. */
export function seeAnswer(
  ledger: Ledger,
  uploadId: number,
  file: { path: string; size: number; mtime: number },
  now: number,
): SeenAnswer {
  return ledger.db
    .transaction(() => {
      mustHold(ledger);
      ledger.db
        .prepare(
          `INSERT INTO upload_answers (upload_id, path, size, mtime, stable_since) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (upload_id, path) DO UPDATE SET size = excluded.size, mtime = excluded.mtime,
             stable_since = excluded.stable_since, applied_at = NULL, counts = NULL
             WHERE upload_answers.size <> excluded.size OR upload_answers.mtime <> excluded.mtime`,
        )
        .run(uploadId, file.path, file.size, file.mtime, now);
      const seen = answersOf(ledger, uploadId).find(({ path }) => path === file.path);
      if (!seen) throw new Error('the answer just noted is not in the ledger');
      return seen;
    })
    .immediate();
}

/** Notes that a results file was read to its end and its answers written. */
export function recordAnswer(ledger: Ledger, uploadId: number, path: string, counts: AnswerCounts, now: number): void {
  ledger.db
    .prepare('UPDATE upload_answers SET applied_at = ?, counts = ? WHERE upload_id = ? AND path = ?')
    .run(now, JSON.stringify(counts), uploadId, path);
}

export function answersOf(ledger: Pick<Ledger, 'db'>, uploadId: number): SeenAnswer[] {
  const rows = ledger.db
    .prepare<
      [number],
      {
        path: string;
        size: number;
        mtime: number;
        stable_since: number;
        applied_at: number | null;
        counts: string | null;
      }
    >('SELECT * FROM upload_answers WHERE upload_id = ? ORDER BY path')
    .all(uploadId);
  return rows.map((row) => ({
    path: row.path,
    size: row.size,
    mtime: row.mtime,
    stableSince: row.stable_since,
    applied: row.applied_at !== null,
    ...(row.counts === null ? {} : { counts: JSON.parse(row.counts) }),
  }));
}
