import type { RunAccount } from '../model.ts';
import { LINES, OF_PROCESSING } from './deliveries.ts';
import { hasTable } from './has-table.ts';
import { JUDGED_ANEW } from './known-files.ts';
import { REPLACED } from './matters.ts';
import type { Ledger } from './open.ts';
import { awaitedAnswers } from './uploads.ts';

/** How many, and since when the oldest waits: milliseconds since 1970 of its file's coming; 0 where there is none. */
export interface Waiting {
  count: number;
  since: number;
}

export interface LastRun {
  id: number;
  cause: string;
  state: 'running' | 'finished' | 'interrupted';
  startedAt: number;
  endedAt: number | null;
  account: RunAccount | null;
}

/** What a job has left undone. */
export interface JobState {
  job: string;
  lastRun: LastRun | null;
  /** The newest run that had a file to report on; its report is on the remote. */
  lastReported: { id: number; at: number } | null;
  rows: { open: Waiting; failed: Waiting; held: Waiting; conflict: Waiting };
  files: { open: Waiting; held: Waiting; refused: Waiting };
  openFiles: OpenFile[];
}

/** A file that is not through yet. `read` is known once it is sealed. */
export interface OpenFile {
  name: string;
  state: string;
  since: number;
  read: number | null;
  delivered: number;
  /** The file that was sent for it, and whose answer is waited for since then. */
  awaits?: { name: string; since: number };
  /** The earlier file that it waits for, and whether that is still held; once it is not, the next run goes on. */
  waitsFor?: { processing: string; name: string; held: boolean };
}

const EMPTY: Waiting = { count: 0, since: 0 };

/** States of every job that the ledger knows, by id. Only reads, and never for long. */
export function jobStates(ledger: Pick<Ledger, 'db'>): Map<string, JobState> {
  const states = new Map<string, JobState>();
  const of = (job: string): JobState => {
    let state = states.get(job);
    if (!state) {
      state = {
        job,
        lastRun: null,
        lastReported: null,
        rows: { open: EMPTY, failed: EMPTY, held: EMPTY, conflict: EMPTY },
        files: { open: EMPTY, held: EMPTY, refused: EMPTY },
        openFiles: [],
      };
      states.set(job, state);
    }
    return state;
  };
  // One snapshot, so that the numbers belong together while a daemon writes.
  ledger.db.transaction(() => {
    for (const { job, run } of lastRuns(ledger)) {
      of(job).lastRun = run;
      of(job).lastReported = lastReported(ledger, job);
    }
    for (const { job, kind, ...waiting } of unfinishedRows(ledger))
      of(job).rows[kind] = add(of(job).rows[kind], waiting);
    for (const { job, ...waiting } of releasedRows(ledger)) of(job).rows.open = add(of(job).rows.open, waiting);
    for (const { job, open, ...file } of openFiles(ledger)) {
      of(job).openFiles.push(file);
      of(job).rows.open = add(of(job).rows.open, { count: open, since: file.since });
      of(job).files.open = add(of(job).files.open, { count: 1, since: file.since });
    }
    for (const left of closedLeftovers(ledger)) {
      const { rows, files } = of(left.job);
      rows.conflict = add(rows.conflict, { count: left.conflicts, since: left.conflictSince });
      rows.held = add(rows.held, { count: left.heldRows, since: left.heldSince });
      files.held = add(files.held, { count: left.heldFiles, since: left.heldSince });
      files.refused = add(files.refused, { count: left.refusedFiles, since: left.refusedSince });
    }
  })();
  return states;
}

/** Both, since the older of them. */
export function add(a: Waiting, b: Waiting): Waiting {
  if (b.count === 0) return a;
  if (a.count === 0) return { count: b.count, since: b.since };
  return { count: a.count + b.count, since: Math.min(a.since, b.since) };
}

interface RunRow {
  id: number;
  job: string;
  cause: string;
  state: LastRun['state'];
  started_at: number;
  ended_at: number | null;
  account: string | null;
}

