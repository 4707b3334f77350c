import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from '../model.ts';
import { type ExtoleStandIn, SANDBOX_TOKEN, startExtole } from './extole/server.ts';
import { type SftpServer, startSftpServer } from './sftp/server.ts';

export interface Sandbox {
  sftp: SftpServer;
  extole: ExtoleStandIn;
  /** The environment with which the example jobs find both. */
  env: Record<string, string>;
  close(): Promise<void>;
}

export interface SandboxOptions {
  io: Io;
  /** Holds `sftp/` (what is served) and `extole/received.jsonl`. */
  root: string;
  sftpPort: number;
  extolePort: number;
  /** By token, as Extole limits; the demo has none to lose on it. */
  requestsPerMinute?: number;
}

export const SANDBOX_USER = 'partner';
export const SANDBOX_PASSWORD = 'sandbox-password';

/** Both stand-ins: an SFTP server with the usual folders, and an Extole that keeps every request it gets. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const served = join(options.root, 'sftp');
  for (const folder of ['inbox', 'processing', 'archive', 'refused', 'results', 'reports'])
    await mkdir(join(served, folder), { recursive: true });
  await mkdir(join(options.root, 'extole'), { recursive: true });
  const sftp = await startSftpServer({
    root: served,
    users: [{ name: SANDBOX_USER, password: SANDBOX_PASSWORD }],
    port: options.sftpPort,
    hostKeyPath: join(options.root, 'ssh_host_ed25519_key'),
  });
  const extole = await startExtole({
    io: options.io,
    port: options.extolePort,
    log: { path: join(options.root, 'extole', 'received.jsonl') },
    ...(options.requestsPerMinute === undefined ? {} : { requestsPerMinute: options.requestsPerMinute }),
  }).catch(async (error: unknown) => {
    await sftp.close();
    throw error;
  });
  return {
    sftp,
    extole,
    env: {
      REFERRY_SFTP_URL: `sftp://${SANDBOX_USER}@127.0.0.1:${sftp.port}/inbox`,
      REFERRY_SFTP_PASSWORD: SANDBOX_PASSWORD,
      REFERRY_SFTP_HOST_KEY: sftp.hostKeyFingerprint,
      EXTOLE_TOKEN: SANDBOX_TOKEN,
      EXTOLE_API_URL: extole.url,
      EXTOLE_EVENTS_URL: extole.url,
    },
    close: async () => {
      await sftp.close();
      await extole.close();
    },
  };
}
