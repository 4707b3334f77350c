import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { Io } from '../model.ts';
import { closeAll } from './close-all.ts';
import { type ExtoleStandIn, SANDBOX_TOKEN, startExtole } from './extole/server.ts';
import { type ExtoleFolder, watchExtoleFolder } from './extole/sftp-folder.ts';
import { closeAndKeep, readKept } from './kept-lists.ts';
import { type SftpServer, startSftpServer } from './sftp/server.ts';
import { startTools, type Tools } from './tools.ts';

export interface Sandbox {
  sftp: SftpServer;
  extole: ExtoleStandIn;
  /** Extole's SFTP server, and who looks into its folders. */
  extoleSftp: { server: SftpServer; folder: ExtoleFolder; keyFile: string } | undefined;
  /** CRM and e-mail tools. */
  tools: Tools | undefined;
  /** The environment with which the example jobs find all of them. */
  env: Record<string, string>;
  close(): Promise<void>;
}

export interface SandboxOptions {
  io: Io;
  /** Holds `sftp/` (the partner's server), `extole/sftp/` (Extole's), `extole/received.jsonl`, `extole/taken.jsonl`, and a folder a tool. */
  root: string;
  sftpPort: number;
  extolePort: number;
  /** Of Extole's SFTP server; absent: there is none. */
  extoleSftpPort?: number;
  /** Starts the CRM and e-mail tools as well. */
  tools?: boolean;
  /** By token, as Extole limits; the demo has none to lose on it. */
  requestsPerMinute?: number;
}

export const SANDBOX_USER = 'partner';
export const SANDBOX_PASSWORD = 'sandbox-password';
export const EXTOLE_SFTP_USER = 'acme';

/**
 * The stand-ins: an SFTP server with the usual folders, an Extole that keeps every request it gets, and Extole's own SFTP
 * server, which takes files.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const served = join(options.root, 'sftp');
  for (const folder of ['inbox', 'processing', 'archive', 'refused', 'results', 'reports', 'outbox'])
    await mkdir(join(served, folder), { recursive: true });
  await mkdir(join(options.root, 'extole'), { recursive: true });
  const sftp = await startSftpServer({
    root: served,
    users: [{ name: SANDBOX_USER, password: SANDBOX_PASSWORD }],
    port: options.sftpPort,
    hostKeyPath: join(options.root, 'ssh_host_ed25519_key'),
  });
  const opened: { close(): Promise<void> }[] = [sftp];
  const close = (): Promise<void> => closeAll(opened);
  try {
    const extole = await startExtole({
      io: options.io,
      port: options.extolePort,
      log: { path: join(options.root, 'extole', 'received.jsonl') },
      // The extension that makes links is on, for one event.
      links: { onEvents: { customer_listed: 'refer-a-friend' } },
      ...(options.requestsPerMinute === undefined ? {} : { requestsPerMinute: options.requestsPerMinute }),
    });
    const audiences = join(options.root, 'extole', 'audiences.json');
    extole.audiences.restore(await readKept(audiences));
    opened.push({
      close: () =>
        closeAndKeep(extole.close, audiences, () =>
          extole.audiences.all().map(({ id, name, members }) => ({ id, name, members: [...members] })),
        ),
    });
    const extoleSftp =
      options.extoleSftpPort === undefined
        ? undefined
        : await startExtoleSftp(options.io, join(options.root, 'extole'), extole, options.extoleSftpPort);
    if (extoleSftp) opened.push(extoleSftp.server, extoleSftp.folder);
    const tools = options.tools ? await startTools({ io: options.io, root: options.root }) : undefined;
    if (tools) opened.push(tools);
    const env = { ...environmentOf(sftp, extole, extoleSftp), ...tools?.env };
    return { sftp, extole, extoleSftp, tools, env, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startExtoleSftp(
  io: Io,
  root: string,
  extole: ExtoleStandIn,
  port: number,
): Promise<NonNullable<Sandbox['extoleSftp']>> {
  const served = join(root, 'sftp');
  const keyFile = join(root, 'login_key');
  const folder = watchExtoleFolder({
    io,
    root: served,
    account: extole.account,
    audiences: extole.audiences,
    log: join(root, 'taken.jsonl'),
  });
  try {
    const server = await startSftpServer({
      root: served,
      users: [{ name: EXTOLE_SFTP_USER, publicKeys: [await loginKey(keyFile)] }],
      port,
      hostKeyPath: join(root, 'ssh_host_ed25519_key'),
    });
    return { server, folder, keyFile };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** The public line of the client's key, which is made where there is none. Extole knows RSA keys only. */
async function loginKey(path: string): Promise<string> {
  const known = await readFile(`${path}.pub`, 'utf8').catch(() => undefined);
  if (known !== undefined) return known.trim();
  const made = ssh2.utils.generateKeyPairSync('rsa', { bits: 3072, comment: `${EXTOLE_SFTP_USER}@example.com` });
  await writeFile(path, made.private, { mode: 0o600 });
  await writeFile(`${path}.pub`, `${made.public}\n`);
  return made.public;
}

function environmentOf(
  sftp: SftpServer,
  extole: ExtoleStandIn,
  extoleSftp: Sandbox['extoleSftp'],
): Record<string, string> {
  return {
    REFERRY_SFTP_URL: `sftp://${SANDBOX_USER}@127.0.0.1:${sftp.port}/inbox`,
    REFERRY_OUTBOX_URL: `sftp://${SANDBOX_USER}@127.0.0.1:${sftp.port}/outbox`,
    REFERRY_SFTP_PASSWORD: SANDBOX_PASSWORD,
    REFERRY_SFTP_HOST_KEY: sftp.hostKeyFingerprint,
    EXTOLE_TOKEN: SANDBOX_TOKEN,
    ...(extoleSftp
      ? {
          EXTOLE_SFTP_URL: `sftp://${EXTOLE_SFTP_USER}@127.0.0.1:${extoleSftp.server.port}/events`,
          EXTOLE_SFTP_KEY_FILE: extoleSftp.keyFile,
          EXTOLE_SFTP_HOST_KEY: extoleSftp.server.hostKeyFingerprint,
        }
      : {}),
    EXTOLE_API_URL: extole.url,
    EXTOLE_EVENTS_URL: extole.url,
  };
}
