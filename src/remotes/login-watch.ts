import { TransferError } from '../model.ts';
import { addressOf } from './address.ts';
import { shown } from './names.ts';

/** Refused logins in a row, and when the last one was tried; milliseconds since 1970. */
export interface RefusedLogin {
  refusals: number;
  at: number;
}

/**
 * What is known of refused logins from one run to the next. Servers lock accounts, and ban addresses, after some refusals; a
 * schedule that tries each minute would see to that. `login` is `user@host:port`.
 */
export interface LoginWatch {
  /** Asked before each login. Throws `SFTP_AUTH` where it is too early to try again. */
  mayTry(login: string): void;
  refused(login: string): void;
  accepted(login: string): void;
}

const FIRST_MS = 60_000;
const LONGEST_MS = 15 * 60_000;

/** How long is waited after so many failures in a row: 1, 2, 4, 8 and then 15 minutes. */
export function pauseAfter(failures: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
}

/** Until when a refused login is not tried again by a schedule; `undefined` where it may be. */
export function pausedUntil(refused: RefusedLogin | undefined, now: number): number | undefined {
  // A refusal in the future: the clock was set back since, and how long ago it was is not known.
  if (refused === undefined || refused.at > now) return undefined;
  const until = refused.at + pauseAfter(refused.refusals);
  return until > now ? until : undefined;
}

/** `user@host:port`; `undefined` where nobody logs in. */
export function loginOf(url: string): string | undefined {
  if (!url.startsWith('sftp:')) return undefined;
  const { username, host, port } = addressOf(url);
  return `${username}@${host}:${port}`;
}

/** In place of a login that would come too early. */
export function loginPaused(login: string, { refusals, at }: RefusedLogin, until: number): TransferError {
  const times = refusals === 1 ? 'once' : `${refusals} times in a row`;
  return new TransferError(
    'SFTP_AUTH',
    `${shown(login)} was refused ${times}, last at ${minuteOf(at)}; so that the account is not locked, the schedule tries again at ${minuteOf(until)}`,
    { hint: 'check the user, password and private key; `referry run JOB` tries at once' },
  );
}

const minuteOf = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ').concat(' UTC');
