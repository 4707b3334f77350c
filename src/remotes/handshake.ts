import { connect as openSocket, type Socket } from 'node:net';
import type { ConnectConfig, SFTPWrapper } from 'ssh2';
import SftpClient from 'ssh2-sftp-client';
import type { Io } from '../model.ts';
import { TransferError } from '../model.ts';
import type { Address } from './address.ts';
import { algorithmsFor, hostKeyFamily } from './algorithms.ts';
import { withDeadline } from './deadline.ts';
import { textOf } from './errors.ts';
import {
  authRefused,
  handshakeProblem,
  hostKeyProblem,
  loginLost,
  type RawFailure,
  saysNoToLogin,
} from './handshake-errors.ts';
import { fingerprintOf, type HostKeyTrust, type HostKeyVerdict, judgeHostKey, keyTypeOf } from './hostkey.ts';
import { gatherIntroduction } from './introduction.ts';
import { createLogin, readPrivateKey } from './login.ts';
import type { RemoteSettings } from './settings.ts';

/** A connection that is logged in and has SFTP open. */
export interface Wire {
  client: SftpClient;
  sftp: SFTPWrapper;
  /** Ours, so that it can be cut at any moment, whatever ssh2 waits for. */
  socket: Socket;
  /** Fingerprint of the server's key. */
  hostKey: string;
}

export interface SeenHostKey {
  fingerprint: string;
  type: string;
  verdict: HostKeyVerdict;
}

/**
 * Connects, checks the host key, logs in. Nothing is offered to a server whose key is not trusted. A server that has the
 * trusted key among others is asked for it. `onHostKey` sees each key before the verdict takes effect.
 */
export async function openWire(
  settings: RemoteSettings,
  address: Address,
  trust: HostKeyTrust,
  io: Io,
  signal?: AbortSignal,
  onHostKey: (seen: SeenHostKey) => void = () => {},
): Promise<Wire> {
  readPrivateKey(settings);
  const refusedFamilies: string[] = [];
  let first: TransferError | undefined;
  for (;;) {
    let last: SeenHostKey | undefined;
    try {
      return await attempt(settings, address, trust, io, signal, refusedFamilies, (seen) => {
        last = seen;
        onHostKey(seen);
      });
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      if (last?.verdict.kind !== 'mismatch') throw first ?? error;
      first ??= error;
      refusedFamilies.push(hostKeyFamily(last.type));
      if (algorithmsFor(settings.allowWeak, refusedFamilies) === undefined) throw first;
    }
  }
}

async function attempt(
  settings: RemoteSettings,
  address: Address,
  trust: HostKeyTrust,
  io: Io,
  signal: AbortSignal | undefined,
  refusedFamilies: readonly string[],
  onHostKey: (seen: SeenHostKey) => void,
  explain = false,
): Promise<Wire> {
  const failure: RawFailure = { offers: [], connected: false };
  const login = createLogin(address.username, settings);
  const client = new SftpClient('referry', { error: () => {}, end: () => {}, close: () => {} });
  client.on('error', (error: unknown) => {
    failure.error ??= error;
  });
  let letIn = false;
  client.on('ready', () => {
    letIn = true;
  });
  let seen: SeenHostKey | undefined;
  const socket = openSocket({ host: address.host, port: address.port });
  // Without it each small packet waits for the acknowledgement of the one before: a transfer is sixty times slower.
  socket.setNoDelay(true);
  socket.on('error', () => {});
  gatherIntroduction(socket);
  socket.once('connect', () => {
    failure.connected = true;
  });
  const algorithms = algorithmsFor(settings.allowWeak, refusedFamilies);
  const config: ConnectConfig = {
    sock: socket,
    host: address.host,
    port: address.port,
    username: address.username,
    readyTimeout: settings.connectTimeout,
    keepaliveInterval: settings.keepalive,
    // Asked for here, judged by the session: on a slow line an answer waits behind megabytes of data that do arrive.
    keepaliveCountMax: 1_000_000,
    ...(algorithms === undefined ? {} : { algorithms }),
    authHandler: login.next,
    // ssh2 refuses for exactly `false` and accepts for anything else it is given, even a promise of false.
    hostVerifier: (key: Buffer): boolean => {
      const verdict = judgeHostKey(trust, key);
      seen = { fingerprint: fingerprintOf(key), type: keyTypeOf(key), verdict };
      onHostKey(seen);
      return verdict.kind === 'match';
    },
    ...(explain ? { debug: (line: string) => noteOffer(line, failure.offers) } : {}),
  };
  const cut = (): void => {
    socket.destroy();
  };
  signal?.throwIfAborted();
  signal?.addEventListener('abort', cut, { once: true });
  try {
    // ssh2's own timeout ends with the login; a server may still keep us waiting for SFTP after it.
    const sftp = await withDeadline(io, settings.connectTimeout + 1000, client.connect(config), cut);
    sftp.on('error', () => {});
    if (seen === undefined) throw new Error('the server was not asked for its host key');
    return { client, sftp, socket, hostKey: seen.fingerprint };
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    failure.error ??= error;
    if (seen !== undefined && seen.verdict.kind !== 'match') throw hostKeyProblem(address, seen);
    const told = login.told();
    if (failureLevel(failure) === 'client-authentication') throw authRefused(address, told);
    // A server that has had enough of refused logins, or has locked the account, may just hang up.
    if (told.offered.length > 0 && !letIn)
      throw saysNoToLogin(failure.error)
        ? authRefused(address, told, failure.error)
        : loginLost(address, told, failure);
    // ssh2 says what the server offers in its debug lines only, and those cost a tenth of each transfer.
    if (!explain && textOf(failure.error).includes('no matching')) {
      return attempt(settings, address, trust, io, signal, refusedFamilies, onHostKey, true);
    }
    throw handshakeProblem(address, failure);
  } finally {
    signal?.removeEventListener('abort', cut);
  }
}

function noteOffer(line: string, offers: string[]): void {
  const start = 'Handshake: (remote) ';
  if (line.startsWith(start)) offers.push(line.slice(start.length));
}

function failureLevel(failure: RawFailure): unknown {
  return failure.error instanceof Error && 'level' in failure.error ? failure.error.level : undefined;
}
