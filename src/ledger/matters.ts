import { LINES } from './deliveries.ts';
import { JUDGED_ANEW } from './known-files.ts';
import type { Ledger } from './open.ts';

/** What the ledger knows of a file that people may have to be told of. Times are milliseconds since 1970. */
export interface FileFacts {
  id: number;
  /** As in the processing: refused, held, expired and so on. */
  verdict: string | null;
  code: string | null;
  openedAt: number;
  balanced: boolean;
  read: number;
  rejected: number;
  held: number;
  reasons: { code: string; outcome: string; count: number }[];
  /** A later pass over its contents, or a later file of its name, was not refused. */
  replaced: boolean;
  /** Its contents were gone over once more. */
  passedAgain: boolean;
}

/** A later pass that is no mere repeat and knows what it is about. */
const LATER = `l.job = p.job AND l.id > p.id AND l.repeat_of IS NULL AND l.state IN ('sealed','settled','published','closed')`;

/** Of a processing `p`: a later pass over its contents, or a later file of its name, was not refused. */
export const REPLACED = `EXISTS (SELECT 1 FROM processings l WHERE ${LATER} AND (l.file_id = p.file_id OR l.name = p.name)
           AND coalesce(json_extract(l.refusal, '$.verdict'), '') <> 'refused')`;

interface Row
  extends Omit<FileFacts, 'balanced' | 'replaced' | 'passedAgain' | 'reasons' | 'read' | 'rejected' | 'held'> {
  balanced: number;
  replaced: number;
  passedAgain: number;
  reasons: string | null;
  read: number | null;
  rejected: number | null;
  held: number | null;
}

/** Closed files of a job that were closed since an instant, and those with the given ids. Repeats are left out. */
export function fileFacts(ledger: Pick<Ledger, 'db'>, job: string, since: number, ids: readonly number[]): FileFacts[] {
  return ledger.db
    .prepare<[string, number, string], Row>(
      `SELECT p.id, json_extract(p.refusal, '$.verdict') AS verdict, json_extract(p.refusal, '$.code') AS code,
         p.opened_at AS openedAt, json_extract(p.account, '$.balanced') AS balanced,
         json_extract(p.account, '$.counts.read') AS read, json_extract(p.account, '$.counts.rejected') AS rejected,
         json_extract(p.account, '$.counts.held') AS held, json_extract(p.account, '$.reasons') AS reasons,
         ${REPLACED} AS replaced,
         EXISTS (SELECT 1 FROM processings l WHERE ${LATER} AND l.file_id = p.file_id) AS passedAgain
       FROM processings p
       WHERE p.job = ? AND p.repeat_of IS NULL AND p.state = 'closed'
         AND (p.closed_at >= ? OR p.id IN (SELECT value FROM json_each(?)))
       ORDER BY p.id`,
    )
    .all(job, since, JSON.stringify(ids))
    .map((row) => ({
      ...row,
      balanced: row.balanced === 1,
      replaced: row.replaced === 1,
      passedAgain: row.passedAgain === 1,
      read: row.read ?? 0,
      rejected: row.rejected ?? 0,
      held: row.held ?? 0,
      reasons: row.reasons === null ? [] : JSON.parse(row.reasons),
    }));
}

/** The newest file of a job of which at most a share of the rows is rejected; 0 where there is none. */
export function newestGoodFile(ledger: Pick<Ledger, 'db'>, job: string, share: number): number {
  return (
    ledger.db
      .prepare<[string, number], { id: number }>(
        `SELECT id FROM processings WHERE job = ? AND repeat_of IS NULL AND state = 'closed' AND refusal IS NULL
           AND json_extract(account, '$.counts.read') > 0
           AND json_extract(account, '$.counts.rejected') <= json_extract(account, '$.counts.read') * ?
         ORDER BY closed_at DESC LIMIT 1`,
      )
      .get(job, share)?.id ?? 0
  );
}

export interface RunFacts {
  id: number;
  balanced: boolean;
  halted: string | null;
  /** `destination` where that stopped it. */
  haltedBy: string | null;
  files: number;
  delivered: number;
  read: number;
  /** Rows and files that somebody has to look at. */
  attention: number;
  /** A file is left half way, and it is neither the destination's answer nor a person that it waits for. */
  stuck: boolean;
  /** It made room for other work, and is to be gone on with at once. */
  goesOn: boolean;
  endedAt: number;
}

const RUN = `SELECT id, ended_at AS endedAt, json_extract(account, '$.balanced') AS balanced,
    json_extract(account, '$.halted.code') AS halted, json_extract(account, '$.halted.by') AS haltedBy,
    json_array_length(account, '$.files') AS files, json_extract(account, '$.counts.delivered') AS delivered,
    json_extract(account, '$.counts.read') AS read,
    json_extract(account, '$.counts.conflict') + json_extract(account, '$.counts.failed')
      + json_extract(account, '$.counts.held') + json_extract(account, '$.seen.held')
      + json_extract(account, '$.seen.refused') + json_extract(account, '$.seen.open')
      + (SELECT count(*) FROM json_each(account, '$.exports') e WHERE json_extract(e.value, '$.state') <> 'published')
      + (SELECT count(*) FROM json_each(account, '$.pushes') u WHERE json_extract(u.value, '$.state') = 'open'
        OR json_extract(u.value, '$.counts.failed') > 0) AS attention,
    json_extract(account, '$.goesOn') IS NULL AND EXISTS (SELECT 1 FROM json_each(account, '$.files') f
      WHERE json_extract(f.value, '$.state') = 'open' AND json_extract(f.value, '$.awaits') IS NULL
        AND json_extract(f.value, '$.waitsFor') IS NULL) AS stuck,
    json_extract(account, '$.goesOn') IS NOT NULL AS goesOn
  FROM runs WHERE job = ? AND state = 'finished'`;

