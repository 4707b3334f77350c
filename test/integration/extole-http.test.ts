import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createHttpClient, type HttpClient, type HttpOptions, type HttpReply } from '../../src/delivery/http.ts';
import { createLog, realIo } from '../../src/io.ts';
import { startExtole } from '../../src/sandbox/extole/server.ts';
import { AUTHORITY, EXPIRED, OTHER_HOST, SELF_SIGNED, SERVER_KEY, VALID } from './extole-certificates.ts';

const io = realIo(createLog('silent'));
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server that treats each connection as told, and counts the requests it got. */
async function serve(
  onRequest: (socket: Socket, nth: number, text: string) => void,
): Promise<{ origin: string; requests: string[] }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      requests.push(chunk.toString());
      onRequest(socket, requests.length, chunk.toString());
    });
  });
  const port = await listen(server);
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { origin: `http://127.0.0.1:${port}`, requests };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

function client(origin: string, options: Partial<HttpOptions> = {}): HttpClient {
  const http = createHttpClient(
    { origin, connections: 4, headersTimeoutMs: 5000, bodyTimeoutMs: 5000, totalTimeoutMs: 5000, ...options },
    io,
  );
  closing.push(() => http.close());
  return http;
}

function post(http: HttpClient, body = '{}'): Promise<HttpReply> {
  return new Promise((resolve) => http.post('/events', ['X-Test', 'yes'], body, resolve));
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Say: hello\r\nContent-Length: 2\r\n\r\n{}';

test('a whole answer comes with its status, headers by lower-case name, and body', async () => {
  const { origin, requests } = await serve((socket) => socket.write(OK));
  const reply = await post(client(origin), '{"name":"Zoë"}');
  expect(reply).toMatchObject({ kind: 'reply', status: 200, body: '{}' });
  expect(reply.kind === 'reply' && reply.header('x-say')).toBe('hello');
  expect(requests[0]).toMatch(
    /^POST \/events HTTP\/1\.1\r\n[\s\S]*X-Test: yes[\s\S]*content-length: 15\r\n\r\n\{"name":"Zoë"\}$/i,
  );
});

test('H08: a redirect is an answer like any other and is not followed', async () => {
  const { origin, requests } = await serve((socket) =>
    socket.write('HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n'),
  );
  expect(await post(client(origin))).toMatchObject({ kind: 'reply', status: 302 });
  expect(requests).toHaveLength(1);
});

test('a refused connection is certainly not sent', async () => {
  const { origin } = await serve(() => {});
  const [close] = closing.splice(0);
  await close?.();
  expect(await post(client(origin))).toMatchObject({ kind: 'not-sent', code: 'ECONNREFUSED' });
});

test('a name that does not resolve is certainly not sent', async () => {
  expect(await post(client('http://referry-test.invalid'))).toMatchObject({ kind: 'not-sent' });
});

test('a header that cannot be written is certainly not sent', async () => {
  const { origin, requests } = await serve((socket) => socket.write(OK));
  const http = client(origin);
  const reply = await new Promise<HttpReply>((resolve) => http.post('/events', ['X-Id', 'a\r\nb: c'], '{}', resolve));
  expect(reply).toMatchObject({ kind: 'not-sent' });
  expect(requests).toHaveLength(0);
});

test('H05: a reset before any answer is ambiguous, and the request went out once', async () => {
  const { origin, requests } = await serve((socket) => socket.resetAndDestroy());
  expect(await post(client(origin))).toMatchObject({ kind: 'ambiguous' });
  expect(requests).toHaveLength(1);
});

test.each([
  ['in the headers', 'HTTP/1.1 200 OK\r\nContent-Ty'],
  ['in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"event_id"'],
  ['in a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"eve'],
])('H05: a connection closed %s is ambiguous', async (_where, text) => {
  const { origin, requests } = await serve((socket) => socket.end(text));
  expect(await post(client(origin))).toMatchObject({ kind: 'ambiguous' });
  expect(requests).toHaveLength(1);
});

test('an answer that is not HTTP is ambiguous', async () => {
  const { origin } = await serve((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  expect(await post(client(origin))).toMatchObject({ kind: 'ambiguous' });
});

test('H16: a keep-alive connection that dies under a request is ambiguous, and each request arrives once', async () => {
  const { origin, requests } = await serve((socket, nth) => {
    if (nth === 1) socket.write(OK);
    else socket.destroy();
  });
  const http = client(origin, { connections: 1 });
  expect(await post(http, 'first')).toMatchObject({ kind: 'reply' });
  expect(await post(http, 'second')).toMatchObject({ kind: 'ambiguous' });
  expect(await post(http, 'third')).toMatchObject({ kind: 'ambiguous' });
  for (const body of ['first', 'second', 'third']) {
    expect(requests.filter((text) => text.endsWith(body))).toHaveLength(1);
  }
});

test('H16: many requests over connections that close after each answer each arrive at most once', async () => {
  const { origin, requests } = await serve((socket) => {
    socket.write(OK);
    setImmediate(() => socket.resetAndDestroy());
  });
  const http = client(origin);
  const replies = await Promise.all(Array.from({ length: 200 }, (_, i) => post(http, `body-${i}-end`)));
  const counts = replies.map((_, i) => requests.filter((text) => text.includes(`body-${i}-end`)).length);
  expect(Math.max(...counts)).toBeLessThanOrEqual(1);
  replies.forEach((reply, i) => {
    if (reply.kind === 'not-sent') expect(counts[i]).toBe(0);
    if (reply.kind === 'reply') expect(counts[i]).toBe(1);
  });
});

test('H15: no headers in time is ambiguous', async () => {
  const { origin } = await serve(() => {});
  expect(await post(client(origin, { headersTimeoutMs: 200 }))).toMatchObject({
    kind: 'ambiguous',
    code: 'UND_ERR_HEADERS_TIMEOUT',
  });
});

test('H15: headers that drip in are cut at the total time', async () => {
  const { origin } = await serve((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
    const timer = setInterval(() => socket.write('x'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  const started = performance.now();
  expect(await post(client(origin, { totalTimeoutMs: 400 }))).toMatchObject({ kind: 'ambiguous', code: 'DEADLINE' });
  expect(performance.now() - started).toBeLessThan(1500);
});

test('H15: a body that never ends is cut at the total time', async () => {
  const { origin } = await serve((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const timer = setInterval(() => socket.write('1\r\nx\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  expect(await post(client(origin, { totalTimeoutMs: 400 }))).toMatchObject({ kind: 'ambiguous', code: 'DEADLINE' });
});

test('H15: a body over the limit is cut there, and the answer says so', async () => {
  const { origin } = await serve((socket) => {
    socket.write('HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n');
    const timer = setInterval(() => socket.write(`2000\r\n${'x'.repeat(8192)}\r\n`), 1);
    socket.on('close', () => clearInterval(timer));
  });
  const reply = await post(client(origin));
  expect(reply).toMatchObject({ kind: 'reply', status: 400, truncated: true });
  expect(reply.kind === 'reply' && reply.body.length).toBe(64 * 1024);
});

test('a request that waits for a connection until its time is up is certainly not sent', async () => {
  const { origin, requests } = await serve(() => {});
  const http = client(origin, { connections: 1, totalTimeoutMs: 400 });
  const [first, second] = await Promise.all([post(http, 'first'), post(http, 'second')]);
  expect(first).toMatchObject({ kind: 'ambiguous', code: 'DEADLINE' });
  expect(second).toMatchObject({ kind: 'not-sent', code: 'DEADLINE' });
  await post(http, 'third');
  expect(requests.some((text) => text.endsWith('second'))).toBe(false);
});

test('closing cuts what is on the wire and drops what is not, and says which is which', async () => {
  const { origin, requests } = await serve(() => {});
  const http = client(origin, { connections: 1 });
  const both = Promise.all([post(http, 'first'), post(http, 'second')]);
  while (requests.length === 0) await io.sleep(5);
  await http.close();
  const [first, second] = await both;
  expect(first).toMatchObject({ kind: 'ambiguous' });
  expect(second).toMatchObject({ kind: 'not-sent' });
  expect(await post(http, 'late')).toMatchObject({ kind: 'not-sent' });
});

test('a verified certificate is let through', async () => {
  const server = await startExtole({ io, tls: { key: SERVER_KEY, cert: VALID } });
  closing.push(() => server.close());
  expect(await post(client(server.url, { tls: { ca: AUTHORITY } }))).toMatchObject({ kind: 'reply', status: 404 });
});

test.each([
  ['expired', EXPIRED, AUTHORITY, 'CERT_HAS_EXPIRED'],
  ['for another host', OTHER_HOST, AUTHORITY, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['self-signed', SELF_SIGNED, undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['of an unknown authority', VALID, undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
])('H17: a certificate that is %s is refused before a byte is sent', async (_what, cert, ca, code) => {
  const server = await startExtole({ io, keep: true, tls: { key: SERVER_KEY, cert } });
  closing.push(() => server.close());
  const reply = await post(client(server.url, ca === undefined ? {} : { tls: { ca } }));
  expect(reply).toMatchObject({ kind: 'not-sent', tls: true, code });
  expect(server.received).toHaveLength(0);
});

test('H17: the environment cannot switch verification off', async () => {
  const server = await startExtole({ io, tls: { key: SERVER_KEY, cert: SELF_SIGNED } });
  closing.push(() => server.close());
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  closing.push(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
  expect(await post(client(server.url))).toMatchObject({ kind: 'not-sent', tls: true });
});

test('H17: a server that speaks no TLS is told from one that cannot be reached', async () => {
  const { origin } = await serve((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  expect(await post(client(origin.replace('http:', 'https:')))).toMatchObject({ kind: 'not-sent', tls: true });
});
