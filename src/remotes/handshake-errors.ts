import { TransferError } from '../model.ts';
import type { Address } from './address.ts';
import { WEAK_ALGORITHMS } from './algorithms.ts';
import { systemCodeOf, textOf } from './errors.ts';
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

export function authRefused(address: Address, told: { offered: string[]; accepted: string[] }): TransferError {
  const offered = told.offered.length > 0 ? told.offered.join(', ') : 'nothing';
  const accepted = told.accepted.length > 0 ? told.accepted.join(', ') : 'nothing that it names';
  return new TransferError(
    'SFTP_AUTH',
    `${address.host}:${address.port} refused to log in "${address.username}": offered ${offered}, the server takes ${accepted}`,
    {
      hint: 'check the user, password and private key; it is not tried again in this run, so that the account is not locked',
    },
  );
}

/** Everything else that can go wrong before SFTP is open. */
export function handshakeProblem(address: Address, failure: RawFailure): TransferError {
  const where = `${address.host}:${address.port}`;
  const text = textOf(failure.error).replace(/^(getConnection|connect|sftp): /, '');
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
