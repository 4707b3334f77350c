/** A value at a time, in seconds. */
export interface Point {
  at: number;
  value: number;
}

export interface Trend {
  points: number;
  /** Theil-Sen slope: the median of the slopes of all pairs, an hour. */
  perHour: number;
  /** Its 95 % confidence interval, by Kendall's statistic. */
  from: number;
  to: number;
  /** Medians of the first and of the last third. */
  first: number;
  last: number;
  /** Median distance from the line: what the values vary by without any trend. */
  noise: number;
}

/** The lowest value of each minute: garbage that waits for its collection is no growth. */
export function floors(points: readonly Point[]): Point[] {
  const minutes = new Map<number, number>();
  for (const { at, value } of points) {
    const minute = Math.floor(at / 60);
    minutes.set(minute, Math.min(value, minutes.get(minute) ?? Number.POSITIVE_INFINITY));
  }
  return [...minutes].map(([minute, value]) => ({ at: minute * 60, value }));
}

export function trendOf(points: readonly Point[]): Trend {
  const slopes: number[] = [];
  for (const [i, a] of points.entries())
    for (const b of points.slice(i + 1)) if (b.at !== a.at) slopes.push(((b.value - a.value) / (b.at - a.at)) * 3600);
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const spread = 1.96 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const edge = (count: number): number => slopes[Math.max(0, Math.min(slopes.length - 1, Math.round(count)))] ?? 0;
  const perHour = median(slopes);
  const start = median(points.map(({ at, value }) => value - (perHour * at) / 3600));
  const third = Math.max(1, Math.floor(n / 3));
  return {
    points: n,
    perHour,
    from: edge((slopes.length - spread) / 2),
    to: edge((slopes.length + spread) / 2),
    first: median(points.slice(0, third).map(({ value }) => value)),
    last: median(points.slice(-third).map(({ value }) => value)),
    noise: median(points.map(({ at, value }) => Math.abs(value - start - (perHour * at) / 3600))),
  };
}

/**
 * Whether it grows: its slope is surely above zero, and the last third lies above the first one by more than what the
 * values vary by, and by more than `atLeast`, which is nothing to speak of.
 */
export function grows({ from, first, last, noise }: Trend, atLeast: number): boolean {
  return from > 0 && last - first > Math.max(atLeast, 4 * noise);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
