/** Fixed windows, as Klaviyo counts: so many calls of one kind in a second, and so many in a minute. */
export interface WindowLimits {
  perSecond: number;
  perMinute: number;
  /** Lengths in milliseconds; a test may shorten them. */
  secondMs: number;
  minuteMs: number;
}

export interface Taken {
  /** Whether the call is within both limits. */
  within: boolean;
  headers: Readonly<Record<string, string>>;
}

export interface Windows {
  /** Counts a call of a kind. `now`: monotonic milliseconds. */
  take(kind: string, now: number): Taken;
  /** As if somebody else had made so many calls of a kind. */
  spend(kind: string, calls: number, now: number): void;
}

interface Window {
  startedAt: number;
  calls: number;
}

export function createWindows(limits: WindowLimits): Windows {
  const windows = new Map<string, Window>();

  function current(name: string, lengthMs: number, now: number): Window {
    const known = windows.get(name);
    if (known && now < known.startedAt + lengthMs) return known;
    // A window starts with its first call, as a counter with a life does.
    const window = { startedAt: now, calls: 0 };
    windows.set(name, window);
    return window;
  }

  function both(kind: string, now: number): { second: Window; minute: Window } {
    return {
      second: current(`${kind} s`, limits.secondMs, now),
      minute: current(`${kind} m`, limits.minuteMs, now),
    };
  }

  return {
    take(kind, now) {
      const { second, minute } = both(kind, now);
      const endOfMinute = minute.startedAt + limits.minuteMs - now;
      if (minute.calls >= limits.perMinute) return refused(endOfMinute);
      if (second.calls >= limits.perSecond) return refused(second.startedAt + limits.secondMs - now);
      second.calls += 1;
      minute.calls += 1;
      return {
        within: true,
        headers: {
          'ratelimit-limit': `${limits.perMinute}, ${limits.perSecond};w=1, ${limits.perMinute};w=60`,
          'ratelimit-remaining': String(limits.perMinute - minute.calls),
          'ratelimit-reset': seconds(endOfMinute),
        },
      };
    },
    spend(kind, calls, now) {
      both(kind, now).minute.calls += calls;
    },
  };
}

function refused(waitMs: number): Taken {
  return { within: false, headers: { 'retry-after': seconds(waitMs) } };
}

function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}
