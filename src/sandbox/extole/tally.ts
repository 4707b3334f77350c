/** Requests by path and status. */
export interface Tally {
  count(target: string, status: number): void;
  totals(): { requests: number; byPath: Record<string, Record<string, number>> };
}

export function createTally(): Tally {
  const byPath = new Map<string, Map<number, number>>();
  let requests = 0;
  return {
    count(target, status) {
      requests += 1;
      const query = target.indexOf('?');
      const path = query === -1 ? target : target.slice(0, query);
      const statuses = byPath.get(path) ?? new Map<number, number>();
      if (statuses.size === 0) byPath.set(path, statuses);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    },
    totals: () => ({
      requests,
      byPath: Object.fromEntries([...byPath].map(([path, statuses]) => [path, Object.fromEntries(statuses)])),
    }),
  };
}
