import type { Ledger } from './open.ts';

export type ExpectationState = 'late' | 'missing' | 'early' | 'too-small' | 'too-large' | 'sequence-gap';

/** Something unusual about the file of a day. */
export interface Expectation {
  job: string;
  /** `2026-11-20`, in the job's zone. */
  day: string;
  state: ExpectationState;
  /** The processing it is about, as its number; empty where there is none. */
  subject: string;
  /** Milliseconds since 1970. */
  since: number;
  /** Numbers for people: rows found and allowed, the time of day. Never anything out of a file. */
  detail: Readonly<Record<string, string | number>>;
}

/** `ended`: `solved` by what came, or `over` where its time went by. */
export interface StoredExpectation extends Expectation {
  id: number;
  solvedAt: number | null;
  ended: 'solved' | 'over' | null;
}

interface Row extends Omit<StoredExpectation, 'detail' | 'solvedAt'> {
  detail: string;
  solved_at: number | null;
}

const stored = ({ detail, solved_at, ...row }: Row): StoredExpectation => ({
  ...row,
  solvedAt: solved_at,
  detail: JSON.parse(detail),
});

/** Those of a job that are not solved, oldest first. */
export function openExpectations(ledger: Pick<Ledger, 'db'>, job: string): StoredExpectation[] {
  return ledger.db
    .prepare<[string], Row>('SELECT * FROM expectations WHERE job = ? AND solved_at IS NULL ORDER BY day, id')
    .all(job)
    .map(stored);
}

/** Those of a job for the days from `from` to `to` (both included), oldest first. */
export function expectationsOfDays(
  ledger: Pick<Ledger, 'db'>,
  job: string,
  { from, to }: { from: string; to: string },
): StoredExpectation[] {
  return ledger.db
    .prepare<[string, string, string], Row>(
      'SELECT * FROM expectations WHERE job = ? AND day >= ? AND day <= ? ORDER BY day, id',
    )
    .all(job, from, to)
    .map(stored);
}

const identity = ({ day, state, subject }: Pick<Expectation, 'day' | 'state' | 'subject'>): string =>
  `${day} ${state} ${subject}`;

/**
 * Makes what is stored of a job agree with what holds now: opens what is new, ends what no longer holds. `over` says of one
 * that ends whether its time went by, rather than something coming that put it right. Repeating it changes nothing.
 */
export function keepExpectations(
  ledger: Ledger,
  job: string,
  found: readonly Expectation[],
  over: (ended: StoredExpectation) => boolean,
  now: number,
): void {
  const { db } = ledger;
  const open = db.prepare(
    `INSERT INTO expectations (job, day, state, subject, since, detail) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (job, day, state, subject) DO UPDATE SET solved_at = NULL, ended = NULL WHERE expectations.solved_at IS NOT NULL`,
  );
  const end = db.prepare('UPDATE expectations SET solved_at = ?, ended = ? WHERE id = ?');
  db.transaction(() => {
    const known = new Map(openExpectations(ledger, job).map((each) => [identity(each), each]));
    const holding = new Set(found.map(identity));
    for (const each of found) {
      if (known.has(identity(each))) continue;
      open.run(job, each.day, each.state, each.subject, each.since, JSON.stringify(each.detail));
    }
    for (const [id, each] of known) if (!holding.has(id)) end.run(now, over(each) ? 'over' : 'solved', each.id);
  }).immediate();
}

/** How one ended; `undefined` where it is not known, or has not ended. */
export function endingOf(
  ledger: Pick<Ledger, 'db'>,
  { job, day, state, subject }: Pick<Expectation, 'job' | 'day' | 'state' | 'subject'>,
): 'solved' | 'over' | undefined {
  return (
    ledger.db
      .prepare<[string, string, string, string], { ended: 'solved' | 'over' | null }>(
        'SELECT ended FROM expectations WHERE job = ? AND day = ? AND state = ? AND subject = ?',
      )
      .get(job, day, state, subject)?.ended ?? undefined
  );
}
