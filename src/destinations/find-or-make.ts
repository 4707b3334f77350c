import { backoffDelay } from '../delivery/backoff.ts';
import type { Answer, Io } from '../model.ts';
import type { CallSettings } from './call-settings.ts';
import { notReady } from './membership-calls.ts';

/** What came of looking for something, or of making it. */
export type Found<T> = { found: T } | { answer: Answer };

export interface Making<T> {
  /** `undefined`: there is none of the name. */
  find(): Promise<Found<T | undefined>>;
  /** One try. Where nobody knows what came of it, `find` is asked before another one. */
  make(): Promise<Found<T>>;
  /** What could not be had, for people: `the list "Lapsed"`. */
  what: string;
  hint: string;
}

/**
 * Finds what has the name, else makes it; never makes a second one because an answer was lost. Throws `TransferError`, and the signal's
 * reason.
 */
export async function findOrMake<T>(
  { find, make, what, hint }: Making<T>,
  { patience, backoff }: Pick<CallSettings, 'patience' | 'backoff'>,
  io: Io,
  signal: AbortSignal,
): Promise<T> {
  const until = io.monotonic() + patience;
  for (let tries = 1; ; tries += 1) {
    const known = await find();
    if ('answer' in known) throw notReady(`${what} could not be looked for`, known.answer, hint);
    if (known.found !== undefined) return known.found;
    const made = await make();
    if ('found' in made) return made.found;
    const { answer } = made;
    const wait = backoffDelay(tries, backoff, io.random());
    const passes = answer.kind === 'unknown' || answer.kind === 'retryable';
    if (!passes || io.monotonic() + wait > until) throw notReady(`${what} could not be made`, answer, hint);
    await io.sleep(wait, signal);
  }
}
