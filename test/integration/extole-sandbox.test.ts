import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ExtoleStandIn } from '../../src/sandbox/extole/server.ts';
import { closeAll, standIn } from './extole-setup.ts';

afterEach(closeAll);

const TOKEN = 'token';

interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

function call(
  server: ExtoleStandIn,
  path: string,
  { method = 'POST', headers = {}, body }: Call = {},
): Promise<{ status: number; json: unknown }> {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  const all = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers };
  return new Promise((resolve, reject) => {
    const req = httpRequest(`${server.url}${path}`, { method, headers: all, agent: false }, (res) => {
      let reply = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => {
        reply += chunk;
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, json: reply === '' ? '' : JSON.parse(reply) }));
    });
    req.on('error', reject);
    req.end(text);
  });
}

function event(data: object = {}, rest: object = {}): object {
  return {
    event_name: 'account_opened',
    event_time: '2026-11-20T14:03:00Z',
    data: { email: 'ann@example.com', partner_conversion_id: 'A-1', ...data },
    ...rest,
  };
}

test('each path answers as its version does, with ids that do not fit a double', async () => {
  const server = await standIn({ tokens: [TOKEN] });
  const id = expect.stringMatching(/^7465\d{15}$/);
  expect(await call(server, '/v5/events', { body: event() })).toEqual({ status: 200, json: { id } });
  expect(await call(server, '/v6/events', { body: event() })).toEqual({
    status: 200,
    json: { event_id: id, person_id: id },
  });
  expect(await call(server, '/v6/async-events', { body: event() })).toEqual({ status: 200, json: { event_id: id } });
  const named = { event_time: '2026-11-20T14:03:00Z', email: 'ann@example.com' };
  expect(await call(server, '/v6/events/account_opened', { body: named })).toMatchObject({ status: 200 });
});

test.each([
  ['no token', { headers: { authorization: '' } }, 403, 'missing_access_token'],
  ['a wrong token', { headers: { authorization: 'Bearer other' } }, 401, 'method_unauthorized'],
  ['a bare token', { headers: { authorization: TOKEN } }, 401, 'method_unauthorized'],
  ['a form', { headers: { 'content-type': 'text/plain' }, body: event() }, 415, 'unsupported_media_type'],
  ['no body', {}, 400, 'missing_request_body'],
  ['broken JSON', { body: '{"event_name":' }, 400, 'invalid_json'],
  ['a list', { body: [event()] }, 400, 'binding_error'],
  ['no event name', { body: event({}, { event_name: undefined }) }, 400, 'missing_event_name'],
  ['a blank event name', { body: event({}, { event_name: ' ' }) }, 400, 'missing_event_name'],
  ['no time', { body: event({}, { event_time: undefined }) }, 400, 'invalid_event_time_format'],
  ['a date only', { body: event({}, { event_time: '11/20/2026' }) }, 400, 'invalid_event_time_format'],
  ['month 13', { body: event({}, { event_time: '2026-13-20T14:03:00Z' }) }, 400, 'invalid_event_time_format'],
  ['an unknown field', { body: event({}, { eventName: 'x' }) }, 400, 'binding_error'],
  ['a long key', { body: event({ partner_conversion_id: 'k'.repeat(39) }) }, 400, 'invalid_parameter'],
  ['a number as key', { body: event({ partner_conversion_id: 7 }) }, 400, 'invalid_parameter'],
  ['a long e-mail', { body: event({ email: `${'e'.repeat(250)}@x.example` }) }, 400, 'invalid_parameter'],
  ['a strange container', { body: event({ container: 'prod' }) }, 400, 'invalid_parameter'],
  ['a blocked event', { body: event({}, { event_name: 'spam' }) }, 400, 'event_blocked'],
  ['another method', { method: 'PUT', body: event() }, 405, 'method_not_allowed'],
] as const)('%s is refused as Extole documents it', async (_what, sent, status, code) => {
  const server = await standIn({ tokens: [TOKEN], blockedEvents: ['spam'] });
  const { status: got, json } = await call(server, '/v6/async-events', sent);
  expect(got).toBe(status);
  expect(json).toEqual({
    unique_id: expect.any(String),
    http_status_code: status,
    code,
    message: expect.any(String),
    parameters: expect.any(Object),
  });
  expect(server.stats().accepted).toBe(0);
});

test('a key of 38 characters beyond the basic plane is not too long', async () => {
  const server = await standIn({ tokens: [TOKEN] });
  const body = event({ partner_conversion_id: '😀'.repeat(38) });
  expect(await call(server, '/v6/async-events', { body })).toMatchObject({ status: 200 });
});

