import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newKeyPair } from '../../../src/sandbox/sftp/server.ts';

const SSHD = '/usr/sbin/sshd';

/** Why OpenSSH's server cannot be used here, or undefined where it can. */
export function sshdMissing(): string | undefined {
  if (!existsSync(SSHD)) return "OpenSSH's sshd is not installed";
  try {
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
    accessSync(SSHD, constants.X_OK);
    return undefined;
  } catch {
    return "OpenSSH's sshd cannot be run by this user";
  }
}

export interface Sshd {
  host: string;
  port: number;
  hostKeyFingerprint: string;
  user: string;
  /** OpenSSH text. */
  privateKey: string;
  /** Path of the same key, for command line clients. */
  privateKeyPath: string;
  /** An absolute path on disk, which is also the path on the server. */
  root: string;
  /** Kills the server and its sessions at once, as a crash would; `start` brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** OpenSSH's server on a free port with keys of its own; undefined where it is not installed. */
export async function startSshd(root?: string, extra: readonly string[] = []): Promise<Sshd | undefined> {
  if (sshdMissing() !== undefined) return undefined;
  const home = mkdtempSync(join(tmpdir(), 'referry-sshd-'));
  const served = root ?? join(home, 'root');
  mkdirSync(served, { recursive: true });
  const hostKey = newKeyPair();
  const userKey = newKeyPair();
  writeFileSync(join(home, 'host_key'), hostKey.private, { mode: 0o600 });
  writeFileSync(join(home, 'user_key'), userKey.private, { mode: 0o600 });
  writeFileSync(join(home, 'authorized_keys'), `${userKey.public}\n`, { mode: 0o600 });
  const port = await freePort();
  const config = join(home, 'sshd_config');
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${home}/host_key`,
    `PidFile ${home}/pid`,
    `AuthorizedKeysFile ${home}/authorized_keys`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'LogLevel ERROR',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
    ...extra,
  ];
  // Newer servers slow down whoever fails to log in, which tests do on purpose; older ones do not know the word.
  writeFileSync(config, [...lines, 'PerSourcePenalties no', ''].join('\n'));
  if (!accepts(config)) writeFileSync(config, [...lines, ''].join('\n'));

  let child: ChildProcess | undefined;
  async function start(): Promise<void> {
    child = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    for (let tries = 0; tries < 100; tries++) {
      if (child.exitCode !== null) throw new Error(`sshd ended: ${said}`);
      if (await answers(port)) return;
      await delay(30);
    }
    throw new Error(`sshd does not answer: ${said}`);
  }
  async function stop(): Promise<void> {
    const pid = child?.pid;
    if (pid === undefined || child?.exitCode !== null) return;
    const sessions = childrenOf(pid);
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child?.kill('SIGKILL');
    for (const session of sessions) kill(session);
    await ended;
  }
  await start();
  const blob = Buffer.from(hostKey.public.split(' ')[1] ?? '', 'base64');
  return {
    host: '127.0.0.1',
    port,
    hostKeyFingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
    user: userInfo().username,
    privateKey: userKey.private,
    privateKeyPath: join(home, 'user_key'),
    root: served,
    stop,
    start,
    async close() {
      await stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function accepts(config: string): boolean {
  try {
    execFileSync(SSHD, ['-t', '-f', config], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The processes that serve sessions, and theirs. */
function childrenOf(pid: number): number[] {
  try {
    const direct = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map(Number);
    return direct.flatMap((child) => [child, ...childrenOf(child)]);
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
