import { hostname } from 'node:os';
import { join, posix } from 'node:path';
import { loadJobs } from '../jobs/load.ts';
import { namedTargets } from '../jobs/named-targets.ts';
import { isNotifyFile } from '../jobs/notify-file.ts';
import type { Job } from '../jobs/schema.ts';
import { type DedupeProof, dedupeProof } from '../ledger/dedupe-proofs.ts';
import { refusedLogin } from '../ledger/logins.ts';
import { type Ledger, openLedgerForReading, readHolder } from '../ledger/open.ts';
import { add, type JobState, jobStates, type Waiting } from '../ledger/status.ts';
import { type TargetState, targetStates } from '../ledger/target-states.ts';
import { isWatched } from '../ledger/watch.ts';
import { possibleNames } from '../mapping/compile.ts';
import type { Io } from '../model.ts';
import { memberConflicts } from '../pipelines/files/member-conflicts.ts';
import { loginOf, pausedUntil } from '../remotes/login-watch.ts';
import { nextDue } from '../schedule/due.ts';
import { retryAt } from '../schedule/due-run.ts';
import type { Settings } from '../settings.ts';
import { type SegmentStatus, segmentStates } from './collect-segments.ts';
import { type ExpectedStatus, expectedOf, stuckChannelsOf } from './collect-watch.ts';
import { count, isoOrNull } from './print.ts';
import { type RawJob, readRawJob } from './raw-job.ts';

/** The answer of `status --json`. Times are ISO 8601. */
export interface Status {
  at: string;
  ledger: { path: string; id: string } | null;
  executor: Executor | null;
  jobs: JobStatus[];
  /** What waits for a person, in words. */
  attention: string[];
  /** Job files with errors: `referry check` lists them. */
  jobFileErrors: number;
}

export interface Executor {
  kind: string;
  host: string;
  pid: number;
  since: string | null;
  /** null: it runs on another machine, so it cannot be told. */
  alive: boolean | null;
}

export interface Left {
  count: number;
  oldest: string | null;
}

export interface JobStatus {
  id: string;
  /** null: the ledger knows the job, but no job file has its id. */
  file: string | null;
  /** Its file has errors, so it does not run: `referry check` lists them. */
  broken: boolean;
  schedule: string | null;
  timezone: string;
  nextFire: string | null;
  /** When the daemon makes up a run that came to nothing, where that is before the next tick. */
  retryAt: string | null;
  /** The login at the source was refused: how often in a row, when last, and until when the schedule does not try again. */
  login: { refusals: number; at: string | null; pausedUntil: string | null } | null;
  lastRun: {
    id: string;
    cause: string;
    state: string;
    startedAt: string | null;
    endedAt: string | null;
    balanced: boolean | null;
    halted: { code: string; reason: string } | null;
    counts: Record<string, number> | null;
    files: number;
  } | null;
  /** Where the newest report is, as a pattern: its name also holds the time. */
  lastReport: string | null;
  rows: Record<'open' | 'failed' | 'held' | 'conflict', Left>;
  files: Record<'open' | 'held' | 'refused', Left>;
  openFiles: {
    name: string;
    state: string;
    since: string | null;
    read: number | null;
    delivered: number;
    /** The file that was sent for it, and whose answer is waited for. */
    awaits: { name: string; since: string | null } | null;
    /** The earlier file that it waits for; `held`: until a person decides about that one. */
    waitsFor: { processing: string; name: string; held: boolean } | null;
  }[];
  /** Files for import and profiles at other tools, of a job that has them. */
  targets: (Omit<TargetState, 'lastAt'> & { lastAt: string | null })[];
  /** Of a job that keeps segments. */
  segments: SegmentStatus[];
  /** Files that are late, missing, early, or of an unusual size. */
  expected: ExpectedStatus[];
  dedupe: { eventName: string; verified: boolean; drops: boolean; at: string | null }[];
}

