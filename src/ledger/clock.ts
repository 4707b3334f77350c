import type { Ledger } from './open.ts';

/** Clocks are set right by some seconds or minutes all the time: so much ahead is waited for. */
const AHEAD_MS = 300_000;

/** Moments that something waits for or counts from: in the future, it would wait until then, be it a year. */
const MARKS: readonly (readonly [table: string, column: string])[] = [
  ['morning_reports', 'next_at'],
  ['notice_messages', 'next_at'],
  ['notice_messages', 'ended_at'],
  ['uploads', 'asked_at'],
  ['uploads', 'uploaded_at'],
  ['uploads', 'looked_at'],
  ['upload_answers', 'stable_since'],
  ['link_reports', 'asked_at'],
  ['links', 'as_of'],
  ['received_pages', 'task_at'],
  ['push_rows', 'failed_at'],
  ['executor', 'started_at'],
];

/** The same of what is small, and looked over each time: work that began before the clock was set back may still write there. */
const SMALL: typeof MARKS = [
  ['schedules', 'last_due_at'],
  ['watch_marks', 'value'],
];

/**
 * A ledger that nobody looked at for longer was put away, or the clock is wrong: nobody can tell which. Less than any age by which something
 * is given up, `failed.maxAge` of a week among them; a night, and a weekend, are no leap.
 */
const LEAP_MS = 3 * 86_400_000;
/** So long after a leap nothing is given up for its age: people look at a system that came back, or at its clock. */
const TRUSTED_AFTER_MS = 86_400_000;

/** The moment before a leap, and the first one after it. */
const BEFORE_LEAP = '/clock-before';
const AFTER_LEAP = '/clock-after';

/** Where the newest moment that this ledger was looked at is kept; no job has such an id. */
const SEEN = '/clock';

/**
 * Remembers the time, and finds out whether the clock was set back since it was last remembered, by more than five minutes. Then what lies
 * in the future by now is brought back to it, so that nothing stands still until the clock is there again. Ticks since
 * then fire once more. A leap ahead is remembered for `agedNow`. Returns by how many milliseconds the clock went back; 0: it did not.
 */
export function noticeClock({ db }: Pick<Ledger, 'db'>, now: number): number {
  return db
    .transaction(() => {
      const seen = recall(db, SEEN);
      remember(db, SEEN, now);
      if (seen !== undefined && now - seen > LEAP_MS) {
        remember(db, BEFORE_LEAP, seen);
        remember(db, AFTER_LEAP, now);
      }
      const wentBack = seen !== undefined && seen - now > AHEAD_MS;
      for (const [table, column] of wentBack ? [...SMALL, ...MARKS] : SMALL)
        db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${column} > ?`).run(now, now + (wentBack ? 0 : AHEAD_MS));
      if (!wentBack) return 0;
      // Reports of mornings that are to come yet, and would pass for the newest until then.
      db.prepare('DELETE FROM morning_reports WHERE due_at > ?').run(now);
      return seen - now;
    })
    .immediate();
}

/**
 * The time by which ages are told, where what is too old is given up for good: held rows, keys, staged files. For a day after the clock
 * leapt by more than three days it goes on from where it was, since a clock that is wrong by some weeks would let everything expire at once, and
 * free its keys.
 */
export function agedNow({ db }: Pick<Ledger, 'db'>, now: number): number {
  const [before, after] = [recall(db, BEFORE_LEAP), recall(db, AFTER_LEAP)];
  if (before === undefined || after === undefined) return now;
  return now >= after && now - after < TRUSTED_AFTER_MS ? before + (now - after) : now;
}

function recall(db: Ledger['db'], mark: string): number | undefined {
  return db.prepare<[string], { at: number }>('SELECT last_due_at AS at FROM schedules WHERE job = ?').get(mark)?.at;
}

function remember(db: Ledger['db'], mark: string, at: number): void {
  db.prepare(
    'INSERT INTO schedules (job, last_due_at) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET last_due_at = excluded.last_due_at',
  ).run(mark, at);
}
