import { LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';

/** A processing whose keys no acceptable row can have any more. */
export interface OldKeys {
  processing: number;
  keys: number;
}

/** Rows of a statement's table that are old enough to go, by what they are. */
export interface OldRecords {
  attempts: number;
  publications: number;
  requests: number;
  observations: number;
  /** Pages of members that were taken up, or that nobody took up for long. */
  received: number;
}

export interface Cutoffs {
  /** Answered requests of before this. */
  requests: number;
  /** What was last seen in an inbox before this. */
  observations: number;
  /** What others posted and was taken up before this, or 60 days before was posted. */
  received: number;
}

/** Attempts that ended without a yes and publications go with the staged file: the row, its outcome and its reason stay. */
const OLD: Readonly<Record<keyof OldRecords, string>> = {
  attempts: `attempts WHERE delivery_id IN (SELECT d.id FROM deliveries d JOIN processings p ON p.id = d.processing_id
    WHERE p.state = 'closed' AND p.pruned_at IS NOT NULL AND d.unfinished IS NULL AND d.state <> 'claimed')`,
  publications: `publications WHERE published_at IS NOT NULL AND processing_id IN
    (SELECT id FROM processings WHERE state = 'closed' AND pruned_at IS NOT NULL)`,
  requests: 'requests WHERE answered_at < ?',
  observations: 'observations WHERE last_seen < ?',
  // Its members go with it. What nobody takes up, since no job names its segment, goes two months after the others.
  received: `received_pages WHERE coalesce(taken_up_at, received_at + ${60 * 86_400_000}) < ?`,
};

const NAMES: readonly (keyof OldRecords)[] = ['attempts', 'publications', 'requests', 'observations', 'received'];

const cutoffOf = (name: keyof OldRecords, cutoffs: Cutoffs): number[] =>
  name === 'attempts' || name === 'publications' ? [] : [cutoffs[name]];

export function countOldRecords({ db }: Pick<Ledger, 'db'>, cutoffs: Cutoffs): OldRecords {
  const counts: OldRecords = { attempts: 0, publications: 0, requests: 0, observations: 0, received: 0 };
  for (const name of NAMES) {
    const row = db.prepare<number[], { n: number }>(`SELECT count(*) AS n FROM ${OLD[name]}`);
    counts[name] = row.get(...cutoffOf(name, cutoffs))?.n ?? 0;
  }
  return counts;
}

export function deleteOldRecords({ db }: Pick<Ledger, 'db'>, cutoffs: Cutoffs): OldRecords {
  const counts: OldRecords = { attempts: 0, publications: 0, requests: 0, observations: 0, received: 0 };
  for (const name of NAMES) {
    const remove = db.prepare<number[]>(`DELETE FROM ${OLD[name]}`);
    counts[name] = db.transaction(() => remove.run(...cutoffOf(name, cutoffs)).changes).immediate();
  }
  return counts;
}

/** Identities (of destinations) that the ledger has keys for, with the jobs that brought them. */
export function destinationsWithKeys({
  db,
}: Pick<Ledger, 'db'>): { id: number; account: string; container: string; jobs: string[] }[] {
  return db
    .prepare<[], { id: number; account: string; container: string; jobs: string }>(
      `SELECT d.id, d.account, d.container, json_group_array(DISTINCT p.job) AS jobs
       FROM destinations d JOIN processings p ON p.destination_id = d.id WHERE d.provider = 'extole' GROUP BY d.id`,
    )
    .all()
    .map(({ jobs, ...rest }) => ({ ...rest, jobs: JSON.parse(jobs) }));
}

/** Closed processings to a destination, none of whose rows is unfinished, and whose last row was answered before `before`. */
export function oldKeys({ db }: Pick<Ledger, 'db'>, destination: number, before: number): OldKeys[] {
  return db
    .prepare<[number, number, number], OldKeys>(
      `SELECT p.id AS processing, count(d.id) AS keys FROM processings p
         LEFT JOIN deliveries d ON d.id BETWEEN p.id * ${LINES} AND p.id * ${LINES} + ${LINES - 1}
       WHERE p.destination_id = ? AND p.state = 'closed' AND p.closed_at < ? AND p.keys_pruned_at IS NULL AND p.restored = 0
         AND coalesce(p.refusal, '') NOT LIKE '%"verdict":"held"%'
       GROUP BY p.id
       HAVING count(d.id) > 0 AND count(d.unfinished) = 0 AND sum(d.state = 'claimed') = 0
         AND max(coalesce(d.answered_at, d.claimed_at)) < ? ORDER BY p.id`,
    )
    .all(destination, before, before);
}

/** Says that a processing's keys go: from here on, the same contents are judged anew. Comes before the first key is deleted. */
export function beginKeysPruned({ db }: Pick<Ledger, 'db'>, processing: number, now: number): void {
  db.prepare('UPDATE processings SET keys_pruned_at = ? WHERE id = ?').run(now, processing);
}

/** Processings whose keys are going, and some of which are still there: a prune that was cut short goes on with them. */
export function halfPruned({ db }: Pick<Ledger, 'db'>): number[] {
  return db
    .prepare<[], { id: number }>(
      `SELECT id FROM processings p WHERE keys_pruned_at IS NOT NULL AND EXISTS
         (SELECT 1 FROM deliveries d WHERE d.id BETWEEN p.id * ${LINES} AND p.id * ${LINES} + ${LINES - 1})`,
    )
    .all()
    .map(({ id }) => id);
}

/** Deletes up to `most` keys of a processing, with their attempts, in one transaction. Returns how many there were. */
export function deleteKeys({ db }: Pick<Ledger, 'db'>, processing: number, most: number): number {
  const some = `SELECT id FROM deliveries WHERE id BETWEEN ${processing} * ${LINES} AND ${processing} * ${LINES} + ${LINES - 1} ORDER BY id LIMIT ?`;
  const attempts = db.prepare<[number]>(`DELETE FROM attempts WHERE delivery_id IN (${some})`);
  const keys = db.prepare<[number]>(`DELETE FROM deliveries WHERE id IN (${some})`);
  return db
    .transaction(() => {
      attempts.run(most);
      return keys.run(most).changes;
    })
    .immediate();
}

/** What the sweep of the staging folder asks of a processing. `inUse`: it, or a later pass over its contents, is under way. */
export function stagedStanding(
  { db }: Pick<Ledger, 'db'>,
  id: number,
): { pruned: boolean; closed: boolean; inUse: boolean } | undefined {
  const row = db
    .prepare<[number], { pruned: number; closed: number; inUse: number }>(
      `SELECT pruned_at IS NOT NULL AS pruned, state IN ('closed','vanished') AS closed,
         state NOT IN ('closed','vanished') OR settled_at IS NULL AND state = 'closed' OR EXISTS (SELECT 1 FROM processings q
           WHERE (q.repeat_of = p.id OR q.reprocess_of = p.id) AND q.state NOT IN ('closed','vanished')) AS inUse
       FROM processings p WHERE id = ?`,
    )
    .get(id);
  return row && { pruned: row.pruned === 1, closed: row.closed === 1, inUse: row.inUse === 1 };
}

/** Whether a job has not yet looked for its files after a restore: then nothing in the staging folder is known to be left over. */
export function restoreIsPending({ db }: Pick<Ledger, 'db'>, jobs: readonly string[]): boolean {
  const { n } = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM restores').get() ?? { n: 0 };
  if (n === 0) return false;
  const found = db.prepare<[string], { n: number }>('SELECT count(*) AS n FROM restored_jobs WHERE job = ?');
  return jobs.some((job) => (found.get(job)?.n ?? 0) < n);
}
