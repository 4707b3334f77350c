/** Counts requests over the last while, by token. */
export interface RateLimit {
  /** Whether one more request is within the limit; counts it if so. `now`: monotonic milliseconds. */
  take(token: string, now: number): boolean;
}

export function createRateLimit(requests: number, windowMs = 60_000): RateLimit {
  const windows = new Map<string, { times: number[]; first: number }>();
  return {
    take(token, now) {
      if (requests === Number.POSITIVE_INFINITY) return true;
      const window = windows.get(token) ?? { times: [], first: 0 };
      windows.set(token, window);
      const { times } = window;
      while (window.first < times.length && (times[window.first] ?? 0) <= now - windowMs) window.first += 1;
      if (times.length - window.first >= requests) return false;
      if (window.first > 10_000) {
        times.splice(0, window.first);
        window.first = 0;
      }
      times.push(now);
      return true;
    },
  };
}
