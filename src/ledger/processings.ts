import type { FileAccount, Lane, RefusalDetail } from '../model.ts';
import { LINES, OF_PROCESSING } from './deliveries.ts';
import type { Ledger } from './open.ts';

/**
 * taking: the rename is planned; taken: it happened; staged: downloaded, hashed, the file claimed; sealed: known to be
 * whole (or refused, or held: then `refusal` says why); settled: no row is open; published: results are in place;
 * closed: the input is archived; vanished: it was gone before it was taken.
 */
export type ProcessingState =
  | 'taking'
  | 'taken'
  | 'staged'
  | 'sealed'
  | 'settled'
  | 'published'
  | 'closed'
  | 'vanished';

/** Why a file as a whole was refused, or is held. */
export interface FileVerdict extends RefusalDetail {
  /**
   * `expired`: held for too long, its rows are rejected. What a person decided about a held file: `released`, `rejected`;
   * `superseded`: it was processed again as a whole.
   */
  verdict: 'refused' | 'held' | 'expired' | 'released' | 'rejected' | 'superseded';
  /** Why a person decided so, or what it was superseded by. */
  decision?: string;
}

export interface Processing {
  id: number;
  job: string;
  runId: number;
  definitionId: number;
  destinationId: number;
  fileId: number | null;
  repeatOf: number | null;
  /** The earlier pass over the same contents that this one judges anew, because a person asked for it. */
  reprocessOf: number | null;
  name: string;
  inboxPath: string;
  takenPath: string;
  size: number;
  mtime: number;
  rawSha256: string | null;
  state: ProcessingState;
  lane: Lane | null;
  refusal: FileVerdict | null;
  read: number | null;
  account: FileAccount | null;
  /** The account as a finished run last told it. */
  told: FileAccount | null;
  revision: number;
  resultsPath: string | null;
  archivedAs: string | null;
  openedAt: number;
  sealedAt: number | null;
  /** Null on a closed processing: its published results lag behind what is known of its rows. */
  settledAt: number | null;
  /** 1: the ledger was restored since, and it is not known yet what became of its rows meanwhile. */
  restored: 0 | 1;
}

interface Row {
  id: number;
  job: string;
  run_id: number;
  definition_id: number;
  destination_id: number;
  file_id: number | null;
  repeat_of: number | null;
  reprocess_of: number | null;
  name: string;
  inbox_path: string;
  taken_path: string;
  size: number;
  mtime: number;
  raw_sha256: string | null;
  state: ProcessingState;
  lane: Lane | null;
  refusal: string | null;
  read: number | null;
  account: string | null;
  told: string | null;
  revision: number;
  results_path: string | null;
  archived_as: string | null;
  opened_at: number;
  sealed_at: number | null;
  settled_at: number | null;
  restored: 0 | 1;
}

const processingOf = (row: Row): Processing => ({
  id: row.id,
  job: row.job,
  runId: row.run_id,
  definitionId: row.definition_id,
  destinationId: row.destination_id,
  fileId: row.file_id,
  repeatOf: row.repeat_of,
  reprocessOf: row.reprocess_of,
  name: row.name,
  inboxPath: row.inbox_path,
  takenPath: row.taken_path,
  size: row.size,
  mtime: row.mtime,
  rawSha256: row.raw_sha256,
  state: row.state,
  lane: row.lane,
  refusal: row.refusal === null ? null : JSON.parse(row.refusal),
  read: row.read,
  account: row.account === null ? null : JSON.parse(row.account),
  told: row.told === null ? null : JSON.parse(row.told),
  revision: row.revision,
  resultsPath: row.results_path,
  archivedAs: row.archived_as,
  openedAt: row.opened_at,
  sealedAt: row.sealed_at,
  settledAt: row.settled_at,
  restored: row.restored,
});

export function getProcessing(ledger: Ledger, id: number): Processing {
  const row = ledger.db.prepare<[number], Row>('SELECT * FROM processings WHERE id = ?').get(id);
  if (!row) throw new Error(`the ledger knows no processing ${id}`);
  return processingOf(row);
}

