import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { guardedLookup, type Resolve, refusalOf } from '../../src/delivery/addresses.ts';
import { createHttpClient, type HttpOptions, type HttpReply } from '../../src/delivery/http.ts';
import { deliverySettings } from '../../src/delivery/settings.ts';
import { createExtole } from '../../src/destinations/extole/extole.ts';
import { probeExtole } from '../../src/destinations/extole/probe.ts';
import { extoleSettings } from '../../src/destinations/extole/settings.ts';
import { createLog, realIo } from '../../src/io.ts';
import type { Answer } from '../../src/model.ts';
import type { Sent } from '../../src/notices/message.ts';
import { openChannel } from '../../src/notices/open.ts';
import { channelSettings } from '../../src/notices/settings.ts';
import { testBody } from '../../src/notices/texts.ts';
import { SELF_SIGNED, SERVER_KEY } from '../integration/extole-certificates.ts';

const io = realIo(createLog('silent'));
const TOKEN = 'a-token-that-must-not-leave';

/** A server on every address of this machine, and what came to it. */
async function listening(server: Server): Promise<{ port: number; came: string[] }> {
  const came: string[] = [];
  server.on('connection', () => came.push('a connection'));
  server.on('request', (request, response) => {
    came.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    if (request.url === '/moved') response.writeHead(307, { location: '/events' }).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"event_id":"1"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, came };
}

async function post(origin: string, options: Partial<HttpOptions> = {}): Promise<HttpReply> {
  const times = { headersTimeoutMs: 5000, bodyTimeoutMs: 5000, totalTimeoutMs: 5000 };
  const http = createHttpClient({ origin, connections: 1, ...times, ...options }, io);
  try {
    return await new Promise((resolve) => http.post('/events', ['Authorization', TOKEN], '{}', resolve));
  } finally {
    await http.close();
  }
}

async function tell(channel: object): Promise<Sent> {
  await using opened = await openChannel(channelSettings.parse(channel), io);
  return await opened.send({ ...testBody('feed', 'slack', 0), id: 'test-1', subject: 'test-1' });
}

describe('a URL that leads inside', () => {
  it.each([
    ['169.254.169.254', 'the service of clouds that hands out credentials'],
    ['2852039166', 'the same in decimal'],
    ['0xa9.0xfe.0xa9.0xfe', 'the same in hexadecimal'],
    ['0251.0376.0251.0376', 'the same in octal'],
    ['[::ffff:169.254.169.254]', 'the same within IPv6'],
    ['[64:ff9b::a9fe:a9fe]', 'the same through NAT64'],
    ['[fd00:ec2::254]', 'the same over IPv6'],
    ['0.0.0.0', 'no address'],
    ['[::]', 'no address either'],
    ['[fe80::1]', 'a neighbour'],
  ])('X09: no connection is made to %s (%s), whatever the job allows', async (host) => {
    for (const allowPrivateAddresses of [false, true])
      expect(await post(`http://${host}:1`, { allowPrivateAddresses })).toMatchObject({
        kind: 'not-sent',
        code: 'PRIVATE_ADDRESS',
      });
  });

  it.each([
    '10.0.0.7',
    '172.16.4.1',
    '172.31.255.1',
    '192.168.1.1',
    '100.64.0.1',
    '127.0.0.2',
    'fd12::1',
    '::ffff:10.0.0.7',
    '2002:0a00:0007::1',
  ])('X09: %s is refused unless the job says allowPrivateAddresses', (address) => {
    expect(refusalOf(address, 'hooks.example.com', { private: false })).toBe('a private address');
    expect(refusalOf(address, 'hooks.example.com', { private: true })).toBeUndefined();
  });

  it.each(['93.184.215.14', '172.32.0.1', '2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::ffff:93.184.215.14'])(
    'X09: %s is of the internet',
    (address) => expect(refusalOf(address, 'hooks.example.com', { private: false })).toBeUndefined(),
  );

  it('X09: this machine is meant where the URL itself says 127.0.0.1, and by no other name or number', async () => {
    const { port, came } = await listening(createServer());
    expect(await post(`http://127.0.0.1:${port}`)).toMatchObject({ kind: 'reply', status: 200 });
    const before = came.length;
    expect(await post(`http://127.0.0.2:${port}`)).toMatchObject({ kind: 'not-sent', code: 'PRIVATE_ADDRESS' });
    expect(came).toHaveLength(before);
    expect(await post(`http://127.0.0.2:${port}`, { allowPrivateAddresses: true })).toMatchObject({ status: 200 });
    expect(refusalOf('127.0.0.1', 'hooks.example.com', { private: false })).toBe('a private address');
    expect(refusalOf('10.0.0.7', 'localhost', { private: false })).toBe('a private address');
  });

  it('X09: a name is connected to at the address that was looked at, however it answers the next time', async () => {
    const { port, came } = await listening(createServer());
    let asked = 0;
    const rebinding: Resolve = (_, __, done) => {
      asked++;
      const address = asked === 1 ? '127.0.0.2' : '93.184.215.14';
      done(null, [{ address, family: 4 }]);
    };
    const error = await new Promise<NodeJS.ErrnoException>((resolve) =>
      connect({
        host: 'rebind.example',
        port,
        lookup: guardedLookup('rebind.example', { private: false }, rebinding),
      }).on('error', resolve),
    );
    expect([error.code, asked, came]).toEqual(['PRIVATE_ADDRESS', 1, []]);
    // Of several addresses only the public ones are left to be tried.
    const mixed: Resolve = (_, __, done) =>
      done(null, [
        { address: '10.0.0.7', family: 4 },
        { address: '93.184.215.14', family: 4 },
      ]);
    const found = await new Promise((resolve) =>
      guardedLookup('mixed.example', { private: false }, mixed)('mixed.example', { all: true }, (_, all) =>
        resolve(all),
      ),
    );
    expect(found).toEqual([{ address: '93.184.215.14', family: 4 }]);
  });

  it('X09: a destination halts before its token leaves, and doctor says which setting would allow it', async () => {
    const { port, came } = await listening(createServer());
    const url = `https://127.0.0.2:${port}`;
    const settings = extoleSettings.parse({ account: 'acme', token: TOKEN, apiUrl: url, eventsUrl: url });
    const sender = createExtole(settings, deliverySettings.parse({}), io).open('async-events');
    const event = { line: 2, key: 'A', eventName: 'opened', eventTime: '2026-11-20T00:00:00Z', data: {} };
    const answers = await new Promise<readonly Answer[]>((resolve) =>
      sender.send([{ event, attemptId: 'a1' }], resolve),
    );
    await sender.close();
    expect(answers).toMatchObject([{ kind: 'halted', code: 'PRIVATE_ADDRESS' }]);
    const [reach] = await probeExtole(settings, io);
    expect([reach?.ok, reach?.hint]).toEqual([false, expect.stringContaining('allowPrivateAddresses')]);
    expect(came).toEqual([]);
  });

  it('X09: notices go nowhere inside either, unless their channel says so', async () => {
    const { port, came } = await listening(createServer());
    const url = `http://127.0.0.2:${port}/hook`;
    const secret = 'sixteen characters';
    for (const channel of [{ slack: { url } }, { webhook: { url, secret } }, { pagerduty: { url, routingKey: 'k' } }])
      expect(await tell(channel)).toMatchObject({
        kind: 'failed',
        problem: expect.stringContaining('PRIVATE_ADDRESS'),
      });
    expect(came).toEqual([]);
    expect(await tell({ slack: { url, allowPrivateAddresses: true } })).toEqual({ kind: 'sent' });
  });

  it.each(['file:///etc/passwd', 'gopher://127.0.0.1/', 'ftp://example.com/', 'javascript:alert(1)', 'data:,x'])(
    'X09: %s is no URL of a destination or a channel',
    (url) => {
      expect(extoleSettings.safeParse({ account: 'acme', token: TOKEN, apiUrl: url }).success).toBe(false);
      expect(channelSettings.safeParse({ slack: { url } }).success).toBe(false);
      expect(channelSettings.safeParse({ email: { smtp: url, from: 'a@b.c', to: 'a@b.c' } }).success).toBe(false);
    },
  );
});

describe('a server that cannot prove who it is', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('X10: gets neither a token nor a password, also where the environment tells Node.js to trust anybody', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { port, came } = await listening(createTlsServer({ key: SERVER_KEY, cert: SELF_SIGNED }));
    expect(await post(`https://127.0.0.1:${port}`)).toMatchObject({ kind: 'not-sent', tls: true });
    expect(await tell({ slack: { url: `https://127.0.0.1:${port}/x` } })).toMatchObject({ kind: 'failed' });
    expect(came.filter((each) => each !== 'a connection')).toEqual([]);

    const seen: string[] = [];
    for (const secure of [true, false]) {
      const smtp = new SMTPServer({
        secure,
        key: SERVER_KEY,
        cert: SELF_SIGNED,
        authOptional: true,
        onAuth: ({ username, password }, _, done) => {
          seen.push(`${username}:${password}`);
          done(null, { user: 'us' });
        },
        onData: (stream, _, done) => {
          seen.push('mail');
          stream.resume().on('end', () => done());
        },
      });
      smtp.on('error', () => {});
      await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
      const address = smtp.server.address();
      const smtpPort = typeof address === 'object' && address ? address.port : 0;
      const url = `${secure ? 'smtps' : 'smtp'}://us:a-password@127.0.0.1:${smtpPort}`;
      expect(await tell({ email: { smtp: url, from: 'a@b.example', to: 'c@d.example' } })).toMatchObject({
        kind: 'failed',
      });
      await new Promise<void>((resolve) => smtp.close(() => resolve()));
    }
    expect(seen).toEqual([]);
  });

  it('X09: a redirect is not followed, so no token goes where it points', async () => {
    const { port, came } = await listening(createServer());
    const http = createHttpClient(
      {
        origin: `http://127.0.0.1:${port}`,
        connections: 1,
        headersTimeoutMs: 5000,
        bodyTimeoutMs: 5000,
        totalTimeoutMs: 5000,
      },
      io,
    );
    const reply = await new Promise<HttpReply>((resolve) =>
      http.post('/moved', ['Authorization', TOKEN], '{}', resolve),
    );
    await http.close();
    expect([reply.kind === 'reply' && reply.status, came.slice(1)]).toEqual([307, [`POST /moved ${TOKEN}`]]);
  });

  it('X10: no setting of a job and no variable of ours can switch the verification off', async () => {
    const { readFileSync } = await import('node:fs');
    const schema = readFileSync(new URL('../../jobs/job.schema.json', import.meta.url), 'utf8');
    expect(schema).not.toMatch(/"(?:insecure|rejectUnauthorized|verifyTls|skipVerify|allowInvalid)/i);
    for (const name of ['insecure', 'rejectUnauthorized', 'tls'])
      expect(extoleSettings.safeParse({ account: 'acme', token: TOKEN, [name]: false }).success, name).toBe(false);
  });
});
