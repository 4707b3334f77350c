import { LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';

/** A delivered row that had left before, without a clear answer. */
export interface SentAgain {
  line: number;
  /** Tries in all, and how many of them had no clear answer. */
  attempts: number;
  unclear: number;
}

/** Rows of a processing that were delivered after a try without a clear answer: how many, and the first of them in file order. */
export function rowsSentAgain(
  { db }: Pick<Ledger, 'db'>,
  processingId: number,
  most: number,
): { count: number; first: SentAgain[] } {
  const range = [processingId * LINES, processingId * LINES + LINES - 1];
  // Only unclear tries have attempts of these kinds: a few, where a file has millions of rows.
  const again = `FROM deliveries WHERE state = 'delivered' AND attempts > 1 AND id IN
    (SELECT delivery_id FROM attempts WHERE delivery_id BETWEEN ? AND ? AND result IN ('info', 'orphan'))`;
  const { count } = db.prepare<number[], { count: number }>(`SELECT count(*) AS count ${again}`).get(...range) ?? {
    count: 0,
  };
  if (count === 0) return { count, first: [] };
  const first = db
    .prepare<number[], SentAgain>(`SELECT line, attempts, ambiguous AS unclear ${again} ORDER BY id LIMIT ?`)
    .all(...range, most);
  return { count, first };
}
