import type Database from 'better-sqlite3';
import type { FileVerdict } from './processings.ts';

/** Writes what a person decided about a file that is held as a whole. Runs inside the transaction of the decision. */
export function decideFile(
  db: Database.Database,
  processingId: number,
  held: FileVerdict,
  verdict: 'released' | 'rejected' | 'superseded',
  decision: string,
): void {
  const refusal: FileVerdict = { ...held, verdict, decision };
  db.prepare('UPDATE processings SET refusal = ?, settled_at = NULL, pruned_at = NULL WHERE id = ?').run(
    JSON.stringify(refusal),
    processingId,
  );
}