/** Reads what the ledger and the job files say. Takes no lock. Throws where the ledger cannot be read. */
export async function collectStatus(settings: Settings, io: Io): Promise<Status> {
  const now = io.now();
  const { jobs, problems } = await loadJobs(settings.jobs, io.env);
  const wrong = problems.filter((problem) => problem.severity === 'error');
  const jobFileErrors = wrong.length;
  const brokenFiles = [...new Set(wrong.map(({ file }) => file))].filter(
    (file) => file !== settings.jobs && !isNotifyFile(file),
  );
  const broken = await Promise.all(brokenFiles.map((file) => readRawJob(file, io.env)));
  const at = new Date(now).toISOString();
  const ledger = await openLedgerForReading(settings.ledger);
  if (!ledger) {
    const fresh = [...jobs, ...broken].map(({ id }) => jobStatus(id, { jobs, broken }, undefined, undefined, now));
    return { at, ledger: null, executor: null, jobs: fresh, attention: [], jobFileErrors };
  }
  try {
    const states = jobStates(ledger);
    for (const [id, waiting] of memberConflicts(ledger, join(settings.state, 'staging'))) {
      const rows = states.get(id)?.rows;
      if (rows) rows.conflict = add(rows.conflict, waiting);
    }
    const ids = [...new Set([...jobs, ...broken].map(({ id }) => id).concat([...states.keys()]))].sort();
    const listed = ids.map((id) => jobStatus(id, { jobs, broken }, states.get(id), ledger, now));
    const attention = [...listed.flatMap(attentionOf), ...stuckChannelsOf(ledger)];
    const { path, id } = ledger;
    return { at, ledger: { path, id }, executor: executorOf(path), jobs: listed, attention, jobFileErrors };
  } finally {
    await ledger.close();
  }
}