function lastRuns({ db }: Pick<Ledger, 'db'>): { job: string; run: LastRun }[] {
  const rows = db
    .prepare<[], RunRow>('SELECT * FROM runs WHERE id IN (SELECT max(id) FROM runs GROUP BY job) ORDER BY job')
    .all();
  return rows.map((row) => ({
    job: row.job,
    run: {
      id: row.id,
      cause: row.cause,
      state: row.state,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      account: row.account === null ? null : JSON.parse(row.account),
    },
  }));
}

/** The newest run that took files up, and could reach the remote to report on them. Looks back run by run. */
function lastReported({ db }: Pick<Ledger, 'db'>, job: string): { id: number; at: number } | null {
  const row = db
    .prepare<[string], { id: number; at: number }>(
      `SELECT id, ended_at AS at FROM runs WHERE job = ? AND state = 'finished' AND json_array_length(account, '$.files') > 0
         AND (json_extract(account, '$.halted') IS NULL OR json_extract(account, '$.halted.by') = 'destination')
       ORDER BY id DESC LIMIT 1`,
    )
    .get(job);
  return row ?? null;
}

/** Rows that are in the ledger and not final. Open ones of files that are not through are counted with their files. */
function unfinishedRows({ db }: Pick<Ledger, 'db'>): ({ job: string; kind: 'open' | 'failed' | 'held' } & Waiting)[] {
  return db
    .prepare<[], { job: string; kind: 'open' | 'failed' | 'held' } & Waiting>(
      `SELECT p.job, CASE WHEN d.state IN ('failed','held') THEN d.state ELSE 'open' END AS kind,
         count(*) AS count, min(p.opened_at) AS since
       FROM deliveries d JOIN processings p ON p.id = d.processing_id
       WHERE d.unfinished = 1 AND (p.state = 'closed' OR d.state IN ('failed','held')) GROUP BY 1, 2`,
    )
    .all();
}

type OpenFileRow = { id: number; job: string; told: number | null; ended: number } & Omit<OpenFile, 'waitsFor'> & {
    waitsFor: string | null;
    held: number | null;
  };

/**
 * `open`: rows that have no outcome yet, most of which were never claimed and are in no delivery. As the last run told, less what has
 * ended since; before a run has told, rejected rows count among them.
 */
function openFiles(ledger: Pick<Ledger, 'db'>): ({ job: string; open: number } & OpenFile)[] {
  const answers = awaitedAnswers(ledger);
  return ledger.db
    .prepare<[], OpenFileRow>(
      `SELECT p.id, p.job, p.name, p.state, p.opened_at AS since, p.read, json_extract(p.account, '$.counts.open') AS told,
         (SELECT count(*) FROM deliveries d WHERE ${OF_PROCESSING} AND d.state = 'delivered') AS delivered,
         (SELECT count(*) FROM deliveries d WHERE ${OF_PROCESSING} AND d.state NOT IN ('claimed','waiting','unknown')) AS ended,
         json_extract(p.account, '$.waitsFor') AS waitsFor,
         (SELECT json_extract(w.refusal, '$.verdict') = 'held' FROM processings w
           WHERE w.id = CAST(substr(json_extract(p.account, '$.waitsFor.processing'), 2) AS INTEGER)) AS held
       FROM processings p WHERE p.state NOT IN ('closed','vanished') ORDER BY p.id`,
    )
    .all()
    .map(({ id, told, ended, waitsFor, held, ...file }) => {
      const left = Math.max(0, (file.read ?? 0) - ended);
      const awaits = answers.get(id);
      const behind = waitsFor === null ? {} : { waitsFor: { ...JSON.parse(waitsFor), held: held === 1 } };
      return { ...file, ...(awaits ? { awaits } : {}), ...behind, open: Math.min(told ?? left, left) };
    });
}

