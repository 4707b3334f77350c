/**
 * Gives each request the moment at which it may leave. Moments are evenly spaced, never bunched, so no minute ever
 * holds more than the limit, wherever the minute starts.
 */
export interface Pacer {
  /** Takes the next free moment: milliseconds on the monotonic clock, at or after `now`. */
  reserve(now: number): number;
  /**
   * Asked right before a request leaves. 0: it leaves now, and the next one keeps its distance to that. More: it waits so many
   * milliseconds yet and asks again, as when the process stood still and the moments of several have passed.
   */
  left(now: number): number;
  /** Nothing leaves before this moment of the monotonic clock, as when a provider says that its limit is used up. */
  rest(until: number): void;
  /** The moment of the longest rest so far; long ago where there was none. */
  readonly restsUntil: number;
  /** Goes slower from now on; a limit above the present one changes nothing. */
  slowTo(perMinute: number): void;
}

/**
 * Spacing is stretched by 2 %: a hundred intervals then last 61.2 s, so a request that was held up on the network for up
 * to a second does not make a hundred and one in somebody else's minute.
 */
const STRETCH = 1.02;

/**
 * A commit keeps the process for some milliseconds: so late, the request after it still leaves when it was due. Over however many
 * requests, that is all that they may come closer together: half of what the stretch gives in a second.
 */
const CATCH_UP_MS = 5;

/**
 * `now` is the monotonic time at creation. The first moment is one whole interval later: an earlier process may have
 * sent right before us, and a program that restarts in a loop must not go faster than one that does not.
 */
export function createPacer(perMinute: number, now: number): Pacer {
  let interval = (60_000 / perMinute) * STRETCH;
  let last = now;
  /** When the request before this one was due: where it was a little late, the next one is not late for it. */
  let lastDue = Number.NEGATIVE_INFINITY;
  let rested = Number.NEGATIVE_INFINITY;
  return {
    reserve(at) {
      last = Math.max(last + interval, at, rested);
      return last;
    },
    left(at) {
      // Half of the stretch is for timers that are not exact.
      const due = Math.max(lastDue + interval / Math.sqrt(STRETCH), rested);
      if (at < due) return due - at;
      lastDue = at - due <= CATCH_UP_MS ? due : at;
      last = Math.max(last, lastDue);
      return 0;
    },
    rest(until) {
      rested = Math.max(rested, until);
    },
    get restsUntil() {
      return rested;
    },
    slowTo(limit) {
      interval = Math.max(interval, (60_000 / limit) * STRETCH);
    },
  };
}

const pacers = new Map<string, Pacer>();

/**
 * The process's one pacer for a token, because the limit is counted by token: jobs that share a token share its minute.
 * Where two ask for different speeds, the slower one holds for both.
 */
export function pacerFor(token: string, perMinute: number, now: number): Pacer {
  const known = pacers.get(token);
  if (known) {
    known.slowTo(perMinute);
    return known;
  }
  const pacer = createPacer(perMinute, now);
  pacers.set(token, pacer);
  return pacer;
}
