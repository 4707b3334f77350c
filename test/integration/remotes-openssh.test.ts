import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Remote } from '../../src/model.ts';
import { openRemote } from '../../src/remotes/open.ts';
import { type RemoteSettings, remoteSettings } from '../../src/remotes/settings.ts';
import { type Sshd, sshdMissing, startSshd } from './support/remotes-sshd.ts';
import { describeRemote } from './support/remotes-suite.ts';
import {
  bytesOf,
  failureOf,
  localFile,
  noSignal,
  put,
  startSandbox,
  temporaryFolder,
  testIo,
} from './support/remotes-world.ts';

const missing = sshdMissing();
const title = missing === undefined ? 'OpenSSH' : `OpenSSH (skipped: ${missing})`;

async function mustStart(root?: string): Promise<Sshd> {
  const sshd = await startSshd(root);
  if (sshd === undefined) throw new Error('sshd did not start');
  return sshd;
}

function reach({ user, port, root, privateKey, hostKeyFingerprint }: Sshd): RemoteSettings {
  return remoteSettings.parse({
    url: `sftp://${user}@127.0.0.1:${port}${root}`,
    privateKey,
    hostKey: hostKeyFingerprint,
  });
}

describeRemote(
  title,
  async () => {
    const sshd = await mustStart();
    return { settings: reach(sshd), disk: sshd.root, close: () => sshd.close() };
  },
  missing !== undefined,
);

describe.skipIf(missing !== undefined)(`${title}, when things go wrong`, () => {
  const scratch = temporaryFolder();
  let sshd: Sshd;
  let remote: Remote;

  beforeAll(async () => {
    sshd = await mustStart();
    mkdirSync(join(sshd.root, 'inbox'));
    remote = await openRemote(reach(sshd), testIo);
  });
  afterAll(async () => {
    await remote[Symbol.asyncDispose]();
    await sshd.close();
    scratch.remove();
  });

  it('N11: a server that was killed and started again between list and read goes unnoticed', async () => {
    put(join(sshd.root, 'inbox', 'x.csv'), 'contents');
    const [file] = (await remote.list('inbox', noSignal)).files;
    if (file === undefined) throw new Error('not listed');
    await sshd.stop();
    await sshd.start();
    expect((await bytesOf(remote, file)).toString()).toBe('contents');
  });

  it('refuses a login with another key, without trying twice', async () => {
    const other = execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(scratch.path, 'other')]);
    expect(other.length).toBe(0);
    const privateKey = readFileSync(join(scratch.path, 'other'), 'utf8');
    const error = await failureOf(openRemote({ ...reach(sshd), privateKey }, testIo));
    expect(error.code).toBe('SFTP_AUTH');
    expect(error.message).toContain('offered publickey, the server takes publickey');
  });
});

/** A file system of two megabytes. */
function mountSmall(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'pipe' });
  if (statfsSync(folder).blocks * statfsSync(folder).bsize > 4_000_000) throw new Error('the mount had no effect');
}

function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder], { stdio: 'pipe' });
}

/** Why no small file system can be had here. */
function unmountable(): string | undefined {
  const folder = temporaryFolder();
  try {
    mountSmall(folder.path);
    unmount(folder.path);
    return undefined;
  } catch {
    return 'mounting a small file system is not permitted here';
  } finally {
    folder.remove();
  }
}

describe('a full disk', () => {
  const folder = temporaryFolder();
  const scratch = temporaryFolder();
  const unmounted = unmountable();

  beforeAll(() => {
    if (unmounted === undefined) mountSmall(folder.path);
  });
  afterAll(() => {
    if (unmounted === undefined) unmount(folder.path);
    folder.remove();
    scratch.remove();
  });

  const places: [string, string | undefined, () => Promise<{ settings: RemoteSettings; close(): Promise<void> }>][] = [
    [
      'behind OpenSSH',
      missing ?? unmounted,
      async () => {
        const sshd = await mustStart(folder.path);
        return { settings: reach(sshd), close: () => sshd.close() };
      },
    ],
    [
      'of our own',
      unmounted,
      async () => ({ settings: remoteSettings.parse({ url: pathToFileURL(folder.path).href }), close: async () => {} }),
    ],
  ];
  for (const [where, why, start] of places) {
    const skipped = why === undefined ? '' : ` (skipped: ${why})`;
    it.skipIf(why !== undefined)(`N12: ${where} is an error, leaves nothing behind, and heals${skipped}`, async () => {
      const results = join(folder.path, 'results');
      const place = await start();
      const remote = await openRemote(place.settings, testIo);
      mkdirSync(results);
      const tooLarge = localFile(scratch.path, Buffer.alloc(5_000_000, 'x'));
      const error = await failureOf(remote.publish('results/r.csv', tooLarge));
      expect([error.code, error.retryable]).toEqual(['PUBLISH_FAILED', true]);
      expect(readdirSync(results)).toEqual([]);
      await remote.publish('results/r.csv', localFile(scratch.path, 'fits'));
      expect(readFileSync(join(results, 'r.csv'), 'utf8')).toBe('fits');
      await remote[Symbol.asyncDispose]();
      await place.close();
      rmSync(results, { recursive: true });
    });
  }
});

const noClient = existsSync('/usr/bin/sftp') ? undefined : "OpenSSH's sftp is not installed";

it.skipIf(noClient !== undefined || missing !== undefined)(
  `the sandbox serves OpenSSH's own sftp client${noClient === undefined ? '' : ` (skipped: ${noClient})`}`,
  async () => {
    const scratch = temporaryFolder();
    const key = join(scratch.path, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const publicKeys = [readFileSync(`${key}.pub`, 'utf8')];
    const sandbox = await startSandbox({ users: [{ name: 'partner', publicKeys }] });
    writeFileSync(join(scratch.path, 'known_hosts'), `[127.0.0.1]:${sandbox.server.port} ${sandbox.server.hostKey}\n`);
    const bytes = Buffer.alloc(3_000_000, 'row,');
    writeFileSync(join(scratch.path, 'up.csv'), bytes);
    const batch = join(scratch.path, 'batch');
    const words = [
      'mkdir inbox',
      `put ${scratch.path}/up.csv inbox/x.csv`,
      'ls -l inbox',
      'rename inbox/x.csv inbox/y.csv',
    ];
    writeFileSync(
      batch,
      [...words, `get inbox/y.csv ${scratch.path}/down.csv`, 'chmod 600 inbox/y.csv', ''].join('\n'),
    );
    const options = [
      '-o',
      `UserKnownHostsFile=${scratch.path}/known_hosts`,
      '-o',
      'StrictHostKeyChecking=yes',
      '-o',
      'BatchMode=yes',
    ];
    const where = ['-P', String(sandbox.server.port), '-i', key, ...options, 'partner@127.0.0.1'];
    const { stdout } = await promisify(execFile)('/usr/bin/sftp', ['-b', batch, ...where]);
    expect(stdout).toMatch(/-rw-r--r-- .* 3000000 .* x\.csv/);
    expect(readFileSync(join(scratch.path, 'down.csv')).equals(bytes)).toBe(true);
    expect(readdirSync(join(sandbox.disk, 'inbox'))).toEqual(['y.csv']);
    await sandbox.close();
    scratch.remove();
  },
);
