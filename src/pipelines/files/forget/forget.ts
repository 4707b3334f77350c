import type { Job } from '../../../jobs/schema.ts';
import { agedNow } from '../../../ledger/clock.ts';
import { recordDecision } from '../../../ledger/decisions.ts';
import { countPruned, jobsOfFiles, type Scrubbed, scrubLedger, wasForgotten } from '../../../ledger/forget.ts';
import type { Ledger } from '../../../ledger/open.ts';
import { overwriting, oweRewrite, rewriteLedger } from '../../../ledger/overwrite.ts';
import { getProcessing } from '../../../ledger/processings.ts';
import { filesInWindow } from '../../../ledger/segment-source.ts';
import type { Io } from '../../../model.ts';
import { keyedHash } from '../context.ts';
import { windowOf } from '../delivered-window.ts';
import { forgetLocal, type LocalSearch, localRoot, placeHere } from './local-folders.ts';
import { FORGOTTEN } from './rewrite-results.ts';
import { searchFor } from './search.ts';
import { forgetStaged, type PersonsFile, type StagedSearch } from './staged.ts';

export interface ForgetOptions {
  ledger: Ledger;
  io: Io;
  state: string;
  /** All jobs that can be read. */
  jobs: readonly Job[];
  /** Job files that cannot be read, and why. */
  unreadJobs: readonly Unsearched[];
  email: string;
  dryRun: boolean;
  reason: string;
  by: string;
  host: string;
  requestId: number | null;
  crashPoint: (name: string) => void;
}

/** A job whose folders were not searched, nor its servers and tools named. */
export interface Unsearched {
  /** Its file, or its id. */
  what: string;
  why: string;
}

/** What went, or would go, and what stays. The person is not named in it. */
export interface ForgetAccount {
  dryRun: boolean;
  staged: StagedSearch;
  local: LocalSearch;
  ledger: Scrubbed;
  /** What of a job lies on a server, where nothing is changed. */
  remote: { job: string; url: string; results: string; archive: string; files: PersonsFile[]; pruned: number }[];
  /** Jobs whose segment is of delivered rows, some of which lie in those staged copies: they sync nothing until the rows are older than their `days`. */
  windows: { job: string; days: number; files: number }[];
  unsearched: Unsearched[];
  /** Why a trace may still be in the ledger's file. */
  traces?: string;
  /** Nothing of the person is left within reach, as far as all jobs could be asked. */
  done: boolean;
}

/**
 * Removes one person from what lies on this machine and is ours: staged copies, results, reports, words in the ledger. The hashes by
 * which keys are known stay, so that a row of theirs is not sent again when its file comes again. Can be cut short at any time, and
 * repeated. Runs while nothing else does.
 */
export async function forget(options: ForgetOptions): Promise<ForgetAccount> {
  const { ledger, io, jobs, dryRun } = options;
  const search = searchFor(options.email);
  const staged = await forgetStaged({ ...options, search });
  const local = await forgetLocal({ ...options, search });
  await addPlaces(local, staged, options);
  const scrubbed = await scrub(options, search);
  const remote = jobs.flatMap((job) => onServer(job, ledger, staged));
  const windows = jobs.flatMap((job) => windowsOf(job, options, staged));
  const kept = dryRun ? undefined : await keep(options, staged, local, scrubbed);
  const unsearched = [...options.unreadJobs, ...jobsWithoutFile(options)];
  const done = staged.open.length + staged.unread.length + unsearched.length === 0 && kept === undefined;
  if (!dryRun)
    io.log.info({ files: staged.removed.length, results: local.results.length, done }, 'a person was forgotten');
  const account = { dryRun, staged, local, ledger: scrubbed, remote, windows, unsearched, done };
  return kept === undefined ? account : { ...account, traces: kept };
}

