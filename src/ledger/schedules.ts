import type { Ledger } from './open.ts';

/** The newest tick of a job that was acted upon; milliseconds since 1970. */
export function lastFire(ledger: Pick<Ledger, 'db'>, job: string): number | undefined {
  return ledger.db
    .prepare<[string], { last_due_at: number }>('SELECT last_due_at FROM schedules WHERE job = ?')
    .get(job)?.last_due_at;
}

export function rememberFire(ledger: Ledger, job: string, dueAt: number): void {
  ledger.db
    .prepare(
      'INSERT INTO schedules (job, last_due_at) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET last_due_at = excluded.last_due_at',
    )
    .run(job, dueAt);
}