/** Plans to take a file: committed before it is renamed, so that a crash in between finds it again. */
export function openProcessing(
  ledger: Ledger,
  plan: {
    job: string;
    runId: number;
    definitionId: number;
    destinationId: number;
    name: string;
    inboxPath: string;
    size: number;
    mtime: number;
    now: number;
    /** Gives the path it will be taken to, which carries the processing's id. */
    takenPath: (id: number) => string;
  },
): Processing {
  const { db } = ledger;
  const id = db
    .transaction(() => {
      const made = db
        .prepare(
          `INSERT INTO processings (job, run_id, definition_id, destination_id, name, inbox_path, taken_path, size, mtime, state, opened_at)
           VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, 'taking', ?)`,
        )
        .run(
          plan.job,
          plan.runId,
          plan.definitionId,
          plan.destinationId,
          plan.name,
          plan.inboxPath,
          plan.size,
          plan.mtime,
          plan.now,
        );
      const id = Number(made.lastInsertRowid);
      db.prepare('UPDATE processings SET taken_path = ? WHERE id = ?').run(plan.takenPath(id), id);
      return id;
    })
    .immediate();
  return getProcessing(ledger, id);
}

/** Changes a processing and returns it as it now stands. */
export function updateProcessing(
  ledger: Ledger,
  id: number,
  change: Partial<{
    state: ProcessingState;
    fileId: number;
    repeatOf: number;
    size: number;
    mtime: number;
    rawSha256: string;
    lane: Lane;
    refusal: FileVerdict;
    read: number;
    account: FileAccount;
    revision: number;
    resultsPath: string;
    archivedAs: string;
    sealedAt: number;
    settledAt: number | null;
    closedAt: number;
    prunedAt: number | null;
    restored: 0 | 1;
  }>,
): Processing {
  const columns: Record<string, string> = {
    state: 'state',
    fileId: 'file_id',
    repeatOf: 'repeat_of',
    size: 'size',
    mtime: 'mtime',
    rawSha256: 'raw_sha256',
    lane: 'lane',
    refusal: 'refusal',
    read: 'read',
    account: 'account',
    revision: 'revision',
    resultsPath: 'results_path',
    archivedAs: 'archived_as',
    sealedAt: 'sealed_at',
    settledAt: 'settled_at',
    closedAt: 'closed_at',
    prunedAt: 'pruned_at',
    restored: 'restored',
  };
  const entries = Object.entries(change);
  const assignments = entries.map(([name]) => `${columns[name]} = ?`).join(', ');
  const values = entries.map(([, value]) =>
    typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
  );
  ledger.db.prepare(`UPDATE processings SET ${assignments} WHERE id = ?`).run(...values, id);
  return getProcessing(ledger, id);
}

