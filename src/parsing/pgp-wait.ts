import type { Io } from '../model.ts';
import { broken } from './pgp-packets.ts';

/** How often is looked, and after how many looks without any progress there will be none, in milliseconds. */
const LOOK_EVERY = 5000;
const MOST_IDLE_LOOKS = 6;

/**
 * Waits for the decryption. The library does not end each of its promises: some damaged messages, and some made for it, let
 * its reader wait for ever, and with it the job. Here each wait ends: with what went wrong in the source, or PGP_BROKEN where
 * nothing moves any more although everything was read that was asked for.
 */
export interface PgpWait {
  /** Says that the source failed: whatever is waited for ends with it. */
  raise(error: unknown): void;
  /** The source is being read, or gave something: the decryption has work to do. */
  reading(busy: boolean): void;
  forWork<T>(work: Promise<T>): Promise<T>;
  end(): void;
}

export function createPgpWait(sleep: Io['sleep']): PgpWait {
  const ended = new AbortController();
  let trouble: { error: unknown } | undefined;
  let giveUp: ((error: unknown) => void) | undefined;
  let busy = false;
  let moves = 0;

  const watch = async (): Promise<void> => {
    let seen = moves;
    let idle = 0;
    for (;;) {
      await sleep(LOOK_EVERY, ended.signal);
      idle = moves === seen && !busy && giveUp !== undefined ? idle + 1 : 0;
      seen = moves;
      if (idle < MOST_IDLE_LOOKS) continue;
      raise(broken('its decryption does not come to an end'));
      return;
    }
  };
  const raise = (error: unknown): void => {
    trouble ??= { error };
    giveUp?.(trouble.error);
  };
  watch().catch(() => {});
  return {
    raise,
    reading: (now) => {
      busy = now;
      moves++;
    },
    forWork: (work) =>
      new Promise((resolve, reject) => {
        const settled = (): void => {
          giveUp = undefined;
          moves++;
        };
        const fail = (error: unknown): void => {
          settled();
          reject(trouble ? trouble.error : error);
        };
        giveUp = fail;
        work.then((value) => {
          settled();
          resolve(value);
        }, fail);
        if (trouble) fail(trouble.error);
      }),
    end: () => ended.abort(new Error('the message is read')),
  };
}
