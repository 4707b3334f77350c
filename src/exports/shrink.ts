import { z } from 'zod';

/** The setting of the guard. */
export const keepAtLeast = z
  .number()
  .min(0)
  .max(1)
  .default(0.8)
  .describe(
    'A snapshot with fewer rows than this share of the last one is held until a person releases it: links that are missing here are gone from the tool. 0 turns it off.',
  );

/** Whether an export may leave. */
export type ShrinkVerdict = { held: false } | { held: true; code: 'EXPORT_SHRUNK'; reason: string; hint: string };

/**
 * Compares the rows of a snapshot with those of the last one that left; `last` is undefined before the first. A share of 0.8 lets 80 of 100 rows
 * pass, and holds 79.
 */
export function shrinkVerdict(rows: { last: number | undefined; now: number }, share: number): ShrinkVerdict {
  const { last = 0, now } = rows;
  // 0.07 of 100 is 7.000000000000001 to a computer, and 7 to everybody else.
  const least = Math.ceil(Number((last * share).toPrecision(12)));
  if (now >= least) return { held: false };
  const percent = last === 0 ? 0 : Math.floor((now / last) * 1000) / 10;
  return {
    held: true,
    code: 'EXPORT_SHRUNK',
    reason: `the snapshot has ${told(now)} rows, the last one had ${told(last)}: ${percent} % of it, and at least ${told(least)} rows are expected`,
    hint: 'Look whether the source is whole. If the rows are rightly gone, release the export.',
  };
}

function told(rows: number): string {
  return rows.toLocaleString('en');
}
