import type { Ledger } from './open.ts';

/** A message that is to go to a channel. Times are milliseconds since 1970. */
export interface PlannedMessage {
  id: number;
  noticeId: number | null;
  job: string;
  channel: string;
  phase: 'opened' | 'solved' | 'summary';
  body: string;
  attempts: number;
  plannedAt: number;
  nextAt: number;
}

const COLUMNS =
  'id, notice_id AS noticeId, job, channel, phase, body, attempts, planned_at AS plannedAt, next_at AS nextAt';

/** Messages that wait for a channel, in the order in which they are to go. */
export function plannedMessages(ledger: Pick<Ledger, 'db'>, channel: string, limit: number): PlannedMessage[] {
  return ledger.db
    .prepare<[string, number], PlannedMessage>(
      `SELECT ${COLUMNS} FROM notice_messages WHERE channel = ? AND state = 'planned' ORDER BY id LIMIT ?`,
    )
    .all(channel, limit);
}

/** How many messages went to a channel since an instant; of one phase, where it is named. */
export function sentSince(ledger: Pick<Ledger, 'db'>, channel: string, since: number, phase?: 'summary'): number {
  const row = ledger.db
    .prepare<[string, number, string | null, string | null], { n: number }>(
      `SELECT count(*) AS n FROM notice_messages WHERE channel = ? AND state = 'sent' AND ended_at > ?
         AND (phase = ? OR ? IS NULL)`,
    )
    .get(channel, since, phase ?? null, phase ?? null);
  return row?.n ?? 0;
}

/** Whether the first word about a matter went to a channel: its end must follow, or an incident stays open there. */
export function wasOpened(ledger: Pick<Ledger, 'db'>, noticeId: number, channel: string): boolean {
  return (
    ledger.db
      .prepare(
        "SELECT 1 FROM notice_messages WHERE notice_id = ? AND channel = ? AND phase = 'opened' AND state = 'sent'",
      )
      .get(noticeId, channel) !== undefined
  );
}

/** Counts a try before it is made: a process that dies in it does not try for ever without a pause. */
export function beginTry(ledger: Ledger, id: number, nextAt: number): void {
  ledger.db.prepare('UPDATE notice_messages SET attempts = attempts + 1, next_at = ? WHERE id = ?').run(nextAt, id);
}

/** `dropped`: it could not be told, and is not tried again. */
export function endMessage(
  ledger: Ledger,
  id: number,
  state: 'sent' | 'dropped',
  problem: string | null,
  now: number,
): void {
  ledger.db
    .prepare('UPDATE notice_messages SET state = ?, problem = ?, ended_at = ? WHERE id = ?')
    .run(state, problem, now, id);
}

export function rememberProblem(ledger: Ledger, id: number, problem: string): void {
  ledger.db.prepare('UPDATE notice_messages SET problem = ? WHERE id = ?').run(problem, id);
}

/** Puts one summary in the place of many messages, in one transaction. */
export function foldMessages(
  ledger: Ledger,
  folded: readonly PlannedMessage[],
  summary: { job: string; channel: string; body: string },
  now: number,
): void {
  const { db } = ledger;
  const fold = db.prepare(
    "UPDATE notice_messages SET state = 'folded', ended_at = ? WHERE id = ? AND state = 'planned'",
  );
  db.transaction(() => {
    for (const { id } of folded) fold.run(now, id);
    db.prepare(
      `INSERT INTO notice_messages (notice_id, job, channel, phase, state, body, planned_at, next_at)
       VALUES (NULL, ?, ?, 'summary', 'planned', ?, ?, ?)`,
    ).run(summary.job, summary.channel, summary.body, now, now);
  }).immediate();
}

/** Drops what has waited for too long: in channels that are not there any more, and where every try failed. */
export function dropOldMessages(ledger: Ledger, channels: ReadonlySet<string>, before: number, now: number): number {
  const { db } = ledger;
  return db
    .transaction(() => {
      const old = db
        .prepare<[number], { id: number; channel: string; attempts: number }>(
          "SELECT id, channel, attempts FROM notice_messages WHERE state = 'planned' AND planned_at < ?",
        )
        .all(before)
        .filter(({ channel, attempts }) => attempts > 0 || !channels.has(channel));
      for (const { id } of old) endMessage(ledger, id, 'dropped', 'waited for too long', now);
      return old.length;
    })
    .immediate();
}

/** Channels with messages that could not be sent so far. */
export interface StuckChannel {
  job: string;
  channel: string;
  waiting: number;
  since: number;
  problem: string | null;
}

export function stuckChannels(ledger: Pick<Ledger, 'db'>): StuckChannel[] {
  return ledger.db
    .prepare<[], StuckChannel>(
      `SELECT min(job) AS job, channel, count(*) AS waiting, min(planned_at) AS since, max(problem) AS problem
       FROM notice_messages WHERE state = 'planned' AND channel IN
         (SELECT channel FROM notice_messages WHERE state = 'planned' AND attempts > 0)
       GROUP BY channel ORDER BY channel`,
    )
    .all();
}
