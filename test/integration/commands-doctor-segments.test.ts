import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DoctorReport, Step } from '../../src/commands/examine.ts';
import { type ExtoleStandIn, startExtole } from '../../src/sandbox/extole/server.ts';
import { io } from './extole-setup.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { fromEnv, type Json } from './support/usual-job.ts';

let world: World;
let extole: ExtoleStandIn;
const outbox = mkdtempSync(join(tmpdir(), 'referry-outbox-'));

beforeAll(async () => {
  world = await openWorld();
  extole = await startExtole({ io, keep: true, requestsPerMinute: Number.POSITIVE_INFINITY });
});
afterAll(async () => {
  await extole.close();
  await world.close();
  rmSync(outbox, { recursive: true });
});

async function doctor(target: Json, env: Record<string, string> = { TOKEN: 'sandbox-token' }) {
  const job = {
    pipeline: 'sync-segment',
    source: { url: `file://${world.served}/inbox`, match: '*.csv', stable: { for: '0s' } },
    members: { id: 'id' },
    segments: { vip: 'VIP customers' },
    target,
  };
  writeFileSync(join(world.jobs, 'segments.yaml'), JSON.stringify(job), { mode: 0o600 });
  const { code, stdout, stderr } = await world.cli(['doctor', '--json'], env);
  expect(stdout, stderr).not.toBe('');
  const report: DoctorReport = JSON.parse(stdout);
  const at = (subject: string): Step[] | undefined =>
    report.examined.find((each) => each.subject.includes(subject))?.steps;
  return { code, stdout, at };
}

test('of a job that keeps segments, doctor asks the target, and nothing of events', async () => {
  const target = { extole: { account: 'acme', token: fromEnv('TOKEN'), apiUrl: extole.url } };
  const { code, stdout, at } = await doctor(target);
  expect(code, stdout).toBe(0);
  expect(at('Extole acme, where members go')).toMatchObject([
    { step: `reach ${extole.url}`, verdict: 'ok' },
    { step: 'audiences', verdict: 'ok' },
  ]);
  expect(stdout).not.toMatch(/api\.extole\.io|events\.extole\.io|dedupe/);
  expect(extole.audiences.all()).toEqual([]);
  const refused = await doctor(target, { TOKEN: 'another' });
  expect(refused.code).toBe(4);
  expect(refused.at('Extole acme')?.[1]).toMatchObject({ step: 'audiences', verdict: 'FAIL' });
  expect(refused.stdout).not.toContain('"another"');
});

test('an audience that a job names and that is not there is found before the first sync', async () => {
  const target = { extole: { account: 'acme', token: fromEnv('TOKEN'), apiUrl: extole.url, audienceId: '404' } };
  const { code, at } = await doctor(target);
  expect(code).toBe(4);
  expect(at('Extole acme')?.[1]).toMatchObject({ step: 'audience 404', verdict: 'FAIL' });
});

test('an outbox for members is looked into, and a tool that has no harmless call is only reached', async () => {
  const { code, at, stdout } = await doctor({ files: { account: 'acme', to: { url: `file://${outbox}` } } });
  expect(code, stdout).toBe(0);
  expect(at('outbox of members')?.at(-1)).toMatchObject({ verdict: 'ok' });
  const braze = { account: 'acme', url: extole.url, attribute: { apiKey: fromEnv('TOKEN') } };
  expect((await doctor({ braze })).at('Braze acme')).toMatchObject([
    { verdict: 'ok', detail: expect.stringContaining('not tried here, but by the first sync') },
  ]);
});
