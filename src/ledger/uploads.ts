import type { FileLane, Notice } from '../model.ts';
import { LINES } from './deliveries.ts';
import { mustHold } from './fence.ts';
import { hasTable } from './has-table.ts';
import type { Ledger } from './open.ts';

/**
 * claiming: rows are being claimed and the file written; planned: the file is whole, and may or may not have left;
 * uploaded: the destination (or the folder) has it; started: a batch job reads it; answered: every row has its answer;
 * unanswered: time is over, its rows are held, a late answer still counts; refused: as a whole, its rows are held; empty: no
 * row was left to send.
 */
export type UploadState =
  | 'claiming'
  | 'planned'
  | 'uploaded'
  | 'started'
  | 'answered'
  | 'unanswered'
  | 'refused'
  | 'empty';

/** States in which an answer is still looked for. */
export const WATCHED: readonly UploadState[] = ['claiming', 'planned', 'uploaded', 'started', 'unanswered'];
const WATCHED_SQL = `(${WATCHED.map((state) => `'${state}'`).join(',')})`;

/** A whole file that goes to a destination. */
export interface Upload {
  id: number;
  processingId: number;
  part: number;
  lane: FileLane;
  name: string;
  format: 'csv' | 'psv';
  columns: string[];
  state: UploadState;
  rows: number;
  bytes: number;
  sha256: string;
  fileId: string;
  batchId: string;
  /** Milliseconds since 1970, as the following; 0: not yet. */
  plannedAt: number;
  askedAt: number;
  uploadedAt: number;
  lookedAt: number;
  status: string;
  notices: Notice[];
}

interface Row {
  id: number;
  processing_id: number;
  part: number;
  lane: FileLane;
  name: string;
  format: 'csv' | 'psv';
  columns: string;
  state: UploadState;
  rows: number | null;
  bytes: number | null;
  sha256: string | null;
  file_id: string | null;
  batch_id: string | null;
  planned_at: number;
  asked_at: number | null;
  uploaded_at: number | null;
  looked_at: number | null;
  status: string | null;
  notices: string | null;
}

const uploadOf = (row: Row): Upload => ({
  id: row.id,
  processingId: row.processing_id,
  part: row.part,
  lane: row.lane,
  name: row.name,
  format: row.format,
  columns: JSON.parse(row.columns),
  state: row.state,
  rows: row.rows ?? 0,
  bytes: row.bytes ?? 0,
  sha256: row.sha256 ?? '',
  fileId: row.file_id ?? '',
  batchId: row.batch_id ?? '',
  plannedAt: row.planned_at,
  askedAt: row.asked_at ?? 0,
  uploadedAt: row.uploaded_at ?? 0,
  lookedAt: row.looked_at ?? 0,
  status: row.status ?? '',
  notices: row.notices === null ? [] : JSON.parse(row.notices),
});

export function getUpload(ledger: Pick<Ledger, 'db'>, id: number): Upload {
  const row = ledger.db.prepare<[number], Row>('SELECT * FROM uploads WHERE id = ?').get(id);
  if (!row) throw new Error(`the ledger knows no upload ${id}`);
  return uploadOf(row);
}

/** Uploads of a processing, first to last. */
export function uploadsOf(ledger: Pick<Ledger, 'db'>, processingId: number): Upload[] {
  return ledger.db
    .prepare<[number], Row>('SELECT * FROM uploads WHERE processing_id = ? ORDER BY part')
    .all(processingId)
    .map(uploadOf);
}

/** Plans the next file of a processing: its name and header are settled before its first row is claimed. */
export function planUpload(
  ledger: Ledger,
  plan: { processingId: number; lane: FileLane; format: 'csv' | 'psv'; columns: readonly string[]; now: number },
  nameFor: (part: number) => string,
): Upload {
  const { processingId, lane, format, columns, now } = plan;
  const id = ledger.db
    .transaction(() => {
      mustHold(ledger);
      const part = uploadsOf(ledger, processingId).length + 1;
      const made = ledger.db
        .prepare(
          `INSERT INTO uploads (processing_id, part, lane, name, format, columns, state, planned_at)
           VALUES (?, ?, ?, ?, ?, ?, 'claiming', ?)`,
        )
        .run(processingId, part, lane, nameFor(part), format, JSON.stringify(columns), now);
      return Number(made.lastInsertRowid);
    })
    .immediate();
  return getUpload(ledger, id);
}

/** Changes an upload and returns it as it now stands. */
export function updateUpload(
  ledger: Ledger,
  id: number,
  change: Partial<{
    state: UploadState;
    rows: number;
    bytes: number;
    sha256: string;
    fileId: string;
    batchId: string;
    askedAt: number;
    uploadedAt: number;
    lookedAt: number;
    endedAt: number;
    status: string;
    notices: Notice[];
  }>,
): Upload {
  const columns: Record<string, string> = {
    state: 'state',
    rows: '"rows"',
    bytes: 'bytes',
    sha256: 'sha256',
    fileId: 'file_id',
    batchId: 'batch_id',
    askedAt: 'asked_at',
    uploadedAt: 'uploaded_at',
    lookedAt: 'looked_at',
    endedAt: 'ended_at',
    status: 'status',
    notices: 'notices',
  };
  const entries = Object.entries(change);
  const assignments = entries.map(([name]) => `${columns[name]} = ?`).join(', ');
  const values = entries.map(([, value]) => (typeof value === 'object' ? JSON.stringify(value) : value));
  ledger.db
    .transaction(() => {
      mustHold(ledger);
      ledger.db.prepare(`UPDATE uploads SET ${assignments} WHERE id = ?`).run(...values, id);
    })
    .immediate();
  return getUpload(ledger, id);
}

/** Uploads of a job's processings for which an answer is still looked for, oldest first. The lane `folder` waits for a person. */
export function watchedUploads(ledger: Pick<Ledger, 'db'>, job: string): Upload[] {
  return ledger.db
    .prepare<[string], Row>(
      `SELECT u.* FROM uploads u JOIN processings p ON p.id = u.processing_id
       WHERE p.job = ? AND u.state IN ${WATCHED_SQL} AND (u.lane <> 'folder' OR u.state IN ('claiming','planned')) ORDER BY u.id`,
    )
    .all(job)
    .map(uploadOf);
}

/** What the answer of a processing is awaited to: name and since when; by processing. Also of a ledger from before there were any. */
export function awaitedAnswers({ db }: Pick<Ledger, 'db'>): Map<number, { name: string; since: number }> {
  if (!hasTable({ db }, 'uploads')) return new Map();
  const rows = db
    .prepare<[], { processing_id: number; name: string; since: number }>(
      `SELECT processing_id, name, coalesce(uploaded_at, planned_at) AS since FROM uploads
       WHERE state IN ('uploaded','started') AND lane <> 'folder' ORDER BY id`,
    )
    .all();
  return new Map(rows.map(({ processing_id: id, name, since }) => [id, { name, since }]));
}

/** The upload whose answer an open processing waits for. */
export function awaitedUpload(ledger: Pick<Ledger, 'db'>, processingId: number): Upload | undefined {
  return uploadsOf(ledger, processingId).find(({ state }) => state === 'uploaded' || state === 'started');
}

/** The range of a processing's deliveries, both ends included. */
export const rangeOf = (processingId: number): [number, number] => [
  processingId * LINES,
  processingId * LINES + LINES - 1,
];
