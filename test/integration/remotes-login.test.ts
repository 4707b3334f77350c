import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRemote } from '../../src/remotes/open.ts';
import { probeRemote } from '../../src/remotes/probe.ts';
import type { RemoteSettings } from '../../src/remotes/settings.ts';
import { newKeyPair, startSftpServer } from '../../src/sandbox/sftp/server.ts';
import { freePort } from './support/remotes-sshd.ts';
import {
  failureOf,
  noSignal,
  type Sandbox,
  settingsFor,
  startSandbox,
  temporaryFolder,
  testIo,
} from './support/remotes-world.ts';

const plainKey = newKeyPair();
const lockedKey = newKeyPair('open sesame');
const rsaKey = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
const otherKey = newKeyPair();

const USERS = [
  { name: 'partner', password: 'secret' },
  { name: 'keyed', publicKeys: [plainKey.public, rsaKey.public] },
  { name: 'locked', publicKeys: [lockedKey.public] },
  {
    name: 'asked',
    keyboardInteractive: [
      { question: 'Password: ', answer: 'secret' },
      { question: 'Code: ', answer: '123' },
    ],
  },
  { name: 'pam', keyboardInteractive: [{ question: 'Password: ', answer: 'secret' }] },
];

const noIpv6 = !Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));

/** Never waits long before it tries again. */
const quickIo = {
  ...testIo,
  sleep: async (ms: number, signal?: AbortSignal) => testIo.sleep(Math.min(ms, 20), signal),
};

