import type { Answer } from '../model.ts';

/** Bounds of the wait between two tries, in milliseconds. */
export interface Backoff {
  first: number;
  cap: number;
}

/**
 * The longest wait after the given number of tries (1 or more): 1, 2, 4, 8, 16, 30, 30 s with the defaults, which is
 * what Extole recommends.
 */
export function backoffBound(tries: number, { first, cap }: Backoff): number {
  // 2 ** 30 is far beyond any cap; without this bound a large count would become Infinity.
  return Math.min(cap, first * 2 ** Math.min(Math.max(tries, 1) - 1, 30));
}

/** The wait after the given number of tries, full jitter: anywhere from 0 to the bound. `random` is in [0, 1). */
export function backoffDelay(tries: number, backoff: Backoff, random: number): number {
  return Math.round(backoffBound(tries, backoff) * random);
}

/** How long the destination asked to wait with its answer, in milliseconds; 0: it did not. */
export function askedFor(answer: Answer): number {
  return answer.kind === 'retryable' || answer.kind === 'unknown' ? (answer.afterMs ?? 0) : 0;
}

const RETRY_AFTER_MIN = 1000;
const RETRY_AFTER_MAX = 600_000;
const IMF_FIXDATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * What a Retry-After header asks for, in milliseconds from `now` (milliseconds since 1970), held between 1 s and 10 min.
 * Seconds or an HTTP date; anything else is `undefined`, as if it were absent.
 */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,15}$/.test(text)) return clamp(Number(text) * 1000);
  if (!IMF_FIXDATE.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : clamp(at - now);
}

function clamp(ms: number): number {
  return Math.min(RETRY_AFTER_MAX, Math.max(RETRY_AFTER_MIN, ms));
}