interface Leftovers {
  job: string;
  conflicts: number;
  conflictSince: number;
  heldRows: number;
  heldFiles: number;
  heldSince: number;
  refusedFiles: number;
  refusedSince: number;
}

/**
 * What closed files left to a person: rows in conflict, files held as a whole (their rows are in no delivery), refused
 * files. Conflicts of members are not among them: the ledger alone does not know whether a later file has said which holds. Only while their staged copy is kept, and only the newest pass over the same contents. A refused file is over once a later one of its
 * name was not refused.
 */
function closedLeftovers({ db }: Pick<Ledger, 'db'>): Leftovers[] {
  // Where a person picked one row, the others stay in conflict and wait for nobody.
  const decidedConflicts = hasTable({ db }, 'decided_rows')
    ? `(SELECT count(*) FROM decided_rows r JOIN deliveries d ON d.id = r.processing_id * ${LINES} + r.line
         WHERE r.processing_id = p.id AND r.line > 0 AND d.state = 'conflict')`
    : '0';
  return db
    .prepare<[], Leftovers>(
      `SELECT job, sum(conflicts) AS conflicts, coalesce(min(CASE WHEN conflicts > 0 THEN opened_at END), 0) AS conflictSince,
         sum(CASE WHEN state = 'held' THEN held ELSE 0 END) AS heldRows, sum(state = 'held') AS heldFiles,
         coalesce(min(CASE WHEN state = 'held' THEN opened_at END), 0) AS heldSince,
         sum(state = 'refused') AS refusedFiles, coalesce(min(CASE WHEN state = 'refused' THEN opened_at END), 0) AS refusedSince
       FROM (
         SELECT job, opened_at,
           CASE WHEN lane IS 'members' THEN 0 ELSE json_extract(account, '$.counts.conflict') - ${decidedConflicts} END AS conflicts,
           json_extract(account, '$.counts.held') AS held, json_extract(account, '$.state') AS state
         FROM processings p
         WHERE state = 'closed' AND repeat_of IS NULL AND pruned_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM processings later WHERE later.file_id = p.file_id AND later.id > p.id
             AND later.repeat_of IS NULL AND later.state <> 'vanished' AND ${JUDGED_ANEW('later')})
           AND NOT (json_extract(account, '$.state') = 'refused' AND ${REPLACED})
       ) GROUP BY job`,
    )
    .all();
}

/** Rows of files that were held as a whole and released, and that were not claimed so far: they are in no delivery yet. */
function releasedRows({ db }: Pick<Ledger, 'db'>): ({ job: string } & Waiting)[] {
  return db
    .prepare<[], { job: string } & Waiting>(
      `SELECT p.job, p.opened_at AS since, json_extract(p.account, '$.counts.open')
           - (SELECT count(*) FROM deliveries d WHERE ${OF_PROCESSING} AND d.unfinished = 1 AND d.state IN ('waiting','unknown')) AS count
       FROM processings p WHERE p.state = 'closed' AND json_extract(p.refusal, '$.verdict') = 'released'
         AND json_extract(p.account, '$.counts.open') > 0`,
    )
    .all();
}

/** How many rows of each job are not final: a job with some must not vanish. A file not yet read counts as one. */
export function unfinishedByJob(ledger: Pick<Ledger, 'db'>): { job: string; open: number }[] {
  return ledger.db
    .prepare<[], { job: string; open: number }>(
      `SELECT job, sum(n) AS open FROM (
         SELECT p.job, count(*) AS n FROM deliveries d JOIN processings p ON p.id = d.processing_id
           WHERE d.unfinished = 1 AND p.state = 'closed' GROUP BY p.job
         UNION ALL
         SELECT job, max(1, coalesce(read, 1) - (SELECT count(*) FROM deliveries d
             WHERE ${OF_PROCESSING} AND d.state IN ('delivered','rejected','conflict','duplicate'))) AS n
           FROM processings p WHERE state NOT IN ('closed','vanished')
       ) GROUP BY job ORDER BY job`,
    )
    .all();
}
