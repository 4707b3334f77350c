import type { StandInReply } from '../stand-in.ts';
import { tooMany } from './errors.ts';

/** What the account may do. Switch while it runs. */
export interface HubspotLimits {
  /** Calls of the app in any window. */
  requests: number;
  windowMs: number;
  searches: number;
  searchWindowMs: number;
  /** Calls left today. */
  dailyLeft: number;
  daily: number;
}

export const DOCUMENTED: HubspotLimits = {
  requests: 100,
  windowMs: 10_000,
  searches: 5,
  searchWindowMs: 1000,
  dailyLeft: 250_000,
  daily: 250_000,
};

/** Rolling windows, as HubSpot names its policies. */
export function createLimiter(limits: HubspotLimits): {
  /** A refusal, or nothing and the call is counted; and what stands beside the answer. */
  take(search: boolean, now: number): { refused?: StandInReply; headers: Record<string, string> };
} {
  const usual: number[] = [];
  const searched: number[] = [];

  function within(times: number[], windowMs: number, now: number): number {
    while (times.length > 0 && (times[0] ?? 0) <= now - windowMs) times.shift();
    return times.length;
  }

  function headers(now: number): Record<string, string> {
    return {
      'x-hubspot-ratelimit-daily': String(limits.daily),
      'x-hubspot-ratelimit-daily-remaining': String(limits.dailyLeft),
      'x-hubspot-ratelimit-interval-milliseconds': String(limits.windowMs),
      'x-hubspot-ratelimit-max': String(limits.requests),
      'x-hubspot-ratelimit-remaining': String(Math.max(0, limits.requests - within(usual, limits.windowMs, now))),
    };
  }

  return {
    take(search, now) {
      if (limits.dailyLeft <= 0) return { refused: tooMany('DAILY'), headers: search ? {} : headers(now) };
      const [times, most, windowMs, policy] = search
        ? ([searched, limits.searches, limits.searchWindowMs, 'SECONDLY'] as const)
        : ([usual, limits.requests, limits.windowMs, 'TEN_SECONDLY_ROLLING'] as const);
      if (within(times, windowMs, now) >= most)
        return { refused: tooMany(policy), headers: search ? {} : headers(now) };
      times.push(now);
      limits.dailyLeft -= 1;
      return { headers: search ? {} : headers(now) };
    },
  };
}
