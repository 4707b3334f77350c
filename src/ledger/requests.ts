import { hostname } from 'node:os';
import type Database from 'better-sqlite3';
import type { Ledger } from './open.ts';
import { overwritingNow } from './overwrite.ts';

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

/** Whether a request of this kind waits, or is being executed. */
export function isAsked({ db }: Pick<Ledger, 'db'>, verb: string): boolean {
  return db.prepare('SELECT 1 FROM requests WHERE verb = ? AND answered_at IS NULL').get(verb) !== undefined;
}

/** Takes a request back; `false` where it is being executed already. `daemonGone`: whoever took it has ended. */
export function withdrawRequest(db: Database.Database, id: number, daemonGone = false): boolean {
  const which = daemonGone ? 'answered_at IS NULL' : 'taken_at IS NULL';
  return db.prepare(`DELETE FROM requests WHERE id = ? AND ${which}`).run(id).changes === 1;
}

/** `gone`: nobody will ever answer it. */
export function answerOf(db: Database.Database, id: number): RequestAnswer | 'waiting' | 'gone' {
  const row = db
    .prepare<[number], { answer: string | null; exit_code: number | null }>(
      'SELECT answer, exit_code FROM requests WHERE id = ?',
    )
    .get(id);
  if (!row) return 'gone';
  return row.answer === null ? 'waiting' : { answer: row.answer, exitCode: row.exit_code ?? 0 };
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

/** What was asked goes with the answer: it may say who a person is, and nobody reads it any more. */
export function answerRequest(ledger: Ledger, id: number, { answer, exitCode }: RequestAnswer, now: number): void {
  const change = ledger.db.prepare(
    "UPDATE requests SET answered_at = ?, answer = ?, exit_code = ?, body = '{}' WHERE id = ?",
  );
  overwritingNow(ledger, () => change.run(now, answer, exitCode, id));
}

/**
 * At the start of a daemon: requests that the last one took and did not answer are taken up again, as long as somebody waits for
 * them. The commands that left the others have ended; what they had decided is in the ledger, and goes on from there.
 */
export function giveBackRequests(ledger: Ledger, now: number): void {
  const { db } = ledger;
  db.transaction(() => {
    const waiting = db
      .prepare<[], { id: number; requested_by: string; requested_at: number }>(
        'SELECT id, requested_by, requested_at FROM requests WHERE answered_at IS NULL',
      )
      .all();
    for (const { id, requested_by, requested_at } of waiting) {
      if (isWaiting(requested_by, requested_at, now))
        db.prepare('UPDATE requests SET taken_at = NULL WHERE id = ?').run(id);
      else db.prepare('DELETE FROM requests WHERE id = ?').run(id);
    }
  }).immediate();
}

/** `by` is host:pid. Of another host (a container beside this one) only the clock tells. */
function isWaiting(by: string, since: number, now: number): boolean {
  const [host, pid] = by.split(':');
  return host === hostname() ? isAlive(Number(pid)) : now - since < 60_000;
}

/** Whether a process of this machine lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