/** Claims a file's contents for a job. `known`: its first processing, where the same contents were seen before. */
export function claimFile(
  ledger: Ledger,
  processing: Processing,
  contents: { sha256: string; rawSha256: string; bytes: number },
  now: number,
): { processing: Processing; known?: Processing } {
  const { db } = ledger;
  const known = db
    .transaction(() => {
      db.prepare(
        'INSERT INTO files (job, sha256, bytes, name, first_seen) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      ).run(processing.job, contents.sha256, contents.bytes, processing.name, now);
      const file = db
        .prepare<[string, string], { id: number }>('SELECT id FROM files WHERE job = ? AND sha256 = ?')
        .get(processing.job, contents.sha256);
      if (!file) throw new Error('the file just claimed is not in the ledger');
      db.prepare("UPDATE processings SET file_id = ?, raw_sha256 = ?, state = 'staged' WHERE id = ?").run(
        file.id,
        contents.rawSha256,
        processing.id,
      );
      return db
        .prepare<[number, number], Row>(
          'SELECT * FROM processings WHERE file_id = ? AND id <> ? AND repeat_of IS NULL AND keys_pruned_at IS NULL ORDER BY id DESC LIMIT 1',
        )
        .get(file.id, processing.id);
    })
    .immediate();
  const claimed = getProcessing(ledger, processing.id);
  return known ? { processing: claimed, known: processingOf(known) } : { processing: claimed };
}

/** Processings of a job that are not closed, oldest first. */
export function openProcessings(ledger: Ledger, job: string): Processing[] {
  return ledger.db
    .prepare<[string], Row>(
      "SELECT * FROM processings WHERE job = ? AND state NOT IN ('closed','vanished') ORDER BY id",
    )
    .all(job)
    .map(processingOf);
}

/** A segment is not through yet, of which there may be no row: a file that empties it. */
const SYNC_TO_GO_ON = `EXISTS (SELECT 1 FROM segment_syncs y WHERE y.processing_id = p.id
  AND (y.state = 'running' OR y.state = 'held' AND json_extract(p.refusal, '$.verdict') = 'released'))`;

/** Closed processings of a job that have rows or segments to go on with, or whose results lag behind their rows, oldest first. */
export function processingsToRetry(ledger: Ledger, job: string): Processing[] {
  return ledger.db
    .prepare<[string], Row>(
      `SELECT * FROM processings p WHERE job = ? AND state = 'closed' AND pruned_at IS NULL AND (settled_at IS NULL OR EXISTS
         (SELECT 1 FROM deliveries d WHERE ${OF_PROCESSING} AND d.unfinished = 1 AND d.state <> 'held') OR ${SYNC_TO_GO_ON})
       ORDER BY id`,
    )
    .all(job)
    .map(processingOf);
}

/** Closed processings of a job, with nothing left to do, of which no finished run has told: the one that closed them died. */
export function untoldProcessings(ledger: Ledger, job: string): Processing[] {
  const toRetry = new Set(processingsToRetry(ledger, job).map(({ id }) => id));
  return ledger.db
    .prepare<[string], Row>(
      "SELECT * FROM processings WHERE job = ? AND state = 'closed' AND account IS NOT told ORDER BY id",
    )
    .all(job)
    .map(processingOf)
    .filter(({ id }) => !toRetry.has(id));
}

/** How many rows of a processing are in each state. */
export function deliveryCounts(ledger: Ledger, processingId: number): Record<string, number> {
  const rows = ledger.db
    .prepare<[number, number], { state: string; n: number }>(
      'SELECT state, count(*) AS n FROM deliveries WHERE id BETWEEN ? AND ? GROUP BY state',
    )
    .all(processingId * LINES, processingId * LINES + LINES - 1);
  return Object.fromEntries(rows.map((row) => [row.state, row.n]));
}

/** Order hashes (hex) of rows of earlier processings of the job that are open or failed: later rows wait behind them. */
export function blockedOrders(ledger: Ledger, job: string, beforeProcessing: number): Set<string> {
  const rows = ledger.db
    .prepare<[string, number], { order_hash: Buffer }>(
      `SELECT DISTINCT d.order_hash FROM deliveries d JOIN processings p ON p.id = d.processing_id
       WHERE p.job = ? AND d.id < ? AND d.order_hash IS NOT NULL
         AND d.unfinished = 1 AND d.state <> 'held'`,
    )
    .all(job, beforeProcessing * LINES);
  return new Set(rows.map((row) => row.order_hash.toString('hex')));
}

/** The newest earlier processing of the same contents that judged them itself. */
export function firstProcessing(ledger: Ledger, fileId: number, before: number): Processing | undefined {
  const row = ledger.db
    .prepare<[number, number], Row>(
      "SELECT * FROM processings WHERE file_id = ? AND id < ? AND repeat_of IS NULL AND keys_pruned_at IS NULL AND state <> 'vanished' ORDER BY id DESC LIMIT 1",
    )
    .get(fileId, before);
  return row && processingOf(row);
}
