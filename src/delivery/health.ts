import type { Answer } from '../model.ts';

/** After this many bad answers in a row, whatever their kind, the destination itself is taken to be in trouble. */
const BAD_IN_A_ROW = 10;

/** Codes that speak of the destination as a whole, not of one row. */
const WHOLE_DESTINATION = new Set([429, 503]);

/**
 * The state of a destination within a run. In trouble it is left alone for a growing pause, then asked with one request
 * at a time until an answer is good; a busy destination is never stormed.
 */
export interface Health {
  /** Good answers so far: clear yes or no. */
  readonly good: number;
  /** Grows with each pause: answers to requests sent before it do not lengthen the pause. */
  readonly era: number;
  /** Monotonic milliseconds; 0: not paused. */
  readonly pausedUntil: number;
  /** How many requests may be on the wire now. */
  allowed(limit: number, now: number): number;
  /** True while a streak of bad answers covers more than one row: then a row's failure does not count against the row. */
  readonly several: boolean;
  onAnswer(answer: Answer, row: number, era: number, now: number): void;
  /** Set once nothing but failures came for too long. */
  outage(now: number): { code: string; reason: string } | undefined;
}

export function createHealth(backoffMs: (n: number) => number, outageAfterMs: number, startedAt: number): Health {
  let good = 0;
  let era = 0;
  let pausedUntil = 0;
  let steps = 0;
  let badInARow = 0;
  let lastGoodAt = startedAt;
  let firstBadAt = 0;
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
    get several() {
      return several;
    },
    allowed: (limit, now) => {
      if (now < pausedUntil) return 0;
      return steps > 0 ? 1 : limit;
    },
    onAnswer: (answer, row, sentIn, now) => {
      if (answer.kind === 'accepted' || answer.kind === 'rejected') {
        good++;
        badInARow = 0;
        several = false;
        lastGoodAt = now;
        firstBadAt = 0;
        if (sentIn === era) {
          steps = 0;
          pausedUntil = 0;
        }
        return;
      }
      if (answer.kind === 'halted') return;
      if (badInARow > 0 && row !== badRow) several = true;
      badRow = row;
      badInARow++;
      if (firstBadAt === 0) firstBadAt = now;
      lastBad = `${answer.code}: ${answer.reason}`;
      if (sentIn !== era) return;
      const notSent = answer.kind === 'retryable' && answer.http === undefined;
      const whole = notSent || (answer.http !== undefined && WHOLE_DESTINATION.has(answer.http));
      if (!whole && badInARow < BAD_IN_A_ROW && steps === 0) return;
      steps++;
      era++;
      const asked = answer.kind === 'retryable' ? (answer.afterMs ?? 0) : 0;
      pausedUntil = now + Math.max(asked, backoffMs(steps));
    },
    outage: (now) => {
      if (firstBadAt === 0 || steps === 0) return undefined;
      if (now - Math.max(lastGoodAt, firstBadAt) < outageAfterMs) return undefined;
      return {
        code: 'DESTINATION_DOWN',
        reason: `no good answer for ${Math.round((now - firstBadAt) / 1000)} s; the last one: ${lastBad}`,
      };
    },
  };
}
