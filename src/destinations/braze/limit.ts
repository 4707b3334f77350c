import type { Reply } from '../patience.ts';

/** From here on a reset is a time, below it a number of seconds. */
const TIMES = 1_000_000_000;
const TWO_HOURS = 7_200_000;

/**
 * The calls that are left, and until when, by the headers beside an answer. `X-RateLimit-Reset` is read as the second since 1970 at which
 * the window of the limit ends, as Braze documents it, or as the seconds until then, as others have met it. `now`: milliseconds since
 * 1970, where Braze does not give its own.
 */
export function limitOf(reply: Reply, now: number): { remaining?: number; restMs?: number } {
  const throttled = reply.status === 429;
  const remaining = throttled ? 0 : count(reply, 'x-ratelimit-remaining');
  const after = throttled ? count(reply, 'x-ratelimit-retry-after') : undefined;
  const restMs = after === undefined ? untilReset(reply, now) : after * 1000;
  if (remaining === undefined || restMs === undefined || restMs <= 0) return {};
  return { remaining, restMs: Math.min(restMs, TWO_HOURS) };
}

function untilReset(reply: Reply, now: number): number | undefined {
  const reset = count(reply, 'x-ratelimit-reset');
  if (reset === undefined) return undefined;
  if (reset < TIMES) return reset * 1000;
  // Their clock, not ours: the two may differ by more than a window.
  const theirs = Date.parse(reply.header('date') ?? '');
  return reset * 1000 - (Number.isNaN(theirs) ? now : theirs);
}

function count(reply: Reply, name: string): number | undefined {
  const text = reply.header(name)?.trim() ?? '';
  return /^\d{1,12}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined;
}
