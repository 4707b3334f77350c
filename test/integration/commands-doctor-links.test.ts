import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorReport, Step } from '../../src/commands/examine.ts';
import { type HubspotStandIn, startHubspot } from '../../src/sandbox/hubspot/server.ts';
import { startKlaviyo } from '../../src/sandbox/klaviyo/server.ts';
import { startSfmc } from '../../src/sandbox/sfmc/server.ts';
import type { StandIn } from '../../src/sandbox/stand-in.ts';
import { io } from './extole-setup.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { linksJob } from './support/links-job.ts';
import { fromEnv } from './support/usual-job.ts';

let world: World;
let hubspot: HubspotStandIn;
let klaviyo: StandIn;
let sfmc: StandIn;
const outbox = mkdtempSync(join(tmpdir(), 'referry-outbox-'));
const keys = { HUBSPOT_TOKEN: 'good' };

beforeAll(async () => {
  world = await openWorld();
  const scopes = ['crm.objects.contacts.read', 'crm.objects.contacts.write'];
  hubspot = await startHubspot({ io, token: 'good', scopes });
  klaviyo = await startKlaviyo({ io });
  sfmc = await startSfmc({ io });
});
afterAll(async () => {
  await hubspot.stop();
  await klaviyo.stop();
  await sfmc.stop();
  await world.close();
  rmSync(outbox, { recursive: true });
});

async function doctor(env: Record<string, string> = keys): Promise<{ code: number | undefined; report: DoctorReport }> {
  const { code, stdout, stderr } = await world.cli(['doctor', '--json'], env);
  expect(stdout, stderr).not.toBe('');
  return { code, report: JSON.parse(stdout) };
}

const at = (report: DoctorReport, subject: string): Step[] =>
  report.examined.find((each) => each.subject.includes(subject))?.steps ?? [];

describe('referry doctor, of a job that makes share links', () => {
  it('names each scope that HubSpot lacks, and asks once for all that the job does there', async () => {
    const reach = { account: 'acme', token: fromEnv('HUBSPOT_TOKEN'), url: hubspot.url };
    linksJob(world, 'links', {
      customers: { email: null, partnerUserId: null, columns: {}, from: 'hubspot', hubspot: reach },
      push: [{ provider: 'hubspot', ...reach }],
    });
    const { code, report } = await doctor();
    expect(code).toBe(4);
    expect(at(report, 'HubSpot acme, for customers and push hubspot')).toMatchObject([
      { step: `reach ${hubspot.url}`, verdict: 'ok' },
      { step: 'token accepted', verdict: 'ok' },
      { step: 'scopes', verdict: 'ok' },
      { step: 'scopes', verdict: 'FAIL', detail: expect.stringContaining('crm.schemas.contacts.write') },
      { step: 'property share_link', verdict: 'warn', detail: expect.stringContaining('the first run makes it') },
    ]);
    expect(hubspot.contacts.definitions.has('share_link')).toBe(false);
    // Nothing of events is asked of a job that sends none.
    expect(JSON.stringify(report)).not.toMatch(/events\.extole\.io|dedupe/);
    const refused = await doctor({ ...keys, HUBSPOT_TOKEN: 'bad' });
    expect(refused.code).toBe(4);
    expect(at(refused.report, 'HubSpot')[1]).toMatchObject({ step: 'token accepted', verdict: 'FAIL' });
    expect(JSON.stringify(refused.report)).not.toContain('"bad"');
  });

  it('looks into an outbox, and leaves nothing there', async () => {
    linksJob(world, 'links', {
      exports: [
        { format: 'klaviyo-csv', to: { url: `file://${outbox}` } },
        { format: 'braze-csv', to: { url: `file://${outbox}/not-there` } },
      ],
    });
    const { code, report } = await doctor();
    expect(code, JSON.stringify(report)).toBe(0);
    const listed = at(report, 'outbox of klaviyo-csv');
    expect(listed.map(({ step, verdict }) => `${verdict} ${step}`)).toEqual(['ok reach', 'ok list']);
    expect(at(report, 'outbox of braze-csv').at(-1)).toMatchObject({
      verdict: 'warn',
      detail: 'not-there: is not there yet; the first export makes it',
    });
  });

  it('tries the credentials of other tools where that changes nothing, and says where it does not', async () => {
    const package_ = { clientId: 'sandbox-client', clientSecret: fromEnv('SFMC_SECRET') };
    const job = {
      push: [
        { provider: 'klaviyo', account: 'acme', apiKey: fromEnv('KLAVIYO_KEY'), url: klaviyo.url },
        {
          ...{ provider: 'sfmc', account: 'acme', subdomain: 'mc1', authUrl: sfmc.url, ...package_ },
          dataExtension: { key: 'Extole_Share_Links' },
        },
        { provider: 'braze', account: 'acme', apiKey: fromEnv('KLAVIYO_KEY'), url: klaviyo.url },
      ],
    };
    linksJob(world, 'links', job);
    const good = { ...keys, KLAVIYO_KEY: 'pk_sandbox', SFMC_SECRET: 'sandbox-secret' };
    const { code, report } = await doctor(good);
    expect(code, JSON.stringify(report)).toBe(0);
    expect(at(report, 'push to klaviyo')[1]).toMatchObject({ step: 'key accepted', verdict: 'ok' });
    expect(at(report, 'push to sfmc')[1]).toMatchObject({ step: 'token given', verdict: 'ok' });
    expect(at(report, 'push to braze')[0]?.detail).toMatch(/its key is not tried here, but by the first push$/);
    const bad = await doctor({ ...keys, KLAVIYO_KEY: 'pk_other', SFMC_SECRET: 'another-secret' });
    expect(bad.code).toBe(4);
    expect(at(bad.report, 'push to klaviyo')[1]).toMatchObject({ step: 'key accepted', verdict: 'FAIL' });
    expect(at(bad.report, 'push to sfmc')[1]).toMatchObject({ step: 'token given', verdict: 'FAIL' });
    expect(JSON.stringify(bad.report)).not.toMatch(/pk_other|another-secret/);
    expect(klaviyo.received.filter(({ method }) => method !== 'GET')).toEqual([]);
    await klaviyo.stop();
    expect(at((await doctor(good)).report, 'push to klaviyo')).toMatchObject([{ verdict: 'FAIL' }]);
  });
});
