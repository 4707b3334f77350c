import type { Ledger } from './open.ts';

/** The id of contents that a job has seen before, by their sha256. */
export function knownFile(ledger: Pick<Ledger, 'db'>, job: string, sha256: string): number | null {
  const found = ledger.db
    .prepare<[string, string], { id: number }>('SELECT id FROM files WHERE job = ? AND sha256 = ?')
    .get(job, sha256);
  return found?.id ?? null;
}
