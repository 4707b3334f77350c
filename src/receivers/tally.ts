/** What became of posts, as metrics tell it. */
export const RESULTS = [
  'taken',
  'known',
  'ignored',
  'unreadable',
  'unauthorized',
  'too-large',
  'unavailable',
  'cut-off',
] as const;
export type Result = (typeof RESULTS)[number];

/** Posts since the process started, by job and by what became of them. */
export interface Tally {
  count(job: string, result: Result): void;
  counts(): { job: string; result: Result; n: number }[];
}

export function createTally(): Tally {
  const counts = new Map<string, { job: string; result: Result; n: number }>();
  return {
    count(job, result) {
      const key = JSON.stringify([job, result]);
      const known = counts.get(key) ?? { job, result, n: 0 };
      known.n += 1;
      counts.set(key, known);
    },
    counts: () => [...counts.values()],
  };
}
