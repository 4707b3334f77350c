import type Database from 'better-sqlite3';
import type { Ledger } from './open.ts';

/** What a command asks of the process that executes. `body` is JSON, as is the answer. */
export interface Request {
  id: number;
  verb: string;
  body: string;
}

export interface RequestAnswer {
  answer: string;
  exitCode: number;
}

/** Leaves a request for the executing process. Works beside it, without its lock. */
export function leaveRequest(db: Database.Database, verb: string, body: string, by: string, now: number): number {
  const made = db
    .prepare('INSERT INTO requests (verb, body, requested_by, requested_at) VALUES (?, ?, ?, ?)')
    .run(verb, body, by, now);
  return Number(made.lastInsertRowid);
}

/** Takes a request back; `false` where it is being executed already. */
export function withdrawRequest(db: Database.Database, id: number): boolean {
  return db.prepare('DELETE FROM requests WHERE id = ? AND taken_at IS NULL').run(id).changes === 1;
}

export function answerOf(db: Database.Database, id: number): RequestAnswer | undefined {
  const row = db
    .prepare<[number], { answer: string | null; exit_code: number | null }>(
      'SELECT answer, exit_code FROM requests WHERE id = ? AND answered_at IS NOT NULL',
    )
    .get(id);
  return row && { answer: row.answer ?? '', exitCode: row.exit_code ?? 0 };
}

/** Takes the oldest request that waits, if there is one. */
export function takeRequest(ledger: Ledger, now: number): Request | undefined {
  return ledger.db
    .prepare<[number], Request>(
      `UPDATE requests SET taken_at = ? WHERE id = (SELECT min(id) FROM requests WHERE taken_at IS NULL)
       RETURNING id, verb, body`,
    )
    .get(now);
}

export function answerRequest(ledger: Ledger, id: number, { answer, exitCode }: RequestAnswer, now: number): void {
  ledger.db
    .prepare('UPDATE requests SET answered_at = ?, answer = ?, exit_code = ? WHERE id = ?')
    .run(now, answer, exitCode, id);
}

/** Requests whose daemon died under them: nobody waits for them any more. */
export function dropStaleRequests(ledger: Ledger, now: number): void {
  ledger.db
    .prepare('DELETE FROM requests WHERE answered_at IS NULL AND (taken_at IS NOT NULL OR requested_at < ?)')
    .run(now - 60_000);
}
