import { TransferError } from '../model.ts';
import type { Address } from './address.ts';
import { WEAK_ALGORITHMS } from './algorithms.ts';
import { statusOf, systemCodeOf, textOf } from './errors.ts';
import type { SeenHostKey } from './handshake.ts';

/** What is known of a connection that failed. */
export interface RawFailure {
  error?: unknown;
  /** Whether TCP was connected. */
  connected: boolean;
  /** Lines `KEX method: a,b`: what the server offered. */
  offers: string[];
}

/** No key of the server is the trusted one. Says the line that would trust it. */
export function hostKeyProblem(address: Address, seen: SeenHostKey): TransferError {
  const where = `${address.host}:${address.port}`;
  const { verdict, fingerprint, type } = seen;
  if (verdict.kind === 'revoked') {
    return new TransferError(
      'HOSTKEY_REVOKED',
      `${where} shows the key ${fingerprint} (${type}), which knownHosts revokes`,
      {
        hint: 'do not connect; ask the operator of the server what happened',
      },
    );
  }
  if (verdict.kind === 'mismatch') {
    return new TransferError(
      'HOSTKEY_MISMATCH',
      `${where} shows the host key ${fingerprint} (${type}), expected ${verdict.expected.join(' or ')}; nothing was sent to it`,
      {
        hint: `somebody may be impersonating the server. Only if its operator confirms the new key, change the line to: hostKey: ${fingerprint}`,
      },
    );
  }
  return new TransferError(
    'HOSTKEY_UNKNOWN',
    `${where} shows the host key ${fingerprint} (${type}), which nothing vouches for; nothing was sent to it`,
    {
      hint: `compare it with what the operator of the server says, then add this line below source: in the job: hostKey: ${fingerprint}`,
    },
  );
}

interface Told {
  offered: string[];
  accepted: string[];
}

/** `said`: with which words the server hung up, where it did. */
export function authRefused(address: Address, told: Told, said?: unknown): TransferError {
  const offered = told.offered.length > 0 ? told.offered.join(', ') : 'nothing';
  const accepted = told.accepted.length > 0 ? told.accepted.join(', ') : 'nothing that it names';
  const words = said === undefined ? '' : `; it hung up: ${wordsOf(said)}`;
  return new TransferError(
    'SFTP_AUTH',
    `${address.host}:${address.port} refused to log in "${address.username}": offered ${offered}, the server takes ${accepted}${words}`,
    {
      hint: 'check the user, password and private key; it is not tried again in this run, so that the account is not locked',
    },
  );
}

/** Reasons to disconnect (RFC 4253, 11.1) that speak of the line or of the server's load, and not of who logs in. */
const OF_THE_LINE = new Set([3, 5, 6, 7, 10, 12]);

/** Whether a server that hung up after a credential was offered to it meant the login. Its words go before its reason. */
export function saysNoToLogin(error: unknown): boolean {
  if (/auth|denied|lock|password|credential|not allowed|disabled|expired/i.test(textOf(error))) return true;
  const reason = statusOf(error);
  return reason !== undefined && !OF_THE_LINE.has(reason);
}

/**
 * The connection was lost, or no answer came, after a credential was offered and before we were let in. It may have been a refusal, so
 * it is not repeated: a locked account would never open again.
 */
export function loginLost(address: Address, { offered }: Told, { error }: RawFailure): TransferError {
  return new TransferError(
    'SFTP_LOGIN_LOST',
    `${address.host}:${address.port} was offered ${offered.join(', ')} for "${address.username}", and neither let us in nor refused: ${wordsOf(error)}`,
    {
      cause: error,
      hint: 'some servers hang up like this on a locked account or an unknown address; it is not tried again in this run, so that the account is not locked',
    },
  );
}

const wordsOf = (error: unknown): string => textOf(error).replace(/^(getConnection|connect|sftp): /, '');

/** Everything else that can go wrong before SFTP is open. */
export function handshakeProblem(address: Address, failure: RawFailure): TransferError {
  const where = `${address.host}:${address.port}`;
  const text = wordsOf(failure.error);
  const system = systemCodeOf(failure.error);
  const cause = { cause: failure.error };
  if (!failure.connected) {
    const hint =
      system === 'ENOTFOUND' || system === 'EAI_AGAIN'
        ? 'the host name cannot be resolved: check the URL and DNS'
        : system === 'ECONNREFUSED'
          ? 'nothing listens there: check the port, and whether the server is up'
          : 'check host, port and firewall; many servers only let listed addresses in';
    return new TransferError('SFTP_UNREACHABLE', `cannot reach ${where}: ${text}`, { ...cause, retryable: true, hint });
  }
  const mismatch = /no matching (.+)$/.exec(text)?.[1];
  if (mismatch !== undefined) return algorithmProblem(where, mismatch, failure);
  if (/channel open failure|unable to start subsystem|subsystem/i.test(text)) {
    return new TransferError('SFTP_UNAVAILABLE', `${where} let us in but does not open SFTP: ${text}`, {
      ...cause,
      retryable: true,
      hint: 'the server may limit sessions, or the account may not be allowed to use SFTP',
    });
  }
  const wrongService = /invalid identification|before handshake|bad packet|max header|protocol/i.test(text);
  return new TransferError('SSH_HANDSHAKE', `${where} did not complete the SSH handshake: ${text}`, {
    ...cause,
    retryable: true,
    hint: wrongService
      ? 'check that the port is the one of SFTP (SSH), not of FTP, FTPS or HTTPS'
      : 'the server accepted the connection but did not answer in time, or hung up',
  });
}

const OFFER_LINES: readonly [RegExp, string][] = [
  [/host key/i, 'Host key format: '],
  [/key exchange/i, 'KEX method: '],
  [/cipher/i, 'C->S cipher: '],
  [/MAC/i, 'C->S MAC: '],
];

function algorithmProblem(where: string, kind: string, failure: RawFailure): TransferError {
  const prefix = OFFER_LINES.find(([pattern]) => pattern.test(kind))?.[1];
  const line = failure.offers.find((offer) => prefix !== undefined && offer.startsWith(prefix));
  const offered = line?.slice(prefix?.length) ?? '';
  const weak = WEAK_ALGORITHMS.find((name) => offered.split(',').includes(name));
  return new TransferError(
    'SSH_HANDSHAKE',
    `${where} and we have no ${kind} in common${offered === '' ? '' : `: it offers only ${offered}`}`,
    {
      cause: failure.error,
      hint:
        weak === undefined
          ? 'have the server updated: it offers nothing that we know'
          : `have the server updated; until then the job may name what it needs: allowWeak: [${weak}]`,
    },
  );
}
