import type { Answer } from '../../model.ts';

/** What is known of the account's daily limit. It counts anew at midnight in the account's time zone. */
export interface Daily {
  /** Why nothing may be sent at `now`, milliseconds since 1970; `undefined` where it may. */
  spent(now: number): Answer | undefined;
  /** HubSpot said that the limit is used up, or as good as. */
  stop(now: number): void;
}

export function createDaily(timezone: string): Daily {
  let until = 0;
  return {
    spent: (now) => (now < until ? limitReached(timezone) : undefined),
    stop(now) {
      until = nextMidnight(now, timezone);
    },
  };
}

function limitReached(timezone: string): Answer {
  const reason = `the account's daily limit of calls to HubSpot is used up; it counts anew at midnight (${timezone}), and nothing is sent before`;
  return { kind: 'halted', code: 'DAILY_LIMIT', reason };
}

const HOUR = 3_600_000;

/** The next moment at which another day begins in the zone, to the second. A day has 23 to 25 hours. */
export function nextMidnight(now: number, timezone: string): number {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' });
  const today = day.format(now);
  let same = now;
  let other = now + HOUR;
  while (day.format(other) === today) {
    same = other;
    other += HOUR;
  }
  while (other - same > 1000) {
    const middle = same + Math.floor((other - same) / 2);
    if (day.format(middle) === today) same = middle;
    else other = middle;
  }
  return Math.floor(other / 1000) * 1000;
}
