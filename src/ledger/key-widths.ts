import type { Ledger } from './open.ts';

/** So many files must agree before a width counts as known, and so many of the newest are asked. */
const ENOUGH = 3;
const ASKED = 5;

/** Remembers how wide the keys of a delivered file were. Repeating it is harmless. */
export function learnKeyWidth(
  ledger: Ledger,
  file: { job: string; column: string; processingId: number; width: number; rows: number; zeros: number },
): void {
  const { db } = ledger;
  db.transaction(() => {
    db.prepare(
      `INSERT INTO key_widths (job, key_column, processing_id, width, rows, zeros) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ).run(file.job, file.column, file.processingId, file.width, file.rows, file.zeros);
    db.prepare(
      `DELETE FROM key_widths WHERE job = ? AND key_column = ? AND processing_id NOT IN
         (SELECT processing_id FROM key_widths WHERE job = ? AND key_column = ? ORDER BY processing_id DESC LIMIT ?)`,
    ).run(file.job, file.column, file.job, file.column, ASKED);
  }).immediate();
}

/** The width that the newest files of a job agree on; `undefined` where they are too few, or differ. */
export function knownKeyWidth(
  ledger: Pick<Ledger, 'db'>,
  job: string,
  column: string,
): { width: number; files: number; rows: number; zeros: number } | undefined {
  const found = ledger.db
    .prepare<[string, string, number], { width: number; rows: number; zeros: number }>(
      'SELECT width, rows, zeros FROM key_widths WHERE job = ? AND key_column = ? ORDER BY processing_id DESC LIMIT ?',
    )
    .all(job, column, ASKED);
  const width = found[0]?.width;
  if (width === undefined || found.length < ENOUGH || found.some((file) => file.width !== width)) return undefined;
  const sum = (what: 'rows' | 'zeros'): number => found.reduce((total, file) => total + file[what], 0);
  return { width, files: found.length, rows: sum('rows'), zeros: sum('zeros') };
}
