import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import SftpClient from 'ssh2-sftp-client';
import { expect, it } from 'vitest';
import { startSftpServer } from '../../src/sandbox/sftp/server.ts';
import { describeRemote } from './support/remotes-suite.ts';
import { startSandbox, temporaryFolder } from './support/remotes-world.ts';

describeRemote("the sandbox's SFTP server", () => startSandbox());

describeRemote('a server that offers no extension and no setstat', () =>
  startSandbox({ quirks: { noSetstat: true, noFsync: true, noLimits: true, emptyLongnames: true, shortReads: 9_999 } }),
);

it('the sandbox shows nothing outside of its folder', async () => {
  const outside = temporaryFolder();
  writeFileSync(join(outside.path, 'secret'), 'secret');
  const sandbox = await startSandbox();
  symlinkSync(outside.path, join(sandbox.disk, 'out'));
  symlinkSync(join(outside.path, 'secret'), join(sandbox.disk, 'file'));
  mkdirSync(join(sandbox.disk, 'in'));
  symlinkSync(join(sandbox.disk, 'in'), join(sandbox.disk, 'within'));
  const client = new SftpClient('test', { error() {}, end() {}, close() {} });
  const login = { host: '127.0.0.1', port: sandbox.server.port, username: 'partner', password: 'secret' };
  const sftp = await client.connect(login);
  const open = (path: string) =>
    new Promise((resolve) => sftp.open(path, 'r', (error) => resolve(error === undefined ? 'opened' : error.message)));
  for (const path of ['out/secret', 'file', '/out/secret', 'in/../../out/secret'])
    expect(await open(path)).toBe('Permission denied');
  for (const path of ['../../../../etc/passwd', '/etc/passwd']) expect(await open(path)).toBe('No such file');
  writeFileSync(join(sandbox.disk, 'in', 'fine'), 'x');
  expect(await open('within/fine')).toBe('opened');
  expect(readFileSync(join(outside.path, 'secret'), 'utf8')).toBe('secret');
  await client.end();
  await sandbox.close();
  outside.remove();
});

it('the sandbox keeps its host key where it is told to', async () => {
  const folder = temporaryFolder();
  const hostKeyPath = join(folder.path, 'keys', 'host_key');
  const options = { root: folder.path, users: [], hostKeyPath };
  const first = await startSftpServer(options);
  await first.close();
  const second = await startSftpServer(options);
  await second.close();
  expect(second.hostKeyFingerprint).toBe(first.hostKeyFingerprint);
  expect(ssh2.utils.parseKey(readFileSync(hostKeyPath, 'utf8'))).not.toBeInstanceOf(Error);
  folder.remove();
});
