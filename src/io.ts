import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { Io, Log } from './model.ts';

/** Keys that never reach a log line, whatever object they hang on. */
const SECRET_KEYS = ['password', 'privateKey', 'passphrase', 'token', 'authorization', 'email', 'data', 'values'];

/** Log lines as JSON on standard error, so that standard output stays for answers. */
export function createLog(level: string): Log {
  const paths = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  return pino({ level, redact: { paths, censor: '[redacted]' } }, pino.destination({ dest: 2, sync: true }));
}

/** The real clock, randomness and environment. Nothing else in the project reads them. */
export function realIo(log: Log): Io {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => Math.random(),
    sleep: async (ms, signal) => {
      try {
        await delay(ms, undefined, signal ? { signal } : {});
      } catch (error) {
        // What it throws is an error of its own, with the reason inside.
        signal?.throwIfAborted();
        throw error;
      }
    },
    env: process.env,
    log,
  };
}
