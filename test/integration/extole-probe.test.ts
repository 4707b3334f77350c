import { afterEach, expect, test } from 'vitest';
import { probeExtole } from '../../src/destinations/extole/probe.ts';
import { SELF_SIGNED, SERVER_KEY } from './extole-certificates.ts';
import { closeAll, io, settingsFor, standIn } from './extole-setup.ts';

afterEach(closeAll);

test('a healthy account passes each step, and no event is sent', async () => {
  const server = await standIn();
  const events = await standIn();
  const steps = await probeExtole(settingsFor(server, { eventsUrl: events.url }), io);
  expect(steps.map(({ step, ok }) => [step, ok])).toEqual([
    [`reach ${server.url}`, true],
    ['token accepted', true],
    [`reach ${events.url}`, true],
  ]);
  expect(server.received.every(({ method }) => method === 'GET')).toBe(true);
});

test('a wrong token is told from a host that cannot be reached', async () => {
  const server = await standIn();
  const settings = settingsFor(server);
  server.setTokens([]);
  const steps = await probeExtole(settings, io);
  expect(steps).toMatchObject([
    { ok: true },
    { step: 'token accepted', ok: false, hint: expect.stringContaining('My Extole') },
  ]);
  expect(JSON.stringify(steps)).not.toContain(settings.token);
});

test('a host that is not there is named, with a hint', async () => {
  const server = await standIn();
  const settings = settingsFor(server);
  await server.close();
  expect(await probeExtole(settings, io)).toMatchObject([
    { ok: false, detail: expect.stringContaining('ECONNREFUSED'), hint: expect.stringContaining('firewall') },
  ]);
});

test('H17: a certificate that does not verify is named, with a hint', async () => {
  const server = await standIn({ tls: { key: SERVER_KEY, cert: SELF_SIGNED } });
  expect(await probeExtole(settingsFor(server), io)).toMatchObject([
    {
      ok: false,
      detail: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
      hint: expect.stringContaining('`ca`'),
    },
  ]);
});

test('a web page instead of the API is not a good token', async () => {
  const server = await standIn();
  const settings = settingsFor(server, { paths: { persons: '/elsewhere' } });
  expect(await probeExtole(settings, io)).toMatchObject([
    { ok: true },
    { ok: false, hint: expect.stringContaining('paths') },
  ]);
});
