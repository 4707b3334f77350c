import { afterEach, expect, test } from 'vitest';
import type { FaultName } from '../../src/sandbox/extole/faults.ts';
import { closeAll, openSender, row, send, settingsFor, standIn } from './extole-setup.ts';

afterEach(closeAll);

test('an event goes out with the token, as JSON, under its attempt id, and its id comes back', async () => {
  const server = await standIn();
  const sender = openSender(settingsFor(server));
  const outgoing = row('APP-1');
  const answer = await send(sender, outgoing);
  expect(server.received).toHaveLength(1);
  expect(server.received[0]).toMatchObject({
    method: 'POST',
    path: '/v6/async-events',
    requestId: outgoing.attemptId,
    status: 200,
    body: {
      event_name: 'account_opened',
      event_time: '2026-11-20T14:03:00Z',
      data: {
        email: 'APP-1@example.com',
        partner_user_id: 'm-APP-1',
        partner_conversion_id: 'APP-1',
        container: 'production',
      },
    },
  });
  expect(answer).toEqual({
    kind: 'accepted',
    proof: { kind: 'event_id', eventId: server.received[0]?.eventId },
    http: 200,
  });
});

test.each([
  ['v6', '/v6/events', 'person_id'],
  ['v5', '/v5/events', 'event_id'],
] as const)('lane events, %s, posts to %s and its proof is a %s', async (apiVersion, path, kind) => {
  const server = await standIn();
  const sender = openSender(settingsFor(server, { apiVersion }), 'events');
  expect(await send(sender, row('A'))).toMatchObject({ kind: 'accepted', proof: { kind } });
  expect(server.received[0]?.path).toBe(path);
});

test('the X-Request-Id can be left out', async () => {
  const server = await standIn();
  await send(openSender(settingsFor(server, { requestIdHeader: false })), row('A'));
  expect(server.received[0]?.requestId).toBe('');
});

const ENDLESS = new Set<FaultName>(['timeout-pre', 'timeout-post', 'slow-headers', 'endless-body']);

const FAULTS: readonly (readonly [id: string, fault: FaultName, kind: string, code: string])[] = [
  ['H01', '429', 'retryable', 'THROTTLED'],
  ['H02', '429-retry-after-2', 'retryable', 'THROTTLED'],
  ['H03', '500pre', 'unknown', 'SERVER_ERROR'],
  ['H03', '503pre', 'unknown', 'SERVER_ERROR'],
  ['H04', '500post', 'unknown', 'SERVER_ERROR'],
  ['H05', 'resetpre', 'unknown', 'NO_ANSWER'],
  ['H05', 'resetpost', 'unknown', 'NO_ANSWER'],
  ['H05', 'cut-headers', 'unknown', 'NO_ANSWER'],
  ['H05', 'cut-body', 'unknown', 'NO_ANSWER'],
  ['H06', 'timeout-pre', 'unknown', 'NO_ANSWER'],
  ['H06', 'timeout-post', 'unknown', 'NO_ANSWER'],
  ['H07', 'html-pre', 'unknown', 'BAD_ANSWER'],
  ['H07', 'html-post', 'unknown', 'BAD_ANSWER'],
  ['H07', 'badjson-pre', 'unknown', 'BAD_ANSWER'],
  ['H07', 'badjson-post', 'unknown', 'BAD_ANSWER'],
  ['H07', 'truncated-json', 'unknown', 'BAD_ANSWER'],
  ['H07', 'empty-body', 'unknown', 'BAD_ANSWER'],
  ['H07', 'empty-object', 'unknown', 'BAD_ANSWER'],
  ['H07', 'null-id', 'unknown', 'BAD_ANSWER'],
  ['H08', '201', 'halted', 'MISROUTED'],
  ['H08', '202', 'halted', 'MISROUTED'],
  ['H08', '204', 'halted', 'MISROUTED'],
  ['H08', '301', 'halted', 'MISROUTED'],
  ['H08', '302', 'halted', 'MISROUTED'],
  ['H08', '308', 'halted', 'MISROUTED'],
  ['H09', 'error-header', 'rejected', 'EXTOLE_ERROR_MESSAGE'],
  ['H11', '401', 'halted', 'UNAUTHORIZED'],
  ['H12', '402', 'halted', 'PAYMENT_REQUIRED'],
  ['H12', '403', 'halted', 'FORBIDDEN'],
  ['H12', '415', 'halted', 'UNSUPPORTED_MEDIA_TYPE'],
  ['H13', '404', 'halted', 'MISROUTED'],
  ['H13', '405', 'halted', 'MISROUTED'],
  ['H14', '413', 'rejected', 'HTTP_413'],
  ['H14', '431', 'rejected', 'HTTP_431'],
  ['H15', 'slow-headers', 'unknown', 'NO_ANSWER'],
  ['H15', 'endless-body', 'unknown', 'NO_ANSWER'],
  ['H15', 'flood-body', 'unknown', 'BAD_ANSWER'],
  ['H24', '429', 'retryable', 'THROTTLED'],
];

