import type { Ledger } from './open.ts';

/** Skipped numbers beyond this many are told as a range and not kept one by one. */
export const MOST_MISSING = 1000;

export interface SequenceRule {
  /** The first number there is; without it, the first one seen. */
  start?: number | undefined;
  step: number;
}

/** What a file's number says beside those before it. */
export interface SequenceFinding {
  /** The number that the job had got up to; `undefined`: there is none before this one. */
  last?: number;
  /** Numbers between the last one and this one, that no file has come with. */
  skipped: number[];
  /** Its file was missing until now, since this time in milliseconds. */
  missingSince?: number;
  /** Another file came with the same number. */
  takenBy?: string;
}

/** Looks a number up. A file that was refused or is held does not keep its number from another one. */
export function findSequence(
  ledger: Pick<Ledger, 'db'>,
  job: string,
  number: number,
  fileId: number | null,
  { start, step }: SequenceRule,
): SequenceFinding {
  const { db } = ledger;
  const own = db
    .prepare<
      [string, number],
      { state: string; missing_since: number | null; file_id: number | null; name: string; refusal: string | null }
    >(
      `SELECT s.state, s.missing_since, s.file_id, p.name, p.refusal FROM sequences s
       LEFT JOIN processings p ON p.id = s.processing_id WHERE s.job = ? AND s.number = ?`,
    )
    .get(job, number);
  const last = db
    .prepare<[string, number], { last: number | null }>(
      'SELECT max(number) AS last FROM sequences WHERE job = ? AND number < ?',
    )
    .get(job, number)?.last;
  const from = last ?? (start === undefined ? undefined : start - step);
  const skipped: number[] = [];
  if (from !== undefined && own === undefined)
    for (let n = from + step; n < number && skipped.length < MOST_MISSING; n += step) skipped.push(n);
  const verdict: unknown = own?.refusal ? JSON.parse(own.refusal).verdict : undefined;
  const keepsIt = verdict !== 'held' && verdict !== 'expired' && verdict !== 'refused';
  return {
    ...(from === undefined ? {} : { last: from }),
    skipped,
    ...(own?.state === 'missing' && own.missing_since !== null ? { missingSince: own.missing_since } : {}),
    ...(own?.state === 'seen' && own.file_id !== fileId && keepsIt ? { takenBy: own.name } : {}),
  };
}

/** Names of files of a job that were taken and are not read to their end yet: their numbers are late, and not missing. */
export function namesOnTheirWay(ledger: Pick<Ledger, 'db'>, job: string): string[] {
  return ledger.db
    .prepare<[string], { name: string }>(
      "SELECT name FROM processings WHERE job = ? AND state IN ('taking','taken','staged')",
    )
    .all(job)
    .map(({ name }) => name);
}

/** Keeps a number and what it skipped. Part of a transaction of the caller's; repeating it is harmless. */
export function recordSequence(
  ledger: Pick<Ledger, 'db'>,
  seen: { job: string; number: number; processingId: number; fileId: number | null },
  skipped: readonly number[],
  now: number,
): void {
  const { db } = ledger;
  const skip = db.prepare(
    "INSERT INTO sequences (job, number, state, missing_since) VALUES (?, ?, 'missing', ?) ON CONFLICT DO NOTHING",
  );
  for (const number of skipped) skip.run(seen.job, number, now);
  db.prepare(
    `INSERT INTO sequences (job, number, state, processing_id, file_id, seen_at) VALUES (?, ?, 'seen', ?, ?, ?)
     ON CONFLICT (job, number) DO UPDATE SET state = 'seen', processing_id = excluded.processing_id,
       file_id = excluded.file_id, seen_at = coalesce(sequences.seen_at, excluded.seen_at)`,
  ).run(seen.job, seen.number, seen.processingId, seen.fileId, now);
}

/** A number that was skipped: `seenAt` is set once its file came after all. */
export interface SkippedNumber {
  number: number;
  missingSince: number;
  seenAt: number | null;
}

/** Every number of a job that was ever missing, lowest first. */
export function skippedNumbers(ledger: Pick<Ledger, 'db'>, job: string): SkippedNumber[] {
  return ledger.db
    .prepare<[string], SkippedNumber>(
      `SELECT number, missing_since AS missingSince, seen_at AS seenAt FROM sequences
       WHERE job = ? AND missing_since IS NOT NULL ORDER BY number`,
    )
    .all(job);
}
