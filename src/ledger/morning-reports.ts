import type { Ledger } from './open.ts';

/** A morning report that is to be made, or was. Times are milliseconds since 1970. */
export interface PlannedMorning {
  job: string;
  dueAt: number;
  day: string;
  attempts: number;
  nextAt: number;
  publishedAt: number | null;
  publishedAs: string | null;
}

/** Plans a report; one that is planned already stays as it is. Older ones that never came out are given up for it. */
export function planMorning(
  ledger: Ledger,
  { job, dueAt, day }: Pick<PlannedMorning, 'job' | 'dueAt' | 'day'>,
  now: number,
): void {
  const { db } = ledger;
  db.transaction(() => {
    db.prepare('DELETE FROM morning_reports WHERE job = ? AND due_at < ? AND published_at IS NULL').run(job, dueAt);
    db.prepare(
      'INSERT INTO morning_reports (job, due_at, day, next_at) VALUES (?, ?, ?, ?) ON CONFLICT (job, due_at) DO NOTHING',
    ).run(job, dueAt, day, now);
  }).immediate();
}

/** The newest report of a job, planned or published. */
export function newestMorning(ledger: Pick<Ledger, 'db'>, job: string): PlannedMorning | undefined {
  return ledger.db
    .prepare<[string], PlannedMorning>(
      `SELECT job, due_at AS dueAt, day, attempts, next_at AS nextAt, published_at AS publishedAt, published_as AS publishedAs
       FROM morning_reports WHERE job = ? ORDER BY due_at DESC LIMIT 1`,
    )
    .get(job);
}

export function recordMorning(ledger: Ledger, { job, dueAt }: PlannedMorning, publishedAs: string, now: number): void {
  ledger.db
    .prepare('UPDATE morning_reports SET published_at = ?, published_as = ? WHERE job = ? AND due_at = ?')
    .run(now, publishedAs, job, dueAt);
}

/** It could not be published: the next try is not before `nextAt`. */
export function postponeMorning(ledger: Ledger, { job, dueAt }: PlannedMorning, nextAt: number): void {
  ledger.db
    .prepare('UPDATE morning_reports SET attempts = attempts + 1, next_at = ? WHERE job = ? AND due_at = ?')
    .run(nextAt, job, dueAt);
}
