import type { Ledger } from './open.ts';

/** Something that people are told of while it lasts. */
export interface Matter {
  kind: string;
  /** What it is about, within job and kind: `p12`, `r7`, a day. */
  subject: string;
  /** Codes and numbers, never anything out of a file. */
  detail: Readonly<Record<string, string | number>>;
  /** Whether it still holds. One that came and went between two looks is told all the same. */
  holds: boolean;
  /** Told once for ever, not once while it lasts: it is about one file or one run. */
  once: boolean;
  /** Whether something can put it right, so that people wait to hear of it. */
  ends: boolean;
}

export interface OpenNotice {
  id: number;
  kind: string;
  subject: string;
  detail: Readonly<Record<string, string | number>>;
  openedAt: number;
}

/** `solved`: something put it right; `over`: it no longer matters, and only programs are told. */
export type Ending = 'solved' | 'over';

/** What a message about a matter says; written down with it, so that each try sends the same. */
export interface PlannedBody {
  channel: string;
  phase: 'opened' | 'solved';
  body: string;
}

export interface Telling {
  now: number;
  /** The messages for a matter that has come up. */
  opened(matter: Matter): PlannedBody[];
  /** Those for one that has ended; only channels that were told of it get one. */
  ended(notice: OpenNotice, ending: Ending): PlannedBody[];
  /** What an open notice that was not seen any more came to. */
  ending(notice: OpenNotice): Ending;
}

export function openNotices(ledger: Pick<Ledger, 'db'>, job: string): OpenNotice[] {
  return ledger.db
    .prepare<[string], Omit<OpenNotice, 'detail'> & { detail: string }>(
      'SELECT id, kind, subject, detail, opened_at AS openedAt FROM notices WHERE job = ? AND solved_at IS NULL ORDER BY id',
    )
    .all(job)
    .map((row) => ({ ...row, detail: JSON.parse(row.detail) }));
}

/**
 * Makes the notices of a job agree with what was found, and plans the messages, in one transaction: a matter and what is to be
 * said of it are known together, or not at all. `marks`: how far the look has got, kept with it. Repeating it says nothing twice.
 */
export function keepNotices(
  ledger: Ledger,
  job: string,
  matters: readonly Matter[],
  marks: Readonly<Record<string, number>>,
  telling: Telling,
): void {
  const { db } = ledger;
  const { now } = telling;
  const known = db.prepare('SELECT 1 FROM notices WHERE job = ? AND kind = ? AND subject = ?');
  const open = db.prepare('INSERT INTO notices (job, kind, subject, detail, opened_at) VALUES (?, ?, ?, ?, ?)');
  const end = db.prepare('UPDATE notices SET solved_at = ? WHERE id = ?');
  const wasTold = db.prepare(
    "SELECT 1 FROM notice_messages WHERE notice_id = ? AND channel = ? AND phase = 'opened' AND state <> 'dropped'",
  );
  const plan = db.prepare(
    `INSERT INTO notice_messages (notice_id, job, channel, phase, state, body, planned_at, next_at)
     VALUES (?, ?, ?, ?, 'planned', ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const mark = db.prepare(
    'INSERT INTO watch_marks (job, name, value) VALUES (?, ?, ?) ON CONFLICT (job, name) DO UPDATE SET value = excluded.value',
  );

  const finish = (notice: OpenNotice, ending: Ending): void => {
    end.run(now, notice.id);
    for (const { channel, phase, body } of telling.ended(notice, ending))
      if (wasTold.get(notice.id, channel)) plan.run(notice.id, job, channel, phase, body, now, now);
  };

  db.transaction(() => {
    const standing = new Map(openNotices(ledger, job).map((notice) => [`${notice.kind} ${notice.subject}`, notice]));
    for (const matter of matters) {
      const id = `${matter.kind} ${matter.subject}`;
      const notice = standing.get(id);
      standing.delete(id);
      if (notice) {
        if (!matter.holds) finish(notice, 'solved');
        continue;
      }
      if (!matter.once && !matter.holds) continue;
      if (matter.once && known.get(job, matter.kind, matter.subject)) continue;
      const detail = JSON.stringify(matter.detail);
      const made = Number(open.run(job, matter.kind, matter.subject, detail, now).lastInsertRowid);
      for (const { channel, phase, body } of telling.opened(matter))
        plan.run(made, job, channel, phase, body, now, now);
      if (matter.holds) continue;
      if (matter.ends) finish({ ...matter, id: made, openedAt: now }, 'solved');
      else end.run(now, made);
    }
    for (const notice of standing.values()) finish(notice, telling.ending(notice));
    for (const [name, value] of Object.entries(marks)) mark.run(job, name, value);
  }).immediate();
}

/** Removes what was told, and is over, since before an instant. Messages go first, since they belong to it. */
export function forgetNotices(ledger: Ledger, before: number): number {
  const { db } = ledger;
  return db
    .transaction(() => {
      const old = 'SELECT id FROM notices WHERE solved_at < ?';
      db.prepare(
        `DELETE FROM notice_messages WHERE state <> 'planned' AND ended_at < ? AND (notice_id IS NULL OR notice_id IN (${old}))`,
      ).run(before, before);
      const gone = db
        .prepare(
          `DELETE FROM notices WHERE solved_at < ? AND NOT EXISTS (SELECT 1 FROM notice_messages m WHERE m.notice_id = notices.id)`,
        )
        .run(before);
      db.prepare('DELETE FROM expectations WHERE solved_at < ?').run(before);
      db.prepare('DELETE FROM morning_reports WHERE published_at < ?').run(before);
      return gone.changes;
    })
    .immediate();
}
