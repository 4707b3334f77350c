import type { Ledger } from './open.ts';

/** Where a look at a job has got to; `undefined` before the first one. */
export function watchMark(ledger: Pick<Ledger, 'db'>, job: string, name: string): number | undefined {
  return ledger.db
    .prepare<[string, string], { value: number }>('SELECT value FROM watch_marks WHERE job = ? AND name = ?')
    .get(job, name)?.value;
}

export function setWatchMark(ledger: Ledger, job: string, name: string, value: number): void {
  ledger.db
    .prepare(
      'INSERT INTO watch_marks (job, name, value) VALUES (?, ?, ?) ON CONFLICT (job, name) DO UPDATE SET value = excluded.value',
    )
    .run(job, name, value);
}

/** Whether the ledger has what this version watches with: one that is only read may be older. */
export function isWatched(ledger: Pick<Ledger, 'db'>): boolean {
  return ledger.db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'expectations'").get() !== undefined;
}