test('a path that is none is 404', async () => {
  const server = await standIn({ tokens: [TOKEN] });
  expect(await call(server, '/v6/event', { body: event() })).toMatchObject({ status: 404 });
});

test('a hundred requests a minute by token, async events not counted', async () => {
  const server = await standIn({ tokens: [TOKEN], requestsPerMinute: 3 });
  for (let i = 0; i < 5; i += 1) await call(server, '/v6/async-events', { body: event() });
  const statuses: number[] = [];
  for (let i = 0; i < 5; i += 1) statuses.push((await call(server, '/v6/events', { body: event() })).status);
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
});

test('persons are found by e-mail and by key, and their steps by container', async () => {
  const server = await standIn({ tokens: [TOKEN] });
  await call(server, '/v6/events', { body: event() });
  await call(server, '/v6/events', {
    body: event({ email: 'ANN@example.com', partner_conversion_id: 'A-2', container: 'test' }),
  });
  await call(server, '/v6/events', { body: event({ email: 'ben@example.com' }, { event_name: 'account_funded' }) });
  const get = (path: string): Promise<{ status: number; json: unknown }> => call(server, path, { method: 'GET' });
  const byKey = await get('/v5/persons?person_keys=partner_conversion_id:A-1');
  expect(byKey.json).toHaveLength(2);
  const byEmail = await get('/v5/persons?identity_key_value=ann@example.com');
  expect(byEmail.json).toMatchObject([{ identity_key: { name: 'email' }, identity_key_value: 'ann@example.com' }]);
  const id = /"id":"(\d+)"/.exec(JSON.stringify(byEmail.json))?.[1];
  const steps = await get(`/v5/persons/${id}/steps?containers=test`);
  expect(steps.json).toMatchObject([{ name: 'account_opened', container: 'test', event_id: expect.any(String) }]);
  expect((await get(`/v5/persons/${id}/steps`)).json).toHaveLength(2);
  expect(await get('/v5/persons')).toMatchObject({ status: 400 });
  expect(await get('/v5/persons/1/steps')).toMatchObject({ status: 403, json: { code: 'person_not_found' } });
});

test('the containers do not know each other’s keys', async () => {
  const server = await standIn({ tokens: [TOKEN], dedupe: 'across-events' });
  await call(server, '/v6/events', { body: event() });
  await call(server, '/v6/events', { body: event({ container: 'test' }) });
  await call(server, '/v6/events', { body: event({}, { event_name: 'account_funded' }) });
  expect(server.stats()).toMatchObject({ accepted: 3, duplicates: 1, distinctKeys: 3 });
});

test('every request is in the log before it is answered, duplicates and refusals too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'referry-extole-'));
  const path = join(folder, 'logs', 'received.jsonl');
  const server = await standIn({ tokens: [TOKEN], log: { path, fsync: true } });
  server.fail('500post', 'resetpre');
  await call(server, '/v6/async-events', { body: event(), headers: { 'x-request-id': 'a' } });
  await call(server, '/v6/async-events', { body: event(), headers: { 'x-request-id': 'b' } }).catch(() => {});
  await call(server, '/v6/async-events', { body: event(), headers: { 'x-request-id': 'c' } });
  await call(server, '/v6/async-events', { body: '{' });
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  rmSync(folder, { recursive: true });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { seq: 1, requestId: 'a', status: 500, fault: '500post', accepted: true, duplicate: false },
    { seq: 2, requestId: 'b', status: 0, fault: 'resetpre', accepted: false, eventId: '' },
    { seq: 3, requestId: 'c', status: 200, accepted: true, duplicate: true },
    { seq: 4, status: 400, accepted: false, body: '{' },
  ]);
  expect(server.stats().byPath).toEqual({ '/v6/async-events': { 0: 1, 200: 1, 400: 1, 500: 1 } });
});

test('a log that is there already is continued', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'referry-extole-'));
  const path = join(folder, 'received.jsonl');
  for (const key of ['A', 'B']) {
    const server = await standIn({ tokens: [TOKEN], log: { path } });
    await call(server, '/v6/async-events', { body: event({ partner_conversion_id: key }) });
    await server.close();
  }
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  rmSync(folder, { recursive: true });
  expect(lines.map((line) => JSON.parse(line).seq)).toEqual([1, 2]);
});

test('audiences are listed and made, and nothing else is done with all of them', async () => {
  const server = await standIn({ tokens: [TOKEN] });
  const made = await call(server, '/v1/audiences', { body: { name: 'VIP' } });
  expect(await call(server, '/v1/audiences', { method: 'GET' })).toEqual({ status: 200, json: [made.json] });
  expect((await call(server, '/v1/audiences', { method: 'DELETE' })).status).toBe(405);
  expect(server.audiences.all()).toHaveLength(1);
});