test.each(FAULTS)(
  '%s: %s is answered %s %s, arrives once, and the next row is sent',
  async (_id, fault, kind, code) => {
    const server = await standIn();
    // Short where nothing comes in any case, else long, for a busy machine.
    const patience = ENDLESS.has(fault) ? '400ms' : '20s';
    const sender = openSender(settingsFor(server), 'async-events', { timeout: { headers: patience, total: patience } });
    server.fail(fault);
    const first = row('A');
    expect(await send(sender, first)).toMatchObject({ kind, code });
    expect(await send(sender, row('B'))).toMatchObject({ kind: 'accepted' });
    expect(server.received.filter(({ requestId }) => requestId === first.attemptId)).toHaveLength(1);
  },
);

test('H04: an event taken before a 500 and sent again is accepted twice and counts once', async () => {
  const server = await standIn();
  const sender = openSender(settingsFor(server));
  server.fail('500post');
  expect(await send(sender, row('A'))).toMatchObject({ kind: 'unknown' });
  expect(await send(sender, row('A'))).toMatchObject({ kind: 'accepted' });
  expect(server.stats()).toMatchObject({ accepted: 2, duplicates: 1, distinctKeys: 1 });
});

test('H06: an event taken after we gave up is a duplicate of the one sent again, or the other way round', async () => {
  const server = await standIn();
  const sender = openSender(settingsFor(server), 'async-events', { timeout: { headers: '300ms', total: '300ms' } });
  server.fail({ kind: 'hang', accept: true, afterMs: 700 });
  expect(await send(sender, row('A'))).toMatchObject({ kind: 'unknown' });
  expect(await send(sender, row('A'))).toMatchObject({ kind: 'accepted' });
  await expect
    .poll(() => server.stats(), { timeout: 3000 })
    .toMatchObject({ accepted: 2, duplicates: 1, distinctKeys: 1 });
});

test('H07, H18: a number as event id is kept digit by digit', async () => {
  const server = await standIn();
  server.fail('numeric-id');
  const answer = await send(openSender(settingsFor(server)), row('A'));
  expect(answer).toMatchObject({ kind: 'accepted', proof: { eventId: server.received[0]?.eventId } });
});

test('H08: a redirect to another host takes no token there', async () => {
  const [server, elsewhere] = [await standIn(), await standIn()];
  server.fail({ kind: 'status', status: 308, body: '', headers: { location: `${elsewhere.url}/v6/async-events` } });
  expect(await send(openSender(settingsFor(server)), row('A'))).toMatchObject({ kind: 'halted' });
  expect(elsewhere.received).toHaveLength(0);
});

