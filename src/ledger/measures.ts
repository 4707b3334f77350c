import { statSync } from 'node:fs';
import { type FileState, OUTCOMES, type Outcome } from '../model.ts';
import type { Ledger } from './open.ts';

/** Rows of a job's files as they stand: of every file whose rows were added up at least once. */
export interface JobRows {
  job: string;
  counts: Record<Outcome | 'open', number>;
}

const COUNTED: readonly (Outcome | 'open')[] = [...OUTCOMES, 'open'];

/** Adds up the accounts of all files: as many steps as there are files, however many rows they have. */
export function rowsByJob({ db }: Pick<Ledger, 'db'>): JobRows[] {
  const sums = COUNTED.map((name) => `coalesce(sum(json_extract(account, '$.counts.${name}')), 0) AS "${name}"`);
  return db
    .prepare<[], { job: string } & Record<Outcome | 'open', number>>(
      `SELECT job, ${sums.join(', ')} FROM processings WHERE account IS NOT NULL GROUP BY job ORDER BY job`,
    )
    .all()
    .map(({ job, ...counts }) => ({ job, counts }));
}

/** Files by job and state; a file that has no account yet is open. */
export function filesByJob({ db }: Pick<Ledger, 'db'>): { job: string; state: FileState; files: number }[] {
  return db
    .prepare<[], { job: string; state: FileState; files: number }>(
      `SELECT job, CASE WHEN state = 'closed' THEN coalesce(json_extract(account, '$.state'), 'open') ELSE 'open' END AS state,
         count(*) AS files
       FROM processings WHERE state <> 'vanished' GROUP BY 1, 2 ORDER BY 1, 2`,
    )
    .all();
}

/** What a job has left undone, and since when: milliseconds since 1970 of the coming of the oldest file concerned; 0: nothing. */
export interface JobQueue {
  job: string;
  openSince: number;
  held: number;
  heldSince: number;
}

/** Rows and files that wait, by job; only jobs that have some. Rows of files held as a whole count as held. */
export function queues({ db }: Pick<Ledger, 'db'>): JobQueue[] {
  return db
    .prepare<[], JobQueue>(
      `SELECT job, coalesce(min(CASE WHEN kind = 'open' THEN since END), 0) AS openSince,
         sum(CASE WHEN kind = 'held' THEN n ELSE 0 END) AS held, coalesce(min(CASE WHEN kind = 'held' THEN since END), 0) AS heldSince
       FROM (
         SELECT p.job, CASE d.state WHEN 'held' THEN 'held' ELSE 'open' END AS kind, p.opened_at AS since, count(*) AS n
           FROM deliveries d JOIN processings p ON p.id = d.processing_id WHERE d.unfinished = 1 GROUP BY p.id, 2
         UNION ALL
         SELECT job, 'open', opened_at, 0 FROM processings WHERE state NOT IN ('closed','vanished')
         UNION ALL
         SELECT job, 'held', opened_at, coalesce(json_extract(account, '$.counts.held'), 0) FROM processings
           WHERE state = 'closed' AND repeat_of IS NULL AND pruned_at IS NULL AND json_extract(refusal, '$.verdict') = 'held'
       ) GROUP BY job ORDER BY job`,
    )
    .all();
}

export interface RunEnd {
  endedAt: number;
  /** Milliseconds. */
  took: number;
  /** Why it stopped early. */
  halted: string | null;
  balanced: boolean;
}

/** The newest finished runs of a job, newest first. */
export function lastEnds({ db }: Pick<Ledger, 'db'>, job: string, most: number): RunEnd[] {
  return db
    .prepare<
      [string, number],
      { ended_at: number; started_at: number; halted: string | null; balanced: number | null }
    >(
      `SELECT ended_at, started_at, json_extract(account, '$.halted.code') AS halted, json_extract(account, '$.balanced') AS balanced
       FROM runs WHERE job = ? AND state = 'finished' ORDER BY id DESC LIMIT ?`,
    )
    .all(job, most)
    .map(({ ended_at, started_at, halted, balanced }) => ({
      endedAt: ended_at,
      took: ended_at - started_at,
      halted,
      balanced: balanced === 1,
    }));
}

/** When a job's run last came to its end, not halted and balanced; milliseconds since 1970. */
export function lastSuccess({ db }: Pick<Ledger, 'db'>, job: string): number | undefined {
  return db
    .prepare<[string], { ended_at: number }>(
      `SELECT ended_at FROM runs WHERE job = ? AND state = 'finished' AND json_extract(account, '$.halted') IS NULL
         AND json_extract(account, '$.balanced') = 1 ORDER BY id DESC LIMIT 1`,
    )
    .get(job)?.ended_at;
}

/** Bytes on disk. Looks at the directory only: opening the file beside SQLite would drop its locks. */
export function ledgerBytes({ path }: Pick<Ledger, 'path'>): { db: number; wal: number } {
  const size = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return { db: size(path), wal: size(`${path}-wal`) };
}
