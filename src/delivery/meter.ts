import type { Lane, Meter } from '../model.ts';

/** Upper bounds of the classes of latency, in milliseconds; one more class holds what is above. */
export const LATENCY_BOUNDS_MS: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/** Times to an answer on one lane since the process started. `counts[i]`: answers within bound i and above the one before. */
export interface LaneLatency {
  lane: Lane;
  counts: readonly number[];
  sumMs: number;
}

/** A meter that can be read at any time. */
export interface ReadableMeter extends Meter {
  latencies(): LaneLatency[];
  /** Rows that are claimed and not recorded, by job. */
  windows(): ReadonlyMap<string, number>;
}

interface Classes {
  counts: number[];
  sumMs: number;
}

export function createMeter(): ReadableMeter {
  const lanes = new Map<Lane, Classes>();
  const inUse = new Map<string, number>();
  const classesOf = (lane: Lane): Classes => {
    const known = lanes.get(lane) ?? { counts: [...LATENCY_BOUNDS_MS, 0].fill(0), sumMs: 0 };
    lanes.set(lane, known);
    return known;
  };
  return {
    sending: (job, lane) => {
      const classes = classesOf(lane);
      const { counts } = classes;
      let mine = 0;
      const change = (rows: number): void => {
        mine += rows;
        inUse.set(job, (inUse.get(job) ?? 0) + rows);
      };
      return {
        answered: (ms) => {
          let i = 0;
          while (ms > (LATENCY_BOUNDS_MS[i] ?? Number.POSITIVE_INFINITY)) i++;
          counts[i] = (counts[i] ?? 0) + 1;
          classes.sumMs += ms;
        },
        claimed: change,
        // A pass that was cut short leaves nothing behind here; what it left is in the ledger.
        end: () => change(-mine),
      };
    },
    latencies: () => [...lanes].map(([lane, { counts, sumMs }]) => ({ lane, counts: [...counts], sumMs })),
    windows: () => inUse,
  };
}
