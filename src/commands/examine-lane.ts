import { pathToFileURL } from 'node:url';
import { createFilesApi } from '../destinations/extole/files-api.ts';
import { createLinkReports } from '../destinations/extole/links/reports.ts';
import { freshToken } from '../jobs/fresh-token.ts';
import type { Job } from '../jobs/schema.ts';
import { type Io, TransferError } from '../model.ts';
import { type ProbeStep, probeRemote } from '../remotes/probe.ts';
import { remoteSettings } from '../remotes/settings.ts';
import type { Step } from './examine.ts';

/** What the lane of a job needs beside the events API. Nothing is sent: Extole's folders are listed, and not written to. */
export async function examineLane(job: Job, io: Io): Promise<{ subject: string; steps: Step[] } | undefined> {
  if (job.pipeline !== 'deliver-events' && !isBulk(job)) return undefined;
  const { lane, sftp, folder } = job.destination.extole;
  if (sftp) {
    const folders = ['.', sftp.results, sftp.archive];
    const probed = await probeRemote(sftp, folders, io, { readOnly: true });
    const steps = probed.map((step) => folderStep(step, folders.slice(1), 'Extole makes it with the first file'));
    steps.push(...(await reportSteps(job, io)));
    return { subject: `job ${job.id}: Extole's SFTP server ${sftp.url}`, steps };
  }
  if (lane === 'folder' && folder) {
    const url = pathToFileURL(folder.path).href;
    const probed = await probeRemote(remoteSettings.parse({ url }), ['.'], io);
    const steps = probed.map((step) => folderStep(step, [folder.path], 'the first run makes it'));
    return { subject: `job ${job.id}: folder for uploads by hand ${folder.path}`, steps };
  }
  return lane === 'batch'
    ? {
        subject: `job ${job.id}: Extole's files API`,
        steps: [await filesStep(job, io), ...(await reportSteps(job, io))],
      }
    : undefined;
}

function isBulk(job: Job): boolean {
  return job.pipeline === 'export-share-links' && job.links.bulk !== undefined;
}

/** Where links come back out of reports. */
async function reportSteps(job: Job, io: Io): Promise<Step[]> {
  if (job.pipeline !== 'export-share-links' || job.links.bulk?.collect !== 'report') return [];
  const { report } = job.links;
  if (report === undefined) return [];
  const { concurrency, timeout } = job.delivery;
  const reports = createLinkReports({ ...job.links, patience: 0, report }, io, { timeouts: { concurrency, timeout } });
  const step = 'reports';
  try {
    await reports.probe(new AbortController().signal);
    const detail = `can be listed; whether there is a ${report.type} shows with the first one`;
    return [{ step, verdict: 'ok', detail }];
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    const detail = `${error.code}: ${error.message}`;
    const hint = 'ask Extole whether the token may make reports; check links.paths.reports and apiUrl';
    return [{ step, verdict: 'FAIL', detail, hint, cause: 'unreachable' }];
  } finally {
    await reports.close();
  }
}

async function filesStep(job: Job, io: Io): Promise<Step> {
  const { extole } = job.destination;
  await using api = createFilesApi(extole, job.delivery, io, () => freshToken(job.path));
  const reply = await api.findFile('referry-doctor');
  const step = 'files';
  if (reply.kind === 'ok') return { step, verdict: 'ok', detail: `${extole.batch.files} can be listed` };
  const hint = 'ask Extole whether the token may send files and make batch jobs; check batch.files and apiUrl';
  return { step, verdict: 'FAIL', detail: `${reply.code}: ${reply.reason}`, hint, cause: 'unreachable' };
}

/** A folder that is made later is no failure. */
export function folderStep({ step, ok, detail, hint }: ProbeStep, madeLater: readonly string[], how: string): Step {
  if (ok) return { step, verdict: 'ok', detail };
  const missing = madeLater.find((folder) => /^NO_SUCH_(?:FILE|FOLDER)\b/.test(detail) && detail.includes(folder));
  if (missing !== undefined) return { step, verdict: 'warn', detail: `${missing}: is not there yet; ${how}` };
  const cause = step === 'settings' ? 'configuration' : 'unreachable';
  return { step, verdict: 'FAIL', detail, cause, ...(hint === undefined ? {} : { hint }) };
}
