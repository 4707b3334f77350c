import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRemote } from '../../src/remotes/open.ts';
import { probeRemote } from '../../src/remotes/probe.ts';
import type { RemoteSettings } from '../../src/remotes/settings.ts';
import { newKeyPair, startSftpServer } from '../../src/sandbox/sftp/server.ts';
import {
  failureOf,
  noSignal,
  type Sandbox,
  settingsFor,
  startSandbox,
  temporaryFolder,
  testIo,
} from './support/remotes-world.ts';

const rsaKey = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
const otherKey = newKeyPair();

const USERS = [{ name: 'partner', password: 'secret' }];

/** Never waits long before it tries again. */
const quickIo = {
  ...testIo,
  sleep: async (ms: number, signal?: AbortSignal) => testIo.sleep(Math.min(ms, 20), signal),
};

/** Who a server is, before anything is offered to it. */
describe('the keys and algorithms of a server', () => {
  const scratch = temporaryFolder();
  let sandbox: Sandbox;
  const settings = (overrides: Partial<Record<keyof RemoteSettings, unknown>> = {}) =>
    settingsFor(sandbox.server, overrides);
  async function enters(wanted: RemoteSettings): Promise<boolean> {
    const remote = await openRemote(wanted, quickIo);
    await remote.list('.', noSignal);
    await remote[Symbol.asyncDispose]();
    return true;
  }

  beforeAll(async () => {
    sandbox = await startSandbox({ users: USERS });
  });
  beforeEach(() => {
    sandbox.server.clearQuirks();
    sandbox.server.seen.offered = [];
  });
  afterAll(async () => {
    await sandbox.close();
    scratch.remove();
  });

  it('N06: an impostor is refused before anything is offered to it, with both fingerprints and the line to change', async () => {
    const { port } = sandbox.server;
    const trusted = settings();
    await sandbox.server.close();
    const impostor = await startSftpServer({ root: sandbox.disk, users: USERS, port });
    const error = await failureOf(openRemote(trusted, quickIo));
    expect([error.code, error.retryable]).toEqual(['HOSTKEY_MISMATCH', false]);
    expect(error.message).toContain(impostor.hostKeyFingerprint);
    expect(error.message).toContain(sandbox.server.hostKeyFingerprint);
    expect(error.hint).toContain(`hostKey: ${impostor.hostKeyFingerprint}`);
    expect(impostor.seen.offered).toEqual([]);
    await impostor.close();
    await sandbox.close();
    sandbox = await startSandbox({ users: USERS });
  });

  it('N07: an unknown server is refused before anything is offered to it, with the line that would trust it', async () => {
    const error = await failureOf(openRemote(settings({ hostKey: undefined }), quickIo));
    expect([error.code, error.retryable]).toEqual(['HOSTKEY_UNKNOWN', false]);
    expect(error.hint).toContain(`hostKey: ${sandbox.server.hostKeyFingerprint}`);
    expect(sandbox.server.seen.offered).toEqual([]);
  });

  it('N08: while a key changes, both may be pinned', async () => {
    const hostKey = [`SHA256:${'A'.repeat(43)}`, sandbox.server.hostKeyFingerprint];
    const both = settings({ hostKey });
    expect(await enters(both)).toBe(true);
    // Whoever looks is reminded that the old one is still trusted.
    const shown = (await probeRemote(both, ['.'], quickIo, { readOnly: true })).find(({ step }) => step === 'host-key');
    expect(shown?.detail).toContain(sandbox.server.hostKeyFingerprint);
    expect(shown?.detail).toContain(`take SHA256:${'A'.repeat(43)} out of hostKey`);
  });

  it('N08: the log of a run says once which of several pinned keys the server shows, the old one before it changes and the new one after', async () => {
    const folder = temporaryFolder();
    const [before, after] = [newKeyPair().private, newKeyPair().private];
    const first = await startSftpServer({ root: folder.path, users: USERS, hostKeys: [before] });
    const { port, hostKeyFingerprint: old } = first;
    await first.close();
    const next = await startSftpServer({ root: folder.path, users: USERS, hostKeys: [after], port });
    const fresh = next.hostKeyFingerprint;
    await next.close();
    const logged: object[] = [];
    const io = { ...quickIo, log: { ...quickIo.log, info: (fields: object) => void logged.push(fields) } };
    const shownBy = async (key: string, hostKey: string | string[]): Promise<object[]> => {
      const server = await startSftpServer({ root: folder.path, users: USERS, hostKeys: [key], port });
      const remote = await openRemote(settingsFor(server, { hostKey }), io);
      await remote.list('.', noSignal);
      // The same run connects again.
      server.dropConnections();
      await remote.list('.', noSignal);
      await remote[Symbol.asyncDispose]();
      await server.close();
      return logged.splice(0).filter((fields) => 'hostKey' in fields);
    };
    const host = `127.0.0.1:${port}`;
    expect(await shownBy(before, [old, fresh])).toEqual([{ host, hostKey: old, others: [fresh] }]);
    expect(await shownBy(after, [old, fresh])).toEqual([{ host, hostKey: fresh, others: [old] }]);
    expect(await shownBy(after, fresh)).toEqual([]);
    folder.remove();
  });

  it('a server is trusted by any of its keys, whichever it shows first', async () => {
    const folder = temporaryFolder();
    const hosts = [otherKey.private, ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private, rsaKey.private];
    const server = await startSftpServer({ root: folder.path, users: USERS, hostKeys: hosts });
    const blob = Buffer.from(rsaKey.public.split(' ')[1] ?? '', 'base64');
    const hostKey = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
    expect(await enters(settingsFor(server, { hostKey }))).toBe(true);
    const error = await failureOf(openRemote(settingsFor(server, { hostKey: `SHA256:${'A'.repeat(43)}` }), quickIo));
    expect(error.code).toBe('HOSTKEY_MISMATCH');
    expect(error.message).toContain(server.hostKeyFingerprint);
    expect(server.seen.offered).toEqual(['password']);
    await server.close();
    folder.remove();
  });

  it('known_hosts is understood: plain, with port, hashed, revoked', async () => {
    const { hostKey, port } = sandbox.server;
    const path = join(scratch.path, 'known_hosts');
    const salt = Buffer.from('0123456789abcdefghij');
    const hash = createHmac('sha1', salt).update(`[127.0.0.1]:${port}`).digest('base64');
    const outcome = async (text: string) => {
      writeFileSync(path, text);
      const wanted = settings({ hostKey: undefined, knownHosts: path });
      return enters(wanted).catch((error) => error.code);
    };
    expect(await outcome(`# mine\n[127.0.0.1]:${port} ${hostKey}\n`)).toBe(true);
    expect(await outcome(`|1|${salt.toString('base64')}|${hash} ${hostKey}\n`)).toBe(true);
    expect(await outcome(`example.com ${hostKey}\n`)).toBe('HOSTKEY_UNKNOWN');
    expect(await outcome(`[127.0.0.1]:${port} ${otherKey.public}\n`)).toBe('HOSTKEY_MISMATCH');
    expect(await outcome(`@revoked * ${hostKey}\n[127.0.0.1]:${port} ${hostKey}\n`)).toBe('HOSTKEY_REVOKED');
    const missing = settings({ hostKey: undefined, knownHosts: join(scratch.path, 'none') });
    expect((await failureOf(openRemote(missing, quickIo))).code).toBe('KNOWN_HOSTS_UNREADABLE');
  });

  it('N27: outdated algorithms are refused by name, unless the job names them', async () => {
    const folder = temporaryFolder();
    const server = await startSftpServer({
      root: folder.path,
      users: USERS,
      hostKeys: [rsaKey.private],
      algorithms: { serverHostKey: ['ssh-rsa'], hmac: ['hmac-sha1'], cipher: ['aes128-ctr'] },
    });
    for (const [allowWeak, lacking] of [
      [[], 'ssh-rsa'],
      [['ssh-rsa'], 'hmac-sha1'],
    ]) {
      const error = await failureOf(openRemote(settingsFor(server, { allowWeak }), quickIo));
      expect([error.code, error.retryable]).toEqual(['SSH_HANDSHAKE', false]);
      expect(error.message).toContain(`offers only ${lacking}`);
      expect(error.hint).toContain(`allowWeak: [${lacking}]`);
    }
    expect(await enters(settingsFor(server, { allowWeak: ['hmac-sha1', 'ssh-rsa'] }))).toBe(true);
    await server.close();
    folder.remove();
  });

  it('N27: ciphers in CBC mode and key exchanges with SHA-1 are refused by name, one after the other, unless the job names them', async () => {
    const folder = temporaryFolder();
    const outdated = {
      serverHostKey: ['ssh-rsa'],
      kex: ['diffie-hellman-group14-sha1'],
      cipher: ['aes128-cbc'],
      hmac: ['hmac-sha1'],
    } as const;
    const server = await startSftpServer({
      root: folder.path,
      users: USERS,
      hostKeys: [rsaKey.private],
      algorithms: Object.fromEntries(Object.entries(outdated).map(([what, names]) => [what, [...names]])),
    });
    const allowWeak: string[] = [];
    for (const lacking of [...outdated.kex, ...outdated.serverHostKey, ...outdated.cipher, ...outdated.hmac]) {
      const error = await failureOf(openRemote(settingsFor(server, { allowWeak }), quickIo));
      expect([error.code, error.retryable]).toEqual(['SSH_HANDSHAKE', false]);
      expect(error.message).toContain(`offers only ${lacking}`);
      expect(error.hint).toContain(`allowWeak: [${lacking}]`);
      expect(server.seen.offered).toEqual([]);
      allowWeak.push(lacking);
    }
    expect(await enters(settingsFor(server, { allowWeak }))).toBe(true);
    await server.close();
    folder.remove();
  });
});
