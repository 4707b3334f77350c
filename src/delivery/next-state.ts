import type { Answer } from '../model.ts';

/** The limits under which one row is tried again. */
export interface RetryRules {
  /** Tries of one row in a run, while the destination answers others, before the row is `failed`. */
  maxAttempts: number;
  /** Unclear answers for one row in a run before it is `held`. */
  maxAmbiguous: number;
  /** Whether a row whose delivery is unknown may be sent again: the destination is known to drop a key it has. */
  resendUnknown: boolean;
  /** The destination is known to say yes again to a key it has: its clear no then speaks of each earlier try as well. */
  yesToKnown: boolean;
}

/**
 * Tries, over all runs, for which the destination's own trouble excuses a row. A few rows that it can never take look like
 * an outage once all others are done; without an end, each run would stop at them and never reach the next file.
 */
export const MOST_EXCUSED = 20;

/** Where a row stands after an answer. `waiting` and `unknown` are tried again in this run. */
export type NextState = 'delivered' | 'rejected' | 'waiting' | 'unknown' | 'held' | 'failed';

/**
 * Decides once what an answer makes of a row. `tries` counts the row's tries that the destination's state did not excuse.
 * `doubtful`: an earlier try may have been accepted. A no to a later one does not undo that, so such a row keeps its key: it stays
 * unknown, and ends as held where another would have failed or been rejected.
 */
export function nextState(
  answer: Answer,
  tries: number,
  rules: RetryRules,
  doubtful = false,
): { state: NextState; code: string; reason: string } {
  switch (answer.kind) {
    case 'accepted':
      return { state: 'delivered', code: '', reason: '' };
    case 'rejected':
      // It may be what the destination says to a key that it has.
      if (doubtful && !rules.yesToKnown) return heldAsDoubtful(`${answer.code}: ${answer.reason}`);
      return { state: 'rejected', code: answer.code, reason: answer.reason };
    case 'held':
      return { state: 'held', code: answer.code, reason: answer.reason };
    case 'halted':
      return { state: doubtful || answer.doubtful ? 'unknown' : 'waiting', code: answer.code, reason: answer.reason };
    case 'retryable':
      if (tries < rules.maxAttempts)
        return { state: doubtful ? 'unknown' : 'waiting', code: answer.code, reason: answer.reason };
      if (doubtful) return heldAsDoubtful(answer.reason);
      return { state: 'failed', code: answer.code, reason: answer.reason };
    case 'unknown':
      if (!rules.resendUnknown)
        return {
          state: 'held',
          code: 'UNKNOWN_DELIVERY',
          reason: `${answer.reason}; it is not known whether the destination drops a key it has (verify-dedupe)`,
        };
      if (tries >= rules.maxAmbiguous)
        return {
          state: 'held',
          code: 'UNKNOWN_DELIVERY',
          reason: `${answer.reason}; ${tries} tries had no clear answer`,
        };
      return { state: 'unknown', code: answer.code, reason: answer.reason };
  }
}

function heldAsDoubtful(said: string): { state: NextState; code: string; reason: string } {
  const reason = `${said}; an earlier try had no clear answer and may have been accepted`;
  return { state: 'held', code: 'UNKNOWN_DELIVERY', reason };
}