export function executorOf(path: string): Executor | null {
  const holder = readHolder(path);
  if (!holder) return null;
  const { kind, host, pid, startedAt } = holder;
  return { kind, host, pid, since: isoOrNull(startedAt), alive: host === hostname() ? isAlive(pid) : null };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It exists, and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function jobStatus(
  id: string,
  files: { jobs: readonly Job[]; broken: readonly RawJob[] },
  state: JobState | undefined,
  ledger: Ledger | undefined,
  now: number,
): JobStatus {
  const job = files.jobs.find((each) => each.id === id);
  const broken = files.broken.find((each) => each.id === id);
  const run = state?.lastRun ?? null;
  const account = run?.account ?? null;
  const reported = state?.lastReported;
  const left = (waiting: Waiting | undefined): Left => ({
    count: waiting?.count ?? 0,
    oldest: isoOrNull(waiting?.since),
  });
  return {
    id,
    file: job?.path ?? broken?.path ?? null,
    broken: job === undefined && broken !== undefined,
    schedule: job?.schedule ?? null,
    timezone: job?.timezone ?? account?.timezone ?? 'UTC',
    nextFire: job?.schedule === undefined ? null : isoOrNull(nextDue(job.schedule, job.timezone, now)),
    ...triesOf(job, ledger, now),
    lastRun: run && {
      id: `r${run.id}`,
      cause: run.cause,
      state: run.state,
      startedAt: isoOrNull(run.startedAt),
      endedAt: isoOrNull(run.endedAt),
      balanced: account?.balanced ?? null,
      halted: account?.halted ?? null,
      counts: account?.counts ?? null,
      files: account?.files.length ?? 0,
    },
    lastReport: job && reported ? posix.join(job.report.reports, `${id}.*.r${reported.id}.html`) : null,
    rows: {
      open: left(state?.rows.open),
      failed: left(state?.rows.failed),
      held: left(state?.rows.held),
      conflict: left(state?.rows.conflict),
    },
    files: { open: left(state?.files.open), held: left(state?.files.held), refused: left(state?.files.refused) },
    openFiles: (state?.openFiles ?? []).map(({ awaits, waitsFor = null, ...file }) => ({
      ...file,
      waitsFor,
      since: isoOrNull(file.since),
      awaits: awaits ? { name: awaits.name, since: isoOrNull(awaits.since) } : null,
    })),
    targets: (ledger ? targetStates(ledger, id, job && namedTargets(job)) : []).map((each) => ({
      ...each,
      lastAt: isoOrNull(each.lastAt),
    })),
    segments: segmentStates(ledger, id),
    expected: expectedOf(ledger, id),
    dedupe: job ? dedupeOf(job, ledger) : [],
  };
}

/** What the daemon does about a source that it could not use. */
function triesOf(job: Job | undefined, ledger: Ledger | undefined, now: number): Pick<JobStatus, 'retryAt' | 'login'> {
  if (job?.schedule === undefined || ledger === undefined || !isWatched(ledger)) return { retryAt: null, login: null };
  const login = loginOf(job.source.url);
  const refused = login === undefined ? undefined : refusedLogin(ledger, login);
  const until = pausedUntil(refused, now);
  const again = Math.max(retryAt(ledger, job.id, now) ?? Number.POSITIVE_INFINITY, until ?? 0);
  return {
    retryAt: again < nextDue(job.schedule, job.timezone, now) ? isoOrNull(Math.max(again, now)) : null,
    login: refused ? { refusals: refused.refusals, at: isoOrNull(refused.at), pausedUntil: isoOrNull(until) } : null,
  };
}

/** Whether the destination is known to drop a key it has, for each event name that the job file names. */
export function dedupeOf(job: Job, ledger: Ledger | undefined): JobStatus['dedupe'] {
  // Asking for a link again never makes a second one: there is nothing to verify.
  if (job.pipeline !== 'deliver-events') return [];
  const { account, container } = job.destination.extole;
  return possibleNames(job.event).map((eventName) => {
    const proof: DedupeProof | undefined =
      ledger && dedupeProof(ledger, { provider: 'extole', account, container }, eventName);
    return {
      eventName,
      verified: proof !== undefined,
      drops: proof?.withinEvent === 'drops',
      at: isoOrNull(proof?.provenAt),
    };
  });
}

function attentionOf(job: JobStatus): string[] {
  const said: string[] = [];
  const { rows, files } = job;
  const tell = (n: number, what: string): void => {
    if (n > 0) said.push(`${job.id}: ${what}`);
  };
  tell(rows.held.count, `${count(rows.held.count, 'row')} held: referry held ${job.id}`);
  tell(rows.conflict.count, `${count(rows.conflict.count, 'row')} in conflict: referry held ${job.id}`);
  tell(rows.failed.count, `${count(rows.failed.count, 'row')} failed; the next run tries again`);
  tell(files.held.count, `${count(files.held.count, 'file')} held: referry held ${job.id}`);
  tell(
    files.refused.count,
    `${count(files.refused.count, 'file')} refused, told until a good one of the same name comes: referry files ${job.id} --only refused`,
  );
  for (const { kind, target, held, failed, code } of job.targets) {
    if (held) said.push(`${job.id}: the export ${target} is held (${held.code}): referry held ${job.id}`);
    if (code !== '') said.push(`${job.id}: the ${kind} ${target} stopped: ${code}`);
    tell(failed, `${count(failed, 'profile')} failed at ${target}; the next run tries again`);
  }
  for (const { words } of job.expected) said.push(`${job.id}: ${words}`);
  if (job.broken) said.push(`${job.id}: its file has errors, so it does not run: referry check`);
  if (job.lastRun?.halted) said.push(`${job.id}: the last run was halted: ${job.lastRun.halted.code}`);
  if (job.lastRun?.balanced === false) said.push(`${job.id}: the last run does not balance`);
  if (job.file === null && rows.open.count + rows.failed.count + rows.held.count + files.open.count > 0)
    said.push(`${job.id}: no job file has this id, and the ledger has unfinished rows of it`);
  return said;
}
