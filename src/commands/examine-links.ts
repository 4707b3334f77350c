import { probeHubspot } from '../destinations/hubspot/probe.ts';
import { type HubspotSettings, hubspotSettings } from '../destinations/hubspot/settings.ts';
import { urlOf } from '../destinations/iterable/settings.ts';
import { probeKlaviyo } from '../destinations/klaviyo/probe.ts';
import { probeReach } from '../destinations/probe-reach.ts';
import type { ProbeStep } from '../destinations/probe-step.ts';
import { probeSfmc } from '../destinations/sfmc/probe.ts';
import { nameOfExport } from '../jobs/export-targets.ts';
import { splitUrl } from '../jobs/folders.ts';
import { nameOfPush, type PushTarget } from '../jobs/push-targets.ts';
import type { LinksJob } from '../jobs/schema.ts';
import type { Io } from '../model.ts';
import { probeRemote } from '../remotes/probe.ts';
import type { RemoteSettings } from '../remotes/settings.ts';
import type { Examined, Step } from './examine.ts';
import { folderStep } from './examine-lane.ts';

/** What a job that makes share links needs beside Extole: where customers come from, and where links go. Nothing is changed there. */
export async function* examineLinks(job: LinksJob, io: Io, signal: AbortSignal): AsyncGenerator<Examined> {
  for (const use of hubspotUses(job)) {
    const steps = (await probeHubspot(use.settings, use, io, signal)).map(stepOf);
    yield { subject: `job ${job.id}: HubSpot ${use.settings.account}, for ${use.roles.join(' and ')}`, steps };
  }
  for (const [, [first, ...more]] of Map.groupBy(job.exports, ({ to }) => JSON.stringify(to ?? null))) {
    if (first?.to === undefined) continue;
    const names = [first, ...more].map(nameOfExport).join(', ');
    yield { subject: `job ${job.id}: outbox of ${names} ${first.to.url}`, steps: await examineOutbox(first.to, io) };
  }
  for (const target of job.push) {
    if (target.provider === 'hubspot') continue;
    yield {
      subject: `job ${job.id}: push to ${nameOfPush(target)}`,
      steps: (await probeTool(target, io, signal)).map(stepOf),
    };
  }
}

interface HubspotUse {
  settings: HubspotSettings;
  roles: string[];
  property: string;
  write: boolean;
  imports: boolean;
}

/** Each app is asked once for all that the job does with it. */
function hubspotUses(job: LinksJob): HubspotUse[] {
  const uses: HubspotUse[] = [];
  const add = (use: HubspotUse): void => {
    const same = uses.find(({ settings: { token, url } }) => token === use.settings.token && url === use.settings.url);
    if (!same) uses.push(use);
    else {
      same.roles.push(...use.roles);
      same.write ||= use.write;
      same.imports ||= use.imports;
    }
  };
  const { hubspot: source } = job.customers;
  if (source) {
    const { property, properties: _, ...reach } = source;
    const { account, token } = reach;
    const settings = { ...hubspotSettings.parse({ account, token }), ...reach };
    add({ settings, roles: ['customers'], property, write: false, imports: false });
  }
  for (const target of job.push) {
    if (target.provider !== 'hubspot') continue;
    const names = Object.entries(target.fields);
    const [property = 'share_link'] = names.find(([, text]) => text.includes('{link}')) ?? names[0] ?? [];
    add({ settings: target, roles: [`push ${nameOfPush(target)}`], property, write: true, imports: false });
  }
  for (const target of job.exports) {
    if (target.format !== 'hubspot-csv' || target.hubspot === undefined) continue;
    const { hubspot: settings, linkProperty: property } = target;
    add({ settings, roles: [`export ${nameOfExport(target)}`], property, write: true, imports: true });
  }
  return uses;
}

/** It is only listed: a probe that is put there could be taken for an import. `maker`: what makes it where it is not there yet. */
export async function examineOutbox(to: RemoteSettings, io: Io, maker = 'export'): Promise<Step[]> {
  const { url, inbox: outbox } = splitUrl(to.url);
  const probed = await probeRemote({ ...to, url }, [outbox], io, { readOnly: true });
  return probed.map((step) => folderStep(step, [outbox], `the first ${maker} makes it`));
}

type Tool = Exclude<PushTarget, { provider: 'hubspot' }>;

async function probeTool(target: Tool, io: Io, signal: AbortSignal): Promise<ProbeStep[]> {
  const reached = await probeReach(target.provider, addressOf(target), target, io);
  if (!reached.ok) return [reached];
  if (target.provider === 'klaviyo') return [reached, await probeKlaviyo(target, io, signal)];
  if (target.provider === 'sfmc') return [reached, await probeSfmc(target, io, signal)];
  // These two have no call that changes nothing.
  return [{ ...reached, detail: `${reached.detail}; its key is not tried here, but by the first push` }];
}

function addressOf(target: Tool): string {
  switch (target.provider) {
    case 'sfmc':
      return target.authUrl ?? `https://${target.subdomain}.auth.marketingcloudapis.com`;
    case 'iterable':
      return urlOf(target);
    default:
      return target.url;
  }
}

export function stepOf({ step, ok, detail, hint, doubtful }: ProbeStep): Step {
  const more = hint === undefined ? {} : { hint };
  if (!ok) return { step, verdict: 'FAIL', detail, cause: 'unreachable', ...more };
  return { step, verdict: doubtful ? 'warn' : 'ok', detail, ...more };
}