async function scrub(
  { ledger, dryRun }: ForgetOptions,
  { in: holds, without }: ReturnType<typeof searchFor>,
): Promise<Scrubbed> {
  if (dryRun) return scrubLedger(ledger, holds);
  const { cells } = scrubLedger(ledger, holds);
  if (cells > 0) oweRewrite(ledger);
  return overwriting(ledger, () => scrubLedger(ledger, holds, (text) => without(text, FORGOTTEN)));
}

/** Keeps for good that it was done, by whom and why; of the person a hash that only this ledger can make. */
async function keep(
  { ledger, io, email, reason, by, host, requestId }: ForgetOptions,
  { removed }: StagedSearch,
  local: LocalSearch,
  { cells }: Scrubbed,
): Promise<string | undefined> {
  const person = keyedHash(ledger)(`forget:${email.normalize('NFC').toLowerCase()}`);
  const changed = removed.length + local.results.length + local.reports.length + cells > 0;
  if (changed || !wasForgotten(ledger, person)) {
    const jobs = new Map(removed.map(({ job }) => [job, removed.filter((file) => file.job === job)]));
    if (jobs.size === 0) jobs.set('', []);
    const rows = local.results.reduce((sum, file) => sum + file.rows, 0);
    ledger.db
      .transaction(() => {
        for (const [job, files] of jobs)
          recordDecision(
            ledger.db,
            {
              ...{ verb: 'forget', job, processingId: null, line: null, key: null, scope: { person, results: rows } },
              ...{ rows: files.length, reason, by, host, at: io.now(), requestId },
            },
            files.map(({ processing }) => ({ processingId: processing, line: 0 })),
          );
      })
      .immediate();
  }
  return changed ? rewriteLedger(ledger, io) : undefined;
}

function windowsOf(job: Job, { ledger, io }: ForgetOptions, { removed }: StagedSearch): ForgetAccount['windows'] {
  const source = job.pipeline === 'sync-segment' ? job.members.ledger : undefined;
  if (!source) return [];
  const { since } = windowOf(agedNow(ledger, io.now()), source.days, job.timezone);
  const its = new Set(filesInWindow(ledger, { ...source, since }).map(({ processing }) => processing));
  const files = removed.filter(({ processing }) => its.has(processing)).length;
  return files === 0 ? [] : [{ job: job.id, days: source.days, files }];
}

/** Where their inputs lie on this machine: of one that is packed or encrypted, a look at its folder does not tell. */
async function addPlaces(local: LocalSearch, staged: StagedSearch, { jobs, ledger }: ForgetOptions): Promise<void> {
  const add = async (paths: string[], file: PersonsFile): Promise<void> => {
    const { takenPath } = getProcessing(ledger, file.processing);
    const job = jobs.find(({ id }) => id === file.job);
    const path = await placeHere(job, file.archivedAs || takenPath);
    if (path !== undefined && !local.left.includes(path) && !paths.includes(path)) paths.push(path);
  };
  for (const file of [...staged.removed, ...staged.open]) await add(local.left, file);
  for (const file of staged.unread) await add(local.doubtful, file);
}

/** Jobs that brought files, of which no job file tells any more where their results lie. */
function jobsWithoutFile({ jobs, ledger }: ForgetOptions): Unsearched[] {
  const known = new Set(jobs.map(({ id }) => id));
  const gone = jobsOfFiles(ledger).filter((id) => !known.has(id));
  return gone.map((id) => ({
    what: `job ${id}`,
    why: 'it brought files, and no job file that can be read has this id, so that its folders were not searched, nor its server and tools named: put its job file back (it needs no schedule), then give this command again',
  }));
}

function onServer(job: Job, ledger: Ledger, { removed, open, unread }: StagedSearch): ForgetAccount['remote'] {
  if (localRoot(job) !== undefined) return [];
  const files = [...removed, ...open, ...unread].filter((file) => file.job === job.id);
  const url = new URL(job.source.url);
  const pruned = countPruned(ledger, job.id) - removed.filter((file) => file.job === job.id).length;
  url.password = '';
  const { to: results } = job.report;
  return [{ job: job.id, url: url.href, results, archive: job.source.archive, files, pruned: Math.max(0, pruned) }];
}
