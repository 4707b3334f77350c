import { hasTable } from './has-table.ts';
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

export function dropWatchMark(ledger: Ledger, job: string, name: string): void {
  ledger.db.prepare('DELETE FROM watch_marks WHERE job = ? AND name = ?').run(job, name);
}

/** Whether the ledger has what this version watches with: one that is only read may be older. */
export function isWatched(ledger: Pick<Ledger, 'db'>): boolean {
  return hasTable(ledger, 'expectations');
}

/** A file that counts for the day on which it came. */
export interface CameFile {
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  /** null while it is not read. */
  read: number | null;
}

/** Files of a job that came since an instant, without those that were refused, and without contents that were there before. */
export function cameFiles(ledger: Pick<Ledger, 'db'>, job: string, since: number): CameFile[] {
  const taken = (p: string): string =>
    `${p}.state <> 'vanished' AND coalesce(json_extract(${p}.refusal, '$.verdict'), '') <> 'refused'`;
  return ledger.db
    .prepare<[string, number], CameFile>(
      `SELECT p.id, p.opened_at AS at, p.read FROM processings p
       WHERE p.job = ? AND p.opened_at >= ? AND p.repeat_of IS NULL AND ${taken('p')}
         AND NOT EXISTS (SELECT 1 FROM processings e WHERE e.file_id = p.file_id AND e.id < p.id AND ${taken('e')})
       ORDER BY p.id`,
    )
    .all(job, since);
}

/** When the newest run began that has looked into the job's inbox; `undefined` where none has. */
export function lastLook(ledger: Pick<Ledger, 'db'>, job: string): number | undefined {
  return ledger.db
    .prepare<[string], { at: number }>(
      `SELECT started_at AS at FROM runs WHERE job = ? AND state = 'finished' AND json_extract(account, '$.halted') IS NULL
       ORDER BY id DESC LIMIT 1`,
    )
    .get(job)?.at;
}

/** Since when this process executes; milliseconds since 1970. */
export function upSince(ledger: Pick<Ledger, 'db'>): number {
  return ledger.db.prepare<[], { at: number }>('SELECT started_at AS at FROM executor').get()?.at ?? 0;
}
