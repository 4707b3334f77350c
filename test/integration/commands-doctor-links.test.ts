import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorReport, Step } from '../../src/commands/examine.ts';
import { type HubspotStandIn, startHubspot } from '../../src/sandbox/hubspot/server.ts';
import { startKlaviyo } from '../../src/sandbox/klaviyo/server.ts';
import type { StandIn } from '../../src/sandbox/stand-in.ts';
import { io } from './extole-setup.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { linksJob } from './support/links-job.ts';
import { fromEnv } from './support/usual-job.ts';

let world: World;
let hubspot: HubspotStandIn;
let klaviyo: StandIn;
const outbox = mkdtempSync(join(tmpdir(), 'referry-outbox-'));
const keys = { HUBSPOT_TOKEN: 'good', KLAVIYO_KEY: 'pk_other' };

beforeAll(async () => {
  world = await openWorld();
  const scopes = ['crm.objects.contacts.read', 'crm.objects.contacts.write'];
  hubspot = await startHubspot({ io, token: 'good', scopes });
  klaviyo = await startKlaviyo({ io });
});
afterAll(async () => {
  await hubspot.stop();
  await klaviyo.stop();
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

  it('looks into an outbox and leaves nothing there, and reaches the other tools without their keys', async () => {
    linksJob(world, 'links', {
      exports: [
        { format: 'klaviyo-csv', to: { url: `file://${outbox}` } },
        { format: 'braze-csv', to: { url: `file://${outbox}/not-there` } },
      ],
      push: [{ provider: 'klaviyo', account: 'acme', apiKey: fromEnv('KLAVIYO_KEY'), url: klaviyo.url }],
    });
    const { code, report } = await doctor();
    expect(code, JSON.stringify(report)).toBe(0);
    const listed = at(report, 'outbox of klaviyo-csv');
    expect(listed.map(({ step, verdict }) => `${verdict} ${step}`)).toEqual(['ok reach', 'ok list']);
    expect(at(report, 'outbox of braze-csv').at(-1)).toMatchObject({
      verdict: 'warn',
      detail: 'not-there: is not there yet; the first export makes it',
    });
    expect(at(report, 'push to klaviyo')).toMatchObject([
      { verdict: 'ok', detail: 'answers (without TLS); its key is not tried here, but by the first push' },
    ]);
    expect(klaviyo.received.map(({ path }) => path)).toEqual(['/']);
    expect(JSON.stringify(klaviyo.received)).not.toContain('pk_other');
    await klaviyo.stop();
    expect(at((await doctor()).report, 'push to klaviyo')).toMatchObject([{ verdict: 'FAIL' }]);
  });
});
