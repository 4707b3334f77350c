/** What an answer says about the destination's load. `failed`: nothing is known (no answer, a server error). */
export type Signal = 'answered' | 'throttled' | 'failed';

/** How many requests may be in flight, from what the destination answers. Pure state: no clock, no timers. */
export interface Concurrency {
  readonly limit: number;
  /**
   * Tells of one answer. `inFlight`: requests in flight when it came, itself included; where it is given, the limit
   * does not rise above what is actually used.
   */
  onAnswer(latencyMs: number, signal: Signal, inFlight?: number): void;
}

/** Weight of the newest latency in the smoothed one. */
const SMOOTHING = 0.1;
/** How fast the baseline follows a lasting change of the network: by this part of the difference with each answer. */
const DRIFT = 0.001;
const SLOWER_TIMES = 4;
const SLOWER_MS = 250;
const ON_THROTTLED = 0.5;
const ON_SLOW = 0.7;

/**
 * Additive increase, multiplicative decrease. Until the first sign of congestion the limit rises by one with each answer
 * (it doubles each round trip), afterwards by one each round. Congested: a 429, or smoothed latency clearly above its
 * baseline, more than four times and more than 250 ms. After a decrease, as many answers as were in flight are not held
 * against the new limit, since they belong to requests sent under the old one.
 */
export function createConcurrency(bounds: { start: number; max: number }): Concurrency {
  let limit = Math.min(bounds.start, bounds.max);
  let slowStart = true;
  let baseline = Number.POSITIVE_INFINITY;
  let smoothed = Number.NaN;
  let pardoned = 0;

  function decrease(factor: number): void {
    slowStart = false;
    pardoned = Math.ceil(limit);
    limit = Math.max(1, limit * factor);
  }

  function learn(latencyMs: number): void {
    smoothed = Number.isNaN(smoothed) ? latencyMs : smoothed + (latencyMs - smoothed) * SMOOTHING;
    baseline = smoothed < baseline ? smoothed : baseline + (smoothed - baseline) * DRIFT;
  }

  return {
    get limit() {
      return Math.floor(limit);
    },
    onAnswer(latencyMs, signal, inFlight) {
      if (signal === 'answered') learn(latencyMs);
      if (pardoned > 0) {
        pardoned -= 1;
        return;
      }
      if (signal === 'throttled') return decrease(ON_THROTTLED);
      if (signal === 'failed') return;
      if (smoothed > Math.max(baseline * SLOWER_TIMES, baseline + SLOWER_MS)) return decrease(ON_SLOW);
      if (inFlight !== undefined && inFlight < Math.floor(limit)) return;
      limit = Math.min(bounds.max, limit + (slowStart ? 1 : 1 / limit));
    },
  };
}
