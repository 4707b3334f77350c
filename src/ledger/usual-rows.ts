import type { Ledger } from './open.ts';

/** So many of the newest files are asked, and so many must be there before something counts as usual. */
const ASKED = 20;
const ENOUGH = 5;

/**
 * How many rows the newest files of a job had: the median, and of how many files. `undefined` where they are too few. Empty files,
 * files that were refused or held, and contents that came again do not count, nor does `fileId`, the one that is asked about.
 */
export function usualRows(
  ledger: Pick<Ledger, 'db'>,
  job: string,
  fileId: number | null,
): { rows: number; files: number } | undefined {
  const counts = ledger.db
    .prepare<[string, number, number], { read: number }>(
      `SELECT read FROM processings
       WHERE job = ? AND state = 'closed' AND read > 0 AND refusal IS NULL AND repeat_of IS NULL AND reprocess_of IS NULL
         AND file_id <> ?
       ORDER BY id DESC LIMIT ?`,
    )
    .all(job, fileId ?? 0, ASKED)
    .map(({ read }) => read)
    .sort((a, b) => a - b);
  const rows = counts[Math.floor(counts.length / 2)];
  return rows === undefined || counts.length < ENOUGH ? undefined : { rows, files: counts.length };
}
