import type { Io, Remote } from '../model.ts';
import { TransferError } from '../model.ts';
import { openLocal } from './local.ts';
import type { LoginWatch } from './login-watch.ts';
import type { RemoteSettings } from './settings.ts';
import { openSftp } from './sftp.ts';

type Open = (settings: RemoteSettings, io: Io, signal?: AbortSignal, logins?: LoginWatch) => Promise<Remote>;

/** Kinds of places, by the scheme of their URL. A new one is a file beside these and a line here. */
const KINDS: Readonly<Record<string, Open>> = {
  'sftp:': openSftp,
  'file:': openLocal,
};

/**
 * Connects. Throws where the place cannot be reached, is not trusted or does not let us in. Once `signal` says stop, no connection
 * is waited for, and no answer for long. `logins` knows of refused ones; without it, each call may try once.
 */
export async function openRemote(
  settings: RemoteSettings,
  io: Io,
  signal?: AbortSignal,
  logins?: LoginWatch,
): Promise<Remote> {
  const scheme = URL.parse(settings.url)?.protocol ?? settings.url;
  const open = KINDS[scheme];
  if (open === undefined) {
    throw new TransferError('REMOTE_SETTINGS', `url: found ${scheme}, allowed are ${Object.keys(KINDS).join(' and ')}`);
  }
  return open(settings, io, signal, logins);
}
