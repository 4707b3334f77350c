import { afterEach, describe, expect, test } from 'vitest';
import { probeHubspot } from '../../src/destinations/hubspot/probe.ts';
import { hubspotSettings } from '../../src/destinations/hubspot/settings.ts';
import type { HubspotOptions } from '../../src/sandbox/hubspot/server.ts';
import { closeAll, io, patientIo, signal, standIn } from './hubspot-setup.ts';

afterEach(closeAll);

const NEEDS = { property: 'share_link', write: true, imports: false };

async function probed(options: Omit<HubspotOptions, 'io'>, needs: Partial<typeof NEEDS> = {}, over: object = {}) {
  const server = await standIn(options);
  for (const n of [1, 2, 3]) server.contacts.add({ email: `p${n}@example.com` });
  const settings = hubspotSettings.parse({ account: 'acme', token: server.token, url: server.url, ...over });
  const steps = await probeHubspot(settings, { ...NEEDS, ...needs }, io, signal);
  return { server, told: steps.map(({ step, ok, detail }) => `${ok ? 'ok' : 'FAIL'} ${step}: ${detail}`) };
}

describe('what doctor says of HubSpot', () => {
  test('all is well: the scopes that the job needs, and how many contacts have no link; nothing is changed', async () => {
    const { server, told } = await probed({});
    expect(told).toEqual([
      `ok reach ${server.url}: answers`,
      "ok token accepted: it is a private app's",
      'ok scopes: crm.objects.contacts.read, crm.objects.contacts.write',
      'ok property share_link: 3 contacts have no share_link yet',
    ]);
    expect(server.contacts.all().map(({ properties }) => properties.share_link)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(JSON.stringify(server.received)).not.toContain(server.token);
  });

  test('each scope that is missing is named', async () => {
    const { told } = await probed({ scopes: ['crm.objects.contacts.read'] }, { imports: true });
    expect(told).toContain('FAIL scopes: the app lacks crm.objects.contacts.write, crm.import');
  });

  test.each([false, true])(
    'a property that is not there (with a code: %s) is made by the first run, if the app may',
    async (searchesWithCode) => {
      const may = await probed({ searchesWithCode }, { property: 'extole_link' });
      const made = 'ok property extole_link: is not there, so all 3 contacts are without it; the first run makes it';
      expect(may.told.at(-1)).toBe(made);
      const scopes = ['crm.objects.contacts.read', 'crm.objects.contacts.write'];
      const mayNot = await probed({ scopes, searchesWithCode }, { property: 'extole_link' });
      expect(mayNot.told).toContain(
        'FAIL scopes: the app lacks crm.schemas.contacts.write, so it cannot make extole_link',
      );
    },
  );

  test('a token that HubSpot does not know', async () => {
    const { told } = await probed({}, {}, { token: 'another' });
    expect(told).toHaveLength(2);
    expect(told[1]).toMatch(/^FAIL token accepted: HubSpot answered 401/);
  });

  test('a token of another kind, whose scopes cannot be asked for, is told of when it may not read', async () => {
    const over = { paths: { tokenInfo: '/nowhere' } };
    const { told } = await probed({ scopes: ['crm.import'] }, {}, over);
    expect(told.at(-1)).toMatch(/^FAIL scopes: HubSpot answered 403/);
  });

  test('nobody answers', async () => {
    const { server } = await probed({});
    await server.stop();
    const settings = hubspotSettings.parse({ account: 'acme', token: 'x', url: server.url });
    const steps = await probeHubspot(settings, NEEDS, patientIo(), signal);
    expect(steps.map(({ step, ok }) => [step, ok])).toEqual([[`reach ${server.url}`, false]]);
  }, 20_000);
});
