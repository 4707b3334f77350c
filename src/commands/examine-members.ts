import { probeAudiences } from '../destinations/extole/audiences/probe.ts';
import { urlOf } from '../destinations/iterable/settings.ts';
import { probeReach } from '../destinations/probe-reach.ts';
import type { MemberTargetSettings } from '../jobs/member-targets.ts';
import type { SegmentsJob } from '../jobs/schema.ts';
import type { Io } from '../model.ts';
import type { Examined, Step } from './examine.ts';
import { examineOutbox, stepOf } from './examine-links.ts';

/** What a job that keeps segments needs at its target. Nothing is changed there. */
export async function examineMembers(job: SegmentsJob, io: Io, signal: AbortSignal): Promise<Examined> {
  const { files, extoleFiles } = job.target;
  const of = (what: string, steps: Step[]): Examined => ({ subject: `job ${job.id}: ${what}`, steps });
  if (files) return of(`outbox of members ${files.to.url}`, await examineOutbox(files.to, io, 'sync'));
  if (extoleFiles)
    return of(`folders of audiences ${extoleFiles.sftp.url}`, await examineOutbox(extoleFiles.sftp, io, 'sync'));
  const { name, account, url, reach } = toolOf(job.target);
  const reached = await probeReach(name, url, reach, io);
  const subject = `${name} ${account}, where members go`;
  if (!reached.ok) return of(subject, [stepOf(reached)]);
  const { extole } = job.target;
  if (extole) return of(subject, [stepOf(reached), stepOf(await probeAudiences(extole, io, signal))]);
  // They have no call that says something of the key and changes nothing.
  return of(subject, [
    stepOf({ ...reached, detail: `${reached.detail}; its key is not tried here, but by the first sync` }),
  ]);
}

interface Tool {
  name: string;
  account: string;
  url: string;
  reach: { ca?: string | undefined; allowPrivateAddresses: boolean };
}

function toolOf({ braze, extole, hubspot, klaviyo, iterable }: MemberTargetSettings): Tool {
  if (braze) return { name: 'Braze', account: braze.account, url: braze.url, reach: braze };
  if (extole) return { name: 'Extole', account: extole.account, url: extole.apiUrl, reach: extole };
  if (hubspot) return { name: 'HubSpot', account: hubspot.account, url: hubspot.url, reach: hubspot };
  if (klaviyo) return { name: 'Klaviyo', account: klaviyo.account, url: klaviyo.url, reach: klaviyo };
  if (iterable) return { name: 'Iterable', account: iterable.account, url: urlOf(iterable), reach: iterable };
  throw new Error('the job names no target');
}