describe('logging in', () => {
  const scratch = temporaryFolder();
  let sandbox: Sandbox;
  const settings = (user: string, overrides: Partial<Record<keyof RemoteSettings, unknown>> = {}) =>
    settingsFor(sandbox.server, {
      url: `sftp://${user}@127.0.0.1:${sandbox.server.port}/`,
      password: undefined,
      ...overrides,
    });
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
    sandbox.server.seen.connections = 0;
  });
  afterAll(async () => {
    await sandbox.close();
    scratch.remove();
  });

  it('works with a password, a key, an RSA key, a key with a passphrase, and questions', async () => {
    expect(await enters(settings('partner', { password: 'secret' }))).toBe(true);
    expect(await enters(settings('keyed', { privateKey: plainKey.private }))).toBe(true);
    expect(await enters(settings('keyed', { privateKey: rsaKey.private }))).toBe(true);
    expect(await enters(settings('locked', { privateKey: lockedKey.private, passphrase: 'open sesame' }))).toBe(true);
    expect(await enters(settings('asked', { keyboardInteractive: ['secret', '123'] }))).toBe(true);
    expect(await enters(settings('pam', { password: 'secret' }))).toBe(true);
    expect(await enters(settings('pam', { password: 'secret', keyboardInteractive: true }))).toBe(true);
  });

  it('N09: a refusal names user and methods, never the secret, and is not repeated', async () => {
    for (const wrong of [
      settings('partner', { password: 'wrong-password' }),
      settings('keyed', { privateKey: otherKey.private }),
      settings('asked', { keyboardInteractive: ['wrong-answer', '123'] }),
      settings('nobody', { password: 'wrong-password' }),
    ]) {
      sandbox.server.seen.connections = 0;
      const error = await failureOf(openRemote(wrong, quickIo));
      expect([error.code, error.retryable]).toEqual(['SFTP_AUTH', false]);
      expect(sandbox.server.seen.connections).toBe(1);
      expect(`${error.message} ${error.hint}`).not.toMatch(/wrong-|PRIVATE KEY/);
      expect(error.message).toContain(`"${new URL(wrong.url).username}"`);
    }
  });

  it('offers only what the server takes', async () => {
    const error = await failureOf(openRemote(settings('keyed', { password: 'secret' }), quickIo));
    expect(error.message).toContain('offered nothing, the server takes publickey');
    expect(sandbox.server.seen.offered).toEqual([]);
  });

  it('N10: a login refused after a reconnect stays refused without asking again', async () => {
    const remote = await openRemote(settings('partner', { password: 'secret' }), quickIo);
    sandbox.server.quirks.refuseAuth = true;
    sandbox.server.dropConnections();
    sandbox.server.seen.connections = 0;
    expect((await failureOf(remote.list('.', noSignal))).code).toBe('SFTP_AUTH');
    expect((await failureOf(remote.list('.', noSignal))).code).toBe('SFTP_AUTH');
    expect(sandbox.server.seen.connections).toBe(1);
    await remote[Symbol.asyncDispose]();
  });

  it('a key that cannot be read is told before any connection is made', async () => {
    for (const [wrong, hint] of [
      [settings('locked', { privateKey: lockedKey.private, passphrase: 'wrong' }), /passphrase/],
      [settings('locked', { privateKey: lockedKey.private }), /passphrase/],
      [settings('keyed', { privateKey: 'not a key' }), /PEM or OpenSSH/],
      [settings('keyed', { privateKey: plainKey.public }), /private half/],
    ] as const) {
      const error = await failureOf(openRemote(wrong, quickIo));
      expect([error.code, error.retryable]).toEqual(['PRIVATE_KEY_UNREADABLE', false]);
      expect(error.hint).toMatch(hint);
    }
    expect(sandbox.server.seen.connections).toBe(0);
  });

  const without = noIpv6 ? ' (skipped: this machine has no address ::1)' : '';
  it.skipIf(noIpv6)(`N28: a server that has an address of IPv6 only is reached${without}`, async () => {
    const folder = temporaryFolder();
    const server = await startSftpServer({ root: folder.path, users: USERS, host: '::1' });
    const url = `sftp://partner@[::1]:${server.port}/`;
    expect(await enters(settingsFor(server, { url }))).toBe(true);
    await server.close();
    folder.remove();
  });

  it('N28: between four tries it waits twice as long each time, and not as long as everybody else', async () => {
    const url = `sftp://partner@127.0.0.1:${await freePort()}/`;
    const waitsOf = async (random: number): Promise<number[]> => {
      const waits: number[] = [];
      const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
        // Longer ones are deadlines.
        if (ms > 5000) return testIo.sleep(ms, signal);
        waits.push(ms);
      };
      const io = { ...testIo, random: () => random, sleep };
      const error = await failureOf(openRemote(settings('partner', { url, password: 'x' }), io));
      expect(error.code).toBe('SFTP_UNREACHABLE');
      return waits;
    };
    expect(await waitsOf(0)).toEqual([250, 500, 1000]);
    expect(await waitsOf(0.5)).toEqual([375, 750, 1500]);
    expect((await waitsOf(0.999)).map((ms) => Math.round(ms))).toEqual([500, 1000, 1999]);
  });

  it('N28: a host that cannot be reached is told with the phase, after some tries', async () => {
    const port = await freePort();
    const refused = await failureOf(
      openRemote(settings('partner', { url: `sftp://partner@127.0.0.1:${port}/`, password: 'x' }), quickIo),
    );
    expect([refused.code, refused.retryable]).toEqual(['SFTP_UNREACHABLE', true]);
    expect(refused.hint).toContain('nothing listens there');
    const unresolved = await failureOf(
      openRemote(settings('partner', { url: 'sftp://partner@no-such-host.invalid/', password: 'x' }), quickIo),
    );
    expect(unresolved.code).toBe('SFTP_UNREACHABLE');
    expect(unresolved.hint).toContain('cannot be resolved');
  });

  it.each<[string, (socket: import('node:net').Socket) => void]>([
    ['an HTTP server', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a server that hangs up', (socket) => socket.destroy()],
    ['a server that says nothing', () => {}],
    ['a flood', (socket) => socket.write('noise '.repeat(200_000))],
  ])('N26: %s on the port is told as a failed handshake in time', async (_, behave) => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => {});
      behave(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const wrong = settings('partner', { url: `sftp://partner@127.0.0.1:${port}/`, password: 'x', connectTimeout: 150 });
    const before = performance.now();
    expect((await failureOf(openRemote(wrong, quickIo))).code).toBe('SSH_HANDSHAKE');
    expect(performance.now() - before).toBeLessThan(3000);
    server.close();
  });

  it('doctor shows the key to pin without logging in, and each right once it is pinned', async () => {
    const unpinned = settings('partner', { password: 'secret', hostKey: undefined });
    const first = await probeRemote(unpinned, ['.'], quickIo);
    expect(first.map(({ step, ok }) => [step, ok])).toEqual([
      ['reach', true],
      ['host-key', false],
    ]);
    expect(first[1]?.hint).toContain(`hostKey: ${sandbox.server.hostKeyFingerprint}`);
    expect(sandbox.server.seen.offered).toEqual([]);

    const second = await probeRemote(settings('partner', { password: 'secret' }), ['.', 'nowhere'], quickIo);
    expect(second.map(({ step, ok }) => [step, ok])).toEqual([
      ['reach', true],
      ['host-key', true],
      ['login', true],
      ['list', true],
      ['write', true],
      ['rename', true],
      ['list', false],
    ]);
    sandbox.server.quirks.denyRename = true;
    const third = await probeRemote(settings('partner', { password: 'secret' }), ['.'], quickIo);
    expect(third.at(-1)).toMatchObject({ step: 'write', ok: false });
    sandbox.server.clearQuirks();
    const remote = await openRemote(settings('partner', { password: 'secret' }), quickIo);
    expect((await remote.list('.', noSignal)).files).toEqual([]);
    await remote[Symbol.asyncDispose]();
  });
});
