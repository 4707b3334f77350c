import type { FileAccount, RunAccount } from '../model.ts';
import type { Ledger } from './open.ts';

/** A file of a job as it stands now. Times are milliseconds since 1970. */
export interface ArrivedFile {
  id: number;
  name: string;
  openedAt: number;
  /** null while it is not read. */
  account: FileAccount | null;
  /** When its results were last published again; null where they never were. */
  revisedAt: number | null;
}

interface Row {
  id: number;
  name: string;
  opened_at: number;
  account: string | null;
  revised_at: number | null;
}

/** The next files of a job that came before `to`, as they came, after a file (or an instant). At most `limit`. */
export function arrivedFiles(
  ledger: Pick<Ledger, 'db'>,
  job: string,
  to: number,
  after: Pick<ArrivedFile, 'openedAt' | 'id'>,
  limit: number,
): ArrivedFile[] {
  return ledger.db
    .prepare<[string, number, number, number, number], Row>(
      `SELECT p.id, p.name, p.opened_at, p.account,
         (SELECT max(b.published_at) FROM publications b WHERE b.processing_id = p.id AND b.revision > 1) AS revised_at
       FROM processings p
       WHERE p.job = ? AND p.opened_at < ? AND (p.opened_at, p.id) > (?, ?) AND p.state <> 'vanished'
       ORDER BY p.opened_at, p.id LIMIT ?`,
    )
    .all(job, to, after.openedAt, after.id, limit)
    .map((row) => ({
      id: row.id,
      name: row.name,
      openedAt: row.opened_at,
      account: row.account === null ? null : JSON.parse(row.account),
      revisedAt: row.revised_at,
    }));
}

/** A run that does not balance or stopped early. */
export interface TroubledRun {
  id: number;
  startedAt: number;
  balanced: boolean;
  counts: string;
  carriedIn: number;
  halted: string | null;
}

/** Runs of a job that started in [from, to) and do not balance or stopped early, oldest first. */
export function troubledRuns(
  ledger: Pick<Ledger, 'db'>,
  job: string,
  { from, to }: { from: number; to: number },
): TroubledRun[] {
  return ledger.db
    .prepare<[string, number, number], Omit<TroubledRun, 'balanced'> & { balanced: number }>(
      `SELECT id, started_at AS startedAt, json_extract(account, '$.balanced') AS balanced,
         json_extract(account, '$.counts') AS counts, json_extract(account, '$.carriedIn') AS carriedIn,
         json_extract(account, '$.halted.code') AS halted
       FROM runs WHERE job = ? AND started_at >= ? AND started_at < ? AND state = 'finished'
         AND (json_extract(account, '$.balanced') = 0 OR json_extract(account, '$.halted') IS NOT NULL)
       ORDER BY id`,
    )
    .all(job, from, to)
    .map((row) => ({ ...row, balanced: row.balanced === 1 }));
}

type Steps = Pick<RunAccount, 'run' | 'job' | 'startedAt' | 'exports' | 'pushes'>;

/** What runs of a job said of exports and pushes, oldest first: those that started at `from` or later, and in any case the newest. */
export function stepsOfRuns(ledger: Pick<Ledger, 'db'>, job: string, from: number): Steps[] {
  return ledger.db
    .prepare<
      [string, number, string],
      { id: number; startedAt: number; exports: string | null; pushes: string | null }
    >(
      `SELECT id, started_at AS startedAt, json_extract(account, '$.exports') AS exports, json_extract(account, '$.pushes') AS pushes
       FROM runs WHERE job = ? AND state = 'finished'
         AND (started_at >= ? OR id = (SELECT max(id) FROM runs WHERE job = ? AND state = 'finished')) ORDER BY id`,
    )
    .all(job, from, job)
    .map(({ id, startedAt, exports, pushes }) => ({
      ...{ run: `r${id}`, job, startedAt: new Date(startedAt).toISOString() },
      ...(exports === null ? {} : { exports: JSON.parse(exports) }),
      ...(pushes === null ? {} : { pushes: JSON.parse(pushes) }),
    }));
}
