import { probeExtole } from '../destinations/extole/probe.ts';
import { inboxFolders } from '../jobs/inbox-folders.ts';
import { formatProblem, loadJobs } from '../jobs/load.ts';
import { isNotifyFile } from '../jobs/notify-file.ts';
import type { Job } from '../jobs/schema.ts';
import { type Ledger, openLedgerForReading } from '../ledger/open.ts';
import { EXIT, type ExitCode, type Io, TransferError } from '../model.ts';
import { type ProbeStep, probeRemote } from '../remotes/probe.ts';
import type { Settings } from '../settings.ts';
import { dedupeOf } from './collect-status.ts';
import { examineChannels } from './examine-channels.ts';
import { examineDelivered } from './examine-delivered.ts';
import { examineHere } from './examine-here.ts';
import { examineKeys } from './examine-keys.ts';
import { examineLane } from './examine-lane.ts';
import { examineLinks } from './examine-links.ts';
import { examineMembers } from './examine-members.ts';
import { examineReceive } from './examine-receive.ts';
import { type RawJob, readRawJob } from './raw-job.ts';

/** One thing that was tried. `warn`: it works, and somebody should look. */
export interface Step {
  step: string;
  verdict: 'ok' | 'warn' | 'FAIL';
  detail: string;
  hint?: string | undefined;
  /** What a failure means for the exit code. */
  cause?: 'configuration' | 'unreachable' | 'ledger';
}

export interface Examined {
  subject: string;
  steps: Step[];
}

export interface DoctorReport {
  ok: boolean;
  tried: number;
  failures: number;
  exitCode: ExitCode;
  examined: Examined[];
}

/** Tries everything that a run would need, one job after the other. `tell` is called as each part is done. */
export async function examine(
  settings: Settings,
  io: Io,
  ids: readonly string[],
  tell: (examined: Examined) => void,
): Promise<DoctorReport> {
  const examined: Examined[] = [];
  const done = (subject: string, steps: Step[]): void => {
    examined.push({ subject, steps });
    tell({ subject, steps });
  };
  const { jobs, problems } = await loadJobs(settings.jobs, io.env);
  const wrong = problems.filter((problem) => problem.severity === 'error');
  const brokenFiles = [...new Set(wrong.map(({ file }) => file))].filter(
    (file) => file !== settings.jobs && !isNotifyFile(file),
  );
  const broken = await Promise.all(brokenFiles.map((file) => readRawJob(file, io.env)));
  const asked = (id: string): boolean => ids.length === 0 || ids.includes(id);
  refuseUnknown(ids, [...jobs, ...broken], settings.jobs);

  done('this machine', await examineHere(settings, io));
  const folderProblems = wrong.filter(({ file }) => file === settings.jobs || isNotifyFile(file));
  if (folderProblems.length > 0)
    done(
      'job files',
      folderProblems.map((problem) => failed('jobs', formatProblem(problem), 'configuration')),
    );
  const ledger = await openLedgerForReading(settings.ledger).catch(() => undefined);
  try {
    for (const job of jobs.filter(({ id }) => asked(id))) {
      done(`job ${job.id}: source ${job.source.url}`, await examineSource(job, io));
      const keys = await examineKeys(job, io);
      if (keys.length > 0) done(`job ${job.id}: keys`, keys);
      if (job.pipeline === 'sync-segment') {
        const { subject, steps } = await examineMembers(job, io, new AbortController().signal);
        done(subject, steps);
      } else {
        const { extole } = job.destination;
        const options = { timeouts: job.delivery, events: job.pipeline === 'deliver-events' };
        const steps = (await probeExtole(extole, io, options)).map(stepOf);
        done(`job ${job.id}: Extole ${extole.account}/${extole.container}`, [...steps, ...examineDedupe(job, ledger)]);
      }
      const lane = await examineLane(job, io);
      if (lane) done(lane.subject, lane.steps);
      if (job.pipeline === 'export-share-links')
        for await (const each of examineLinks(job, io, new AbortController().signal)) done(each.subject, each.steps);
      const delivered = examineDelivered(job, ledger, { io, state: settings.state });
      if (delivered) done(delivered.subject, delivered.steps);
      const posts = await examineReceive(job, settings, io);
      if (posts) done(posts.subject, posts.steps);
      const channels = examineChannels(job);
      if (channels.length > 0) done(`job ${job.id}: notices`, channels);
    }
    for (const job of broken.filter(({ id }) => asked(id))) {
      const its = wrong.filter(({ file }) => file === job.path);
      const steps = its.map((problem) => failed('job file', formatProblem(problem), 'configuration'));
      done(`job ${job.id} has errors, so it does not run; what can be tried is tried`, [
        ...steps,
        ...(await examineRaw(job, io)),
      ]);
    }
  } finally {
    await ledger?.close();
  }
  const all = examined.flatMap(({ steps }) => steps);
  const failures = all.filter(({ verdict }) => verdict === 'FAIL');
  const exitCode = exitCodeOf(failures);
  return { ok: failures.length === 0, tried: all.length, failures: failures.length, exitCode, examined };
}