test.each(['missing_event_name', 'invalid_event_time_format', 'event_blocked'])(
  'H10: %s rejects its row with the reference, and the next rows continue',
  async (code) => {
    const server = await standIn();
    const sender = openSender(settingsFor(server));
    server.fail({ kind: 'status', status: 400, code });
    expect(await send(sender, row('A'))).toMatchObject({
      kind: 'rejected',
      code,
      uniqueId: expect.stringMatching(/^0000/),
    });
    expect(await send(sender, row('B'))).toMatchObject({ kind: 'accepted' });
  },
);

test('H11: a token rotated in the middle of a run is read again once; the refused rows go out again by themselves', async () => {
  const server = await standIn();
  const settings = settingsFor(server);
  let reads = 0;
  const sender = openSender(settings, 'async-events', {
    refreshToken: () => {
      reads += 1;
      return 'rotated-token';
    },
  });
  await send(sender, row('A'));
  server.setTokens(['rotated-token']);
  const refused = await Promise.all(['B', 'C', 'D'].map((key) => send(sender, row(key))));
  expect(refused.map((answer) => answer.kind === 'retryable' && answer.code)).toEqual(Array(3).fill('TOKEN_ROTATED'));
  expect(reads).toBe(1);
  const again = await Promise.all(['B', 'C', 'D'].map((key) => send(sender, row(key))));
  expect(again.map((answer) => answer.kind)).toEqual(Array(3).fill('accepted'));
  const ids = server.received.map(({ requestId }) => requestId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('H11: a token that is refused and has not changed stops the destination, and is read once', async () => {
  const server = await standIn();
  const settings = settingsFor(server);
  let reads = 0;
  const refreshToken = (): string => {
    reads += 1;
    return settings.token;
  };
  const sender = openSender(settings, 'async-events', { refreshToken });
  server.setTokens([]);
  const answers = await Promise.all(['A', 'B', 'C'].map((key) => send(sender, row(key))));
  expect(answers.map((answer) => answer.kind)).toEqual(Array(3).fill('halted'));
  expect(reads).toBe(1);
});

test('H16: a server that drops the connection after each answer loses nothing and gets nothing twice', async () => {
  const server = await standIn({ faults: () => 'close-idle' });
  const sender = openSender(settingsFor(server));
  for (let i = 0; i < 50; i += 1) {
    const { kind } = await send(sender, row(`K${i}`));
    expect(['accepted', 'unknown', 'retryable']).toContain(kind);
  }
  const ids = server.received.map(({ requestId }) => requestId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('H20: lane events is paced, so that no 429 is provoked', async () => {
  const server = await standIn({ requestsPerMinute: 600 });
  const sender = openSender(settingsFor(server, { requestsPerMinute: 600 }), 'events');
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => send(sender, row(`P${i}`))));
  expect(answers.every(({ kind }) => kind === 'accepted')).toBe(true);
  expect(performance.now() - started).toBeGreaterThanOrEqual(1000);
  const keys = server.received.map(({ body }) => JSON.stringify(body)).map((text) => /"P\d"/.exec(text)?.[0]);
  expect(keys).toEqual(Array.from({ length: 10 }, (_, i) => `"P${i}"`));
});

test('closing answers rows on the wire as unknown and waiting ones as not sent', async () => {
  const server = await standIn({ faults: () => 'timeout-pre' });
  const sender = openSender(settingsFor(server, { requestsPerMinute: 240 }), 'events');
  const answers = ['A', 'B', 'C'].map((key) => send(sender, row(key)));
  await expect.poll(() => server.received.length).toBe(1);
  await sender.close();
  expect((await Promise.all(answers)).map((answer) => answer.kind)).toEqual(['unknown', 'retryable', 'retryable']);
  expect(await send(sender, row('D'))).toMatchObject({ kind: 'retryable', code: 'NOT_SENT' });
  expect(server.received).toHaveLength(1);
});

test('a server that is not there is tried again later', async () => {
  const server = await standIn();
  const settings = settingsFor(server);
  await server.close();
  expect(await send(openSender(settings), row('A'))).toMatchObject({ kind: 'retryable', code: 'NOT_SENT' });
});
