import { afterEach, expect, test } from 'vitest';
import { conclude, verifyDedupe } from '../../src/destinations/extole/verify-dedupe.ts';
import type { FaultSource } from '../../src/sandbox/extole/faults.ts';
import { closeAll, io, settingsFor, standIn } from './extole-setup.ts';

afterEach(closeAll);

test.each([
  ['within-event', 'drops', 'keeps'],
  ['across-events', 'drops', 'drops'],
  ['none', 'keeps', 'keeps'],
] as const)(
  'an account with dedupe %s is found to: %s a key within an event name, %s it across',
  async (dedupe, within, across) => {
    const server = await standIn({ dedupe });
    const verdict = await verifyDedupe(settingsFor(server), 'account_opened', 'account_funded', io);
    expect(verdict).toMatchObject({ withinEvent: within, acrossEvents: across });
    expect(verdict.evidence).toContain('account_opened');
    expect(verdict.evidence).not.toContain('@');
  },
);

test('everything is sent to the container test, for one made-up person, under keys of at most 38 characters', async () => {
  const server = await standIn();
  const verdict = await verifyDedupe(settingsFor(server, { container: 'production' }), 'opened', 'funded', io);
  const bodies = server.received.filter(({ method }) => method === 'POST').map(({ body }) => body);
  const emails = new Set(bodies.map((body) => /"email":"([^"]+)"/.exec(JSON.stringify(body))?.[1]));
  expect([...emails]).toEqual([expect.stringMatching(/^referry-verify-[0-9a-z]{8}@example\.com$/)]);
  for (const body of bodies) expect(body).toMatchObject({ data: { container: 'test' } });
  const withKey = bodies.filter((body) => JSON.stringify(body).includes(`"${verdict.key}"`));
  expect(withKey).toHaveLength(3);
  expect(verdict.key.length).toBeLessThanOrEqual(36);
});

test('steps that come late are waited for', async () => {
  const server = await standIn({ dedupe: 'none', stepDelayMs: 250 });
  const verdict = await verifyDedupe(settingsFor(server), 'opened', 'funded', io);
  expect(verdict).toMatchObject({ withinEvent: 'keeps', acrossEvents: 'keeps' });
});

test('a repeat that shows later than everything else is not taken for dropped', async () => {
  const server = await standIn({ dedupe: 'none', stepDelayMs: (nth) => (nth === 2 ? 300 : 0) });
  const settings = settingsFor(server, { verify: { settle: '5s', patience: '5s', poll: '20ms' } });
  expect(await verifyDedupe(settings, 'opened', 'funded', io)).toMatchObject({ withinEvent: 'keeps' });
});

test('an account that shows no steps proves nothing', async () => {
  const server = await standIn({ stepDelayMs: 60_000 });
  const settings = settingsFor(server, { verify: { settle: '20ms', patience: '100ms', poll: '20ms' } });
  expect(await verifyDedupe(settings, 'opened', 'funded', io)).toMatchObject({
    withinEvent: 'unproven',
    acrossEvents: 'unproven',
  });
});

test('an event name that the account does not show proves nothing across event names', async () => {
  const server = await standIn({ dedupe: 'across-events', hiddenEvents: ['funded'] });
  const settings = settingsFor(server, { verify: { settle: '20ms', patience: '100ms', poll: '20ms' } });
  expect(await verifyDedupe(settings, 'opened', 'funded', io)).toMatchObject({
    withinEvent: 'drops',
    acrossEvents: 'unproven',
  });
});

test('an event that counts once a person is not taken for a dropped key', () => {
  // The repeat does not show, but neither does the same event under another key.
  expect(conclude(new Set(['first', 'other event']))).toEqual({ withinEvent: 'unproven', acrossEvents: 'keeps' });
  expect(conclude(new Set(['repeat', 'other key']))).toEqual({ withinEvent: 'unproven', acrossEvents: 'unproven' });
  expect(conclude(new Set(['first', 'other key', 'other event, other key']))).toEqual({
    withinEvent: 'drops',
    acrossEvents: 'drops',
  });
});

test('a repeat answered with the id of the first was taken for the first', async () => {
  let first = '';
  const sameId: FaultSource = ({ seq }) =>
    seq === 2 ? { kind: 'body', accept: false, body: `{"event_id":"${first}"}` } : undefined;
  const server = await standIn({ faults: sameId });
  server.setFaults((request) => {
    first = server.received.find(({ accepted }) => accepted)?.eventId ?? '';
    return sameId(request);
  });
  expect(await verifyDedupe(settingsFor(server), 'opened', 'funded', io)).toMatchObject({ withinEvent: 'drops' });
});

test('an event that is not clearly accepted leaves everything unproven and says so', async () => {
  const server = await standIn({ blockedEvents: ['funded'] });
  const verdict = await verifyDedupe(settingsFor(server), 'opened', 'funded', io);
  expect(verdict).toMatchObject({ withinEvent: 'unproven', acrossEvents: 'unproven' });
  expect(verdict.evidence).toContain('event_blocked');
});

test('a destination that cannot be used is an error, not a finding', async () => {
  const server = await standIn();
  const settings = settingsFor(server);
  server.setTokens([]);
  await expect(verifyDedupe(settings, 'opened', 'funded', io)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});
