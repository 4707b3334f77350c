import type { Answer } from '../model.ts';
import { askedFor } from './backoff.ts';

/** After this many bad answers in a row, whatever their kind, the destination itself is taken to be in trouble. */
const BAD_IN_A_ROW = 10;

/** Codes that speak of the destination as a whole, not of one row. */
const WHOLE_DESTINATION = new Set([429, 503]);

/**
 * The state of a destination within a run, over all of its files: an outage must not look like one bad row in each of them.
 * In trouble it is left alone for a growing pause, then asked with one request at a time until an answer is good; a busy
 * destination is never stormed.
 */
export interface Health {
  /** Good answers so far: clear yes or no. */
  readonly good: number;
  /** Grows with each pause: answers to requests sent before it do not lengthen the pause, unless they ask for that. */
  readonly era: number;
  /** Monotonic milliseconds; 0: not paused. */
  readonly pausedUntil: number;
  /** How many requests may be on the wire now. */
  allowed(limit: number, now: number): number;
  /**
   * Whether such an answer does not count against its row: the destination as a whole is in trouble. Either the streak of bad
   * answers covers more than one row, or this one speaks of the destination by itself (no connection, 429, 503).
   */
  excuses(answer: Answer): boolean;
  onAnswer(answer: Answer, row: number, era: number, now: number): void;
  /** Set once nothing but failures came for too long. A pause that the destination asked for does not make it longer. */
  outage(): { code: string; reason: string } | undefined;
}

export function createHealth(backoffMs: (n: number) => number, outageAfterMs: number): Health {
  let good = 0;
  let era = 0;
  let pausedUntil = 0;
  /** As far as the destination itself asked for the pause. */
  let askedUntil = 0;
  let steps = 0;
  let badInARow = 0;
  let firstBadAt = 0;
  let lastBadAt = 0;
  let lastBad = '';
  let badRow = 0;
  let several = false;

  return {
    get good() {
      return good;
    },
    get era() {
      return era;
    },
    get pausedUntil() {
      return pausedUntil;
    },
    excuses: (answer) => !isClear(answer) && (several || isWhole(answer)),
    allowed: (limit, now) => {
      if (now < pausedUntil) return 0;
      return steps > 0 ? 1 : limit;
    },
    onAnswer: (answer, row, sentIn, now) => {
      if (isClear(answer)) {
        good++;
        badInARow = 0;
        several = false;
        firstBadAt = 0;
        if (sentIn === era) {
          steps = 0;
          pausedUntil = now < askedUntil ? askedUntil : 0;
        }
        return;
      }
      if (answer.kind === 'halted') return;
      if (badInARow > 0 && row !== badRow) several = true;
      badRow = row;
      badInARow++;
      if (firstBadAt === 0) firstBadAt = now;
      lastBadAt = now;
      lastBad = `${answer.code}: ${answer.reason}`;
      const asked = askedFor(answer);
      if (asked > 0 && isWhole(answer)) askedUntil = Math.max(askedUntil, now + asked);
      // It lengthens no pause by itself; what it asks for holds all the same.
      if (sentIn !== era) {
        if (now < askedUntil) pausedUntil = Math.max(pausedUntil, askedUntil);
        return;
      }
      if (!isWhole(answer) && badInARow < BAD_IN_A_ROW && steps === 0) return;
      steps++;
      era++;
      pausedUntil = Math.max(askedUntil, now + Math.max(asked, backoffMs(steps)));
    },
    outage: () => {
      if (firstBadAt === 0 || steps === 0) return undefined;
      // From the first bad answer to the last: after a pause it is asked once more before anything is concluded.
      if (lastBadAt - firstBadAt < outageAfterMs) return undefined;
      return {
        code: 'DESTINATION_DOWN',
        reason: `no good answer for ${Math.round((lastBadAt - firstBadAt) / 1000)} s; the last one: ${lastBad}`,
      };
    },
  };
}

/** The destination is well: it said what becomes of the row. */
export function isClear(answer: Answer): answer is Extract<Answer, { kind: 'accepted' | 'rejected' | 'held' }> {
  return answer.kind === 'accepted' || answer.kind === 'rejected' || answer.kind === 'held';
}

/** Nothing left this machine: there was no connection. */
export function neverLeft(answer: Answer): boolean {
  return answer.kind === 'retryable' && answer.http === undefined;
}

function isWhole(answer: Answer): boolean {
  return neverLeft(answer) || ('http' in answer && answer.http !== undefined && WHOLE_DESTINATION.has(answer.http));
}
