import { expect, test } from 'vitest';
import { z } from 'zod';
import { deliverySettings } from '../../src/delivery/settings.ts';
import { createExtole, eventBody } from '../../src/destinations/extole/extole.ts';
import { extoleSettings } from '../../src/destinations/extole/settings.ts';
import type { Io } from '../../src/model.ts';

const MINIMAL = { account: 'acme', token: 'secret-token' };

const io: Io = {
  now: () => 0,
  monotonic: () => 0,
  random: () => 0,
  sleep: async () => {},
  env: {},
  log: { debug() {}, info() {}, warn() {}, error() {} },
};

function lanes(input: object): (rows: number) => string {
  const extole = createExtole(extoleSettings.parse({ ...MINIMAL, ...input }), deliverySettings.parse({}), io);
  return (rows) => extole.laneFor(rows);
}

test('an account and a token are enough; the rest are the documented values', () => {
  expect(extoleSettings.parse(MINIMAL)).toMatchObject({
    container: 'production',
    lane: 'auto',
    apiVersion: 'v6',
    apiUrl: 'https://api.extole.io',
    eventsUrl: 'https://events.extole.io',
    requestsPerMinute: 100,
    autoThreshold: 100,
    requestIdHeader: true,
    keyField: 'partner_conversion_id',
    verify: { settle: 60_000, patience: 300_000, poll: 5000 },
  });
});

test.each(['http://127.0.0.1:8080', 'http://localhost:1', 'http://[::1]:1', 'https://proxy.example.com/extole'])(
  '%s may be an API',
  (apiUrl) => {
    expect(extoleSettings.safeParse({ ...MINIMAL, apiUrl }).success).toBe(true);
  },
);

test.each([
  'http://api.extole.io',
  'http://127.0.0.1.example.com',
  'http://localhost.example.com',
  'ftp://api.extole.io',
  'https://user:pass@api.extole.io',
  'https://api.extole.io?x=1',
  'api.extole.io',
  '',
])('%j may not', (apiUrl) => {
  const result = extoleSettings.safeParse({ ...MINIMAL, apiUrl });
  expect(result.error?.issues[0]?.path).toEqual(['apiUrl']);
});

test.each(['', 'two words', 'line\nbreak', 'tök'])('the token %j is refused without being repeated', (token) => {
  const result = extoleSettings.safeParse({ ...MINIMAL, token });
  expect(result.error?.issues[0]?.path).toEqual(['token']);
  if (token !== '') expect(JSON.stringify(result.error)).not.toContain(token);
});

test('lane auto takes events up to the threshold, then async-events', () => {
  const laneFor = lanes({});
  expect([1, 100, 101].map(laneFor)).toEqual(['events', 'events', 'async-events']);
  expect(lanes({ autoThreshold: 0 })(1)).toBe('async-events');
  expect(lanes({ lane: 'events' })(1_000_000)).toBe('events');
  expect(lanes({ lane: 'async-events' })(1)).toBe('async-events');
});

test('no column of a file can send an event under another key or into another container', () => {
  const settings = extoleSettings.parse({ ...MINIMAL, container: 'test' });
  const data = { email: 'a@example.com', partner_conversion_id: 'forged', container: 'production' };
  const body = JSON.parse(
    eventBody({ line: 2, key: '007', eventName: 'n', eventTime: '2026-11-20T14:03:00Z', data }, settings),
  );
  expect(body).toEqual({
    event_name: 'n',
    event_time: '2026-11-20T14:03:00Z',
    data: { email: 'a@example.com', partner_conversion_id: '007', container: 'test' },
  });
});

test('the field of the key can be renamed, as accounts do', () => {
  const settings = extoleSettings.parse({ ...MINIMAL, keyField: 'partner_event_id' });
  const body = JSON.parse(eventBody({ line: 2, key: 'k', eventName: 'n', eventTime: 't', data: {} }, settings));
  expect(body.data).toEqual({ partner_event_id: 'k', container: 'production' });
});

test('the schema for editors describes every field', () => {
  const schema = z.toJSONSchema(extoleSettings, { io: 'input' });
  for (const field of Object.values(schema.properties ?? {})) expect(field).toHaveProperty('description');
});
