import type { Io } from '../model.ts';
import { TransferError } from '../model.ts';
import type { Address } from './address.ts';
import { openWire } from './handshake.ts';
import type { HostKeyTrust } from './hostkey.ts';
import { type LoginWatch, loginOf } from './login-watch.ts';
import { createSession, type Session } from './session.ts';
import type { RemoteSettings } from './settings.ts';

/** A session that is opened by the first use and again after it was lost. */
export interface Connection {
  /**
   * Does the work on a live session. Where the connection is lost meanwhile the work is done again from its start on a
   * new one, so it must be harmless to repeat.
   */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** What counts as a refused login: one that was cut off may have been one, and may have been counted as one. */
const REFUSALS = new Set(['SFTP_AUTH', 'SFTP_LOGIN_LOST']);
const CONNECT_TRIES = 4;
/** For a server that lets us in and opens no session: most often another job has the only one, and ends soon. About two minutes. */
const SESSION_TRIES = 12;
const WORK_TRIES = 3;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

export function createConnection(
  settings: RemoteSettings,
  address: Address,
  trust: HostKeyTrust,
  io: Io,
  signal?: AbortSignal,
  logins?: LoginWatch,
): Connection {
  const host = `${address.host}:${address.port}`;
  const login = loginOf(settings.url) ?? host;
  let current: Promise<Session> | undefined;
  /** A refusal that no waiting heals. Kept, as each further try could lock the account. */
  let refused: TransferError | undefined;
  let disposed = false;
  let shownKey = '';

  /** While a key changes several are pinned: whoever reads the log sees which one is still in use, once until it is another one. */
  function noteHostKey(shown: string): void {
    const others = trust.pinned.map((pin) => pin.replace(/=+$/, '')).filter((pin) => pin !== shown);
    if (others.length === 0 || shown === shownKey) return;
    shownKey = shown;
    io.log.info({ host, hostKey: shown, others }, 'several host keys are trusted; the server shows this one of them');
  }

  async function open(): Promise<Session> {
    for (let tries = 1; ; tries++) {
      try {
        if (tries === 1) logins?.mayTry(login);
        const wire = await openWire(settings, address, trust, io, signal).catch((error) => {
          if (error instanceof TransferError && REFUSALS.has(error.code)) logins?.refused(login);
          throw error;
        });
        logins?.accepted(login);
        noteHostKey(wire.hostKey);
        return createSession(wire, settings, io, host, signal);
      } catch (error) {
        if (!(error instanceof TransferError)) throw error;
        if (!error.retryable) refused = error;
        if (!error.retryable || tries >= mostTries(error) || disposed) throw error;
        const delay = backOff(tries, io.random());
        io.log.warn({ host, code: error.code, delay }, 'the connection failed, trying again');
        await io.sleep(delay, signal);
      }
    }
  }

  async function session(): Promise<Session> {
    if (disposed) throw new TransferError('SFTP_CLOSED', `the connection to ${host} was closed by us`);
    if (refused !== undefined) throw refused;
    const opening = current ?? open();
    current = opening;
    try {
      const live = await opening;
      if (live.broken === undefined) return live;
    } catch (error) {
      if (current === opening) current = undefined;
      throw error;
    }
    if (current === opening) current = undefined;
    return session();
  }

  return {
    async use(work) {
      for (let tries = 1; ; tries++) {
        const live = await session();
        try {
          return await work(live);
        } catch (error) {
          const lost = error instanceof TransferError && error.code === 'SFTP_DISCONNECTED';
          if (!lost || tries >= WORK_TRIES || disposed || signal?.aborted) throw error;
          io.log.info({ host }, 'connection lost, doing it again');
          await io.sleep(backOff(tries, io.random()) / 4, signal);
        }
      }
    },
    async close() {
      disposed = true;
      const live = await current?.catch(() => undefined);
      await live?.close();
    },
  };
}

const mostTries = ({ code }: TransferError): number => (code === 'SFTP_UNAVAILABLE' ? SESSION_TRIES : CONNECT_TRIES);

/** Doubling, with jitter over the upper half, so that many clients do not come back at once. */
export function backOff(tries: number, random: number): number {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tries - 1));
  return full / 2 + (full / 2) * random;
}
