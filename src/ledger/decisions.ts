import type Database from 'better-sqlite3';
import { LINES } from './deliveries.ts';
import { hasTable } from './has-table.ts';
import type { Ledger } from './open.ts';

/** What a person decided, and why. Kept for ever. */
export interface Decision {
  id: number;
  verb: string;
  job: string;
  processingId: number | null;
  line: number | null;
  key: string | null;
  /** What was asked for, in plain values. */
  scope: object;
  /** Rows that were to leave, or to be rejected. */
  rows: number;
  reason: string;
  by: string;
  host: string;
  /** Milliseconds since 1970. */
  at: number;
  requestId: number | null;
}

/** A row a decision was about; line 0: the file as a whole. */
export interface DecidedRow {
  processingId: number;
  line: number;
}

/** Keeps a decision and what it was about. Runs inside the transaction that carries it out. Returns its number. */
export function recordDecision(
  db: Database.Database,
  decision: Omit<Decision, 'id'>,
  rows: readonly DecidedRow[],
): number {
  const made = db
    .prepare(
      `INSERT INTO decisions (verb, job, processing_id, line, key, scope, rows, reason, decided_by, host, at, request_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      decision.verb,
      decision.job,
      decision.processingId,
      decision.line,
      decision.key,
      JSON.stringify(decision.scope),
      decision.rows,
      decision.reason,
      decision.by,
      decision.host,
      decision.at,
      decision.requestId,
    );
  const id = Number(made.lastInsertRowid);
  const about = db.prepare('INSERT INTO decided_rows (processing_id, line, decision_id) VALUES (?, ?, ?)');
  for (const { processingId, line } of rows) about.run(processingId, line, id);
  return id;
}

/** Decisions about a row, or about its file as a whole, oldest first. */
export function decisionsAbout(ledger: Pick<Ledger, 'db'>, processingId: number, line: number): Decision[] {
  if (!hasTable(ledger, 'decided_rows')) return [];
  return ledger.db
    .prepare<[number, number], Omit<Decision, 'scope'> & { scope: string }>(
      `SELECT id, verb, job, processing_id AS processingId, line, key, scope, rows, reason, decided_by AS "by", host, at,
         request_id AS requestId
       FROM decisions WHERE id IN (SELECT decision_id FROM decided_rows WHERE processing_id = ? AND line IN (0, ?)) ORDER BY id`,
    )
    .all(processingId, line)
    .map(({ scope, ...decision }) => ({ ...decision, scope: JSON.parse(scope) }));
}

/** How many of the rows that were decided about wait for a person again, or failed. */
export function stillToDecide(ledger: Pick<Ledger, 'db'>, rows: readonly DecidedRow[]): number {
  const ofRow = ledger.db.prepare<[number], { state: string }>('SELECT state FROM deliveries WHERE id = ?');
  const ofFile = ledger.db.prepare<[number], { waiting: number }>(
    `SELECT coalesce(json_extract(account, '$.counts.held') + json_extract(account, '$.counts.failed'), 0) AS waiting
     FROM processings WHERE id = ?`,
  );
  let waiting = 0;
  for (const { processingId, line } of rows) {
    const state = line === 0 ? '' : (ofRow.get(processingId * LINES + line)?.state ?? '');
    if (line === 0) waiting += ofFile.get(processingId)?.waiting ?? 0;
    else if (state === 'held' || state === 'failed') waiting++;
  }
  return waiting;
}
