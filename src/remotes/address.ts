import { readFileSync } from 'node:fs';
import { TransferError } from '../model.ts';
import { textOf } from './errors.ts';
import { type HostKeyTrust, parseKnownHosts } from './hostkey.ts';
import { shown } from './names.ts';
import type { RemoteSettings } from './settings.ts';

export interface Address {
  host: string;
  port: number;
  username: string;
  /** As the settings have it; `~` at the start stands for the login folder. */
  root: string;
  /** For messages. */
  display: string;
}

/** The parts of an sftp:// URL. */
export function addressOf(url: string): Address {
  const parsed = new URL(url);
  const host = decodeURIComponent(parsed.hostname).replace(/^\[(.*)\]$/, '$1');
  const port = parsed.port === '' ? 22 : Number(parsed.port);
  const path = decodeURIComponent(parsed.pathname);
  const root = /^\/~(?:\/|$)/.test(path) ? path.slice(1) : path === '' ? '/' : path;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const display = `sftp://${shownHost}${port === 22 ? '' : `:${port}`}${root.startsWith('/') ? root : `/${root}`}`;
  return { host, port, username: decodeURIComponent(parsed.username), root, display: shown(display) };
}

/** What is known of the server's key. Without any knowledge no server is trusted. */
export function trustOf(settings: RemoteSettings, address: Address): HostKeyTrust {
  const { hostKey, knownHosts } = settings;
  const pinned = hostKey === undefined ? [] : Array.isArray(hostKey) ? hostKey : [hostKey];
  return {
    pinned,
    knownHosts: knownHosts === undefined ? [] : parseKnownHosts(readKnownHosts(knownHosts)),
    host: address.host,
    port: address.port,
  };
}

function readKnownHosts(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TransferError('KNOWN_HOSTS_UNREADABLE', `cannot read knownHosts ${shown(path)}: ${textOf(error)}`, {
      cause: error,
      hint: 'correct the path, or pin the server with hostKey: SHA256:...',
    });
  }
}
