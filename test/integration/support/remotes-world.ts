import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realIo } from '../../../src/io.ts';
import type { Io, Log, Remote, RemoteFile } from '../../../src/model.ts';
import { TransferError } from '../../../src/model.ts';
import { type RemoteSettings, remoteSettings } from '../../../src/remotes/settings.ts';
import { type SftpServer, type SftpServerOptions, startSftpServer } from '../../../src/sandbox/sftp/server.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The real clock; quick to try again. */
export const testIo: Io = { ...realIo(silent), random: () => 0 };

export const noSignal = new AbortController().signal;

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'referry-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A file on our own disk, ready to be published. */
export function localFile(folder: string, bytes: Buffer | string): { path: string; size: number; sha256: string } {
  const content = Buffer.from(bytes);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const path = join(folder, `local-${sha256.slice(0, 16)}`);
  writeFileSync(path, content);
  return { path, size: content.length, sha256 };
}

/** Writes a file and dates it, in whole seconds since 1970. */
export function put(path: string, bytes: Buffer | string, mtime = 1_700_000_000): void {
  writeFileSync(path, bytes);
  utimesSync(path, mtime, mtime);
}

export async function bytesOf(remote: Remote, file: RemoteFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of remote.read(file, noSignal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The error that a promise ends with; fails where it ends well. */
export async function failureOf(work: Promise<unknown>): Promise<TransferError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof TransferError) return error;
    throw error;
  }
  throw new Error('expected a TransferError, but it went well');
}

export interface Sandbox {
  server: SftpServer;
  /** The folder on disk that is `/` on the server. */
  disk: string;
  settings: RemoteSettings;
  close(): Promise<void>;
}

/** The sandbox's server with an `/inbox`, and settings that reach it. */
export async function startSandbox(
  options: Partial<SftpServerOptions> = {},
  overrides: Partial<Record<keyof RemoteSettings, unknown>> = {},
): Promise<Sandbox> {
  const folder = temporaryFolder();
  const server = await startSftpServer({
    root: folder.path,
    users: [{ name: 'partner', password: 'secret' }],
    ...options,
  });
  return {
    server,
    disk: folder.path,
    settings: settingsFor(server, overrides),
    async close() {
      await server.close();
      folder.remove();
    },
  };
}

export function settingsFor(
  server: SftpServer,
  overrides: Partial<Record<keyof RemoteSettings, unknown>> = {},
): RemoteSettings {
  return remoteSettings.parse({
    url: `sftp://partner@127.0.0.1:${server.port}/`,
    password: 'secret',
    hostKey: server.hostKeyFingerprint,
    ...overrides,
  });
}