type RunRow = Omit<RunFacts, 'balanced' | 'stuck' | 'goesOn'> & { balanced: number; stuck: number; goesOn: number };

const factsOf = (row: RunRow): RunFacts => ({
  ...row,
  balanced: row.balanced === 1,
  stuck: row.stuck === 1,
  goesOn: row.goesOn === 1,
});

/** Finished runs of a job, newest first, at most `limit`. */
export function newestRuns(ledger: Pick<Ledger, 'db'>, job: string, limit: number): RunFacts[] {
  return ledger.db.prepare<[string, number], RunRow>(`${RUN} ORDER BY id DESC LIMIT ?`).all(job, limit).map(factsOf);
}

/** Finished runs of a job after one, oldest first, at most `limit`. */
export function runsAfter(ledger: Pick<Ledger, 'db'>, job: string, after: number, limit: number): RunFacts[] {
  return ledger.db
    .prepare<[string, number, number], RunRow>(`${RUN} AND id > ? ORDER BY id LIMIT ?`)
    .all(job, after, limit)
    .map(factsOf);
}

/** The newest finished run of a job that came to its end, or that the destination stopped. */
export function newestTellingRun(ledger: Pick<Ledger, 'db'>, job: string): RunFacts | undefined {
  const row = ledger.db
    .prepare<[string], RunRow>(
      `${RUN} AND (json_extract(account, '$.halted') IS NULL OR json_extract(account, '$.halted.by') = 'destination')
       ORDER BY id DESC LIMIT 1`,
    )
    .get(job);
  return row && factsOf(row);
}

/** Files of a job that came before an instant and still wait for something. */
export interface WaitingFile {
  id: number;
  open: number;
  failed: number;
  held: number;
  openedAt: number;
}

export function waitingFiles(ledger: Pick<Ledger, 'db'>, job: string, before: number): WaitingFile[] {
  const counted = (state: string): string =>
    `(SELECT count(*) FROM deliveries d WHERE d.unfinished = 1 AND d.id BETWEEN p.id * ${LINES} AND p.id * ${LINES} + ${LINES - 1} AND ${state})`;
  return ledger.db
    .prepare<[string, number], WaitingFile>(
      `SELECT * FROM (
         SELECT p.id, p.opened_at AS openedAt,
           CASE WHEN p.state <> 'closed' THEN coalesce(json_extract(p.account, '$.counts.open'), 0)
             ELSE ${counted("d.state IN ('waiting','unknown')")} END AS open,
           ${counted("d.state = 'failed'")} AS failed,
           CASE WHEN json_extract(p.refusal, '$.verdict') = 'held' THEN coalesce(json_extract(p.account, '$.counts.held'), 0)
             ELSE ${counted("d.state = 'held'")} END AS held,
           p.state <> 'closed' AS unclosed
         FROM processings p
         WHERE p.job = ? AND p.opened_at < ? AND p.state <> 'vanished' AND p.repeat_of IS NULL AND p.pruned_at IS NULL
           AND (p.state <> 'closed' OR json_extract(p.refusal, '$.verdict') = 'held' OR p.id IN
             (SELECT processing_id FROM deliveries WHERE unfinished = 1))
           AND NOT EXISTS (SELECT 1 FROM processings l WHERE l.file_id = p.file_id AND l.id > p.id AND l.repeat_of IS NULL
             AND l.state <> 'vanished' AND ${JUDGED_ANEW('l')})
       ) WHERE unclosed OR open + failed + held > 0 ORDER BY id`,
    )
    .all(job, before);
}

/** Files of a job with rows that are held since before an instant: their time is nearly over. */
export function expiringFiles(
  ledger: Pick<Ledger, 'db'>,
  job: string,
  heldBefore: number,
): { id: number; rows: number; heldSince: number }[] {
  return ledger.db
    .prepare<[string, number, string, number], { id: number; rows: number; heldSince: number }>(
      `SELECT d.processing_id AS id, count(*) AS rows, min(d.answered_at) AS heldSince
       FROM deliveries d JOIN processings p ON p.id = d.processing_id
       WHERE d.unfinished = 1 AND d.state = 'held' AND p.job = ? AND d.answered_at < ? GROUP BY d.processing_id
       UNION ALL
       SELECT id, coalesce(read, 0) AS rows, sealed_at AS heldSince FROM processings
       WHERE job = ? AND state = 'closed' AND repeat_of IS NULL AND pruned_at IS NULL AND sealed_at < ?
         AND json_extract(refusal, '$.verdict') = 'held'
       ORDER BY 1`,
    )
    .all(job, heldBefore, job, heldBefore);
}

/** The newest run of a job that began before an instant; 0 where there is none. */
export function newestRunBefore(ledger: Pick<Ledger, 'db'>, job: string, before: number): number {
  return (
    ledger.db
      .prepare<[string, number], { id: number | null }>(
        'SELECT max(id) AS id FROM runs WHERE job = ? AND started_at < ?',
      )
      .get(job, before)?.id ?? 0
  );
}
