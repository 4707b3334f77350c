import { createServer, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { callSettings } from '../../src/destinations/call-settings.ts';
import { type Caller, type CallerOptions, createCaller } from '../../src/destinations/caller.ts';
import { createLog, realIo } from '../../src/io.ts';

const io = realIo(createLog('silent'));
const NEVER = new AbortController().signal;
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Call {
  method: string;
  path: string;
  at: number;
}

/** A server that treats its nth call (from 1) as told. */
async function serve(answer: (nth: number, res: ServerResponse) => void): Promise<{ origin: string; calls: Call[] }> {
  const calls: Call[] = [];
  const server = createServer((req, res) => {
    calls.push({ method: req.method ?? '', path: req.url ?? '', at: performance.now() });
    const nth = calls.length;
    req.resume().on('end', () => answer(nth, res));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { origin: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`, calls };
}

const settings = z.object(callSettings);
let credentials = 0;

function callerTo(origin: string, options: Partial<CallerOptions> = {}): Caller {
  credentials += 1;
  const caller = createCaller(
    {
      ...settings.parse({ patience: '20s', backoff: { first: '5ms', cap: '20ms' } }),
      ...{ provider: 'Somebody', origin, headers: ['Authorization', 'Bearer k'], secretHeader: 'Authorization' },
      ...{ pace: { by: `caller ${credentials}`, perMinute: 60_000 }, maxBodyBytes: 10_000 },
      ...options,
    },
    io,
  );
  opened.push(() => caller.close());
  return caller;
}

test('calls that waited for a connection keep their distance all the same', async () => {
  const { origin, calls } = await serve((nth, res) => {
    if (nth > 1) res.end('{}');
    else setTimeout(() => res.end('{}'), 1200);
  });
  const caller = callerTo(origin, { connections: 1, pace: { by: 'distance', perMinute: 300 } });
  await Promise.all([1, 2, 3, 4].map(() => caller.post('/x', '{}', NEVER)));
  const gaps = calls.slice(1).map(({ at }, i) => at - (calls[i]?.at ?? 0));
  // Intervals of 204 ms; a busy machine may see a call late.
  expect(gaps.filter((gap) => gap < 100)).toEqual([]);
});

test('once means once, whatever comes back', async () => {
  const { origin, calls } = await serve((_nth, res) => res.writeHead(503).end());
  const asked = await callerTo(origin).post('/x', '{}', NEVER, { once: true });
  expect(asked).toMatchObject({ stopped: { kind: 'unknown', code: 'SERVER_ERROR' } });
  expect(calls).toHaveLength(1);
});

test('a call that may have been carried out stays unknown, though the last try surely was not', async () => {
  const { origin } = await serve((nth, res) => res.writeHead(nth === 1 ? 500 : 429).end());
  const asked = await callerTo(origin, { patience: 100 }).post('/x', '{}', NEVER);
  expect(asked).toMatchObject({ stopped: { kind: 'unknown' } });
});

test('callers of one credential share what is left of the limit, also before the answers to their last calls', async () => {
  const { origin, calls } = await serve((nth, res) => {
    const answer = (): unknown => res.writeHead(200, { 'x-left': nth === 1 ? '2' : '0' }).end('{}');
    setTimeout(answer, nth === 1 ? 0 : 300);
  });
  const shared: Partial<CallerOptions> = {
    pace: { by: 'shared', perMinute: 6000 },
    patience: 500,
    limit: (reply) => ({ remaining: Number(reply.header('x-left')), restMs: 60_000 }),
  };
  const [one, two] = [callerTo(origin, shared), callerTo(origin, shared)];
  await one.post('/x', '{}', NEVER);
  const asked = await Promise.all([one, two, one, two].map((caller) => caller.get('/x', NEVER)));
  const late = { stopped: { kind: 'retryable', code: 'THROTTLED', afterMs: expect.any(Number) } };
  expect(asked.filter((one) => 'stopped' in one)).toMatchObject([late, late]);
  expect(await two.post('/x', '{}', NEVER)).toMatchObject(late);
  expect(calls.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
});

test('a limit that is used up for longer than patience is not waited for, and one of ordinary length is', async () => {
  const { origin, calls } = await serve((nth, res) => res.writeHead(nth === 1 ? 429 : 200).end('{}'));
  let restMs = 200;
  const caller = callerTo(origin, { patience: 30_000, limit: ({ status }) => (status === 429 ? { restMs } : {}) });
  expect(await caller.post('/x', '{}', NEVER)).toMatchObject({ reply: { status: 200 } });
  expect((calls[1]?.at ?? 0) - (calls[0]?.at ?? 0)).toBeGreaterThanOrEqual(195);
  calls.length = 0;
  restMs = 1_800_000;
  const asked = await caller.post('/x', '{}', NEVER);
  expect(asked).toMatchObject({ stopped: { code: 'THROTTLED' } });
  expect(calls).toHaveLength(1);
});

test('a limit that is used up earlier than an answer before has said holds', async () => {
  const { origin, calls } = await serve((nth, res) => res.writeHead(nth === 1 ? 200 : 429).end('{}'));
  const caller = callerTo(origin, {
    patience: 5000,
    limit: ({ status }) => (status === 429 ? { restMs: 1_800_000 } : { remaining: 3, restMs: 1000 }),
  });
  await caller.post('/x', '{}', NEVER);
  for (const _ of ['the 429', 'nothing'])
    expect(await caller.post('/x', '{}', NEVER)).toMatchObject({ stopped: { code: 'THROTTLED' } });
  expect(calls).toHaveLength(2);
});

test('a stop ends the wait for a connection, for a turn and for an answer, with its reason', async () => {
  const { origin, calls } = await serve(() => {});
  const caller = callerTo(origin, { connections: 2, pace: { by: 'stopped', perMinute: 60 } });
  const stop = new AbortController();
  const asked = [1, 2, 3].map(() => caller.post('/x', '{}', stop.signal));
  const ended = Promise.allSettled(asked);
  await expect.poll(() => calls.length, { timeout: 10_000 }).toBe(1);
  stop.abort(new Error('stopped by the operator'));
  for (const { status, ...rest } of await ended) {
    expect(status).toBe('rejected');
    expect(rest).toMatchObject({ reason: new Error('stopped by the operator') });
  }
  expect(calls).toHaveLength(1);
});