function exitCodeOf(failures: readonly Step[]): ExitCode {
  if (failures.length === 0) return EXIT.ok;
  const causes = new Set(failures.map(({ cause }) => cause));
  if (causes.has('ledger')) return EXIT.ledgerUnreadable;
  return causes.has('configuration') ? EXIT.usage : EXIT.unreachable;
}

function refuseUnknown(ids: readonly string[], jobs: readonly { id: string }[], folder: string): void {
  const unknown = ids.filter((id) => !jobs.some((job) => job.id === id));
  if (unknown.length === 0) return;
  const known = jobs.map((job) => job.id).join(', ') || 'none';
  throw new TransferError('USAGE', `there is no job ${unknown.join(', ')} in ${folder}; there is: ${known}`, {
    hint: 'give the id of a job, which is its file name without .yaml unless the file says another',
  });
}

/** The inbox must be there; the other folders are made by the first run that needs them. */
async function examineSource(job: Job, io: Io): Promise<Step[]> {
  const { inbox, processing, archive, refused } = job.source;
  const inboxes = [inbox, ...inboxFolders(job).map(({ folder }) => folder)];
  const folders = [...new Set([...inboxes, processing, archive, refused, job.report.to, job.report.reports])];
  const steps = await probeRemote(job.source, folders, io);
  return steps.map((probed) => {
    const step = stepOf(probed);
    const missing = folders.find((folder) => !inboxes.includes(folder) && isMissing(probed, folder));
    if (missing === undefined) return step;
    return { step: 'list', verdict: 'warn', detail: `${missing}: is not there yet; the first run makes it` };
  });
}

function isMissing({ step, ok, detail }: ProbeStep, folder: string): boolean {
  return !ok && step === 'list' && /^NO_SUCH_(FILE|FOLDER)\b/.test(detail) && detail.includes(folder);
}

async function examineRaw(job: RawJob, io: Io): Promise<Step[]> {
  const steps: Step[] = [];
  if (job.source) steps.push(...(await probeRemote(job.source, [], io)).map(stepOf));
  else steps.push(failed('source', 'not tried: the url cannot be read', 'configuration'));
  if (job.extole) steps.push(...(await probeExtole(job.extole, io)).map(stepOf));
  else steps.push(failed('Extole', 'not tried: its settings are not complete', 'configuration'));
  return steps;
}

function examineDedupe(job: Job, ledger: Ledger | undefined): Step[] {
  if (job.pipeline !== 'deliver-events') return [];
  const names = dedupeOf(job, ledger);
  if (names.length === 0) {
    const detail = 'the event names come from the file: verify each with referry verify-dedupe --event NAME';
    return [{ step: 'dedupe', verdict: 'warn', detail }];
  }
  return names.map(({ eventName, verified, drops, at }) => {
    if (drops)
      return { step: 'dedupe', verdict: 'ok', detail: `${eventName}: a known key is dropped (verified ${at})` };
    const until = verified
      ? `verified ${at}, and a known key is not surely dropped: rows whose delivery is unknown are held`
      : `not verified: until then rows whose delivery is unknown are held`;
    return {
      step: 'dedupe',
      verdict: 'warn',
      detail: `${eventName}: ${until}`,
      hint: `run referry verify-dedupe ${job.id}`,
    };
  });
}

/** Settings that are wrong are told apart from a place that cannot be reached. */
function stepOf({ step, ok, detail, hint }: { step: string; ok: boolean; detail: string; hint?: string }): Step {
  if (ok) return { step, verdict: 'ok', detail };
  return { ...failed(step, detail, step === 'settings' ? 'configuration' : 'unreachable'), hint };
}

function failed(step: string, detail: string, cause: Step['cause']): Step {
  return { step, verdict: 'FAIL', detail, ...(cause === undefined ? {} : { cause }) };
}
