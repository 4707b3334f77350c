import type { Job } from '../../../jobs/schema.ts';
import { agedNow } from '../../../ledger/clock.ts';
import { recordDecision } from '../../../ledger/decisions.ts';
import { countPruned, type Scrubbed, scrubLedger, wasForgotten } from '../../../ledger/forget.ts';
import type { Ledger } from '../../../ledger/open.ts';
import { overwriting, oweRewrite, rewriteLedger } from '../../../ledger/overwrite.ts';
import { filesInWindow } from '../../../ledger/segment-source.ts';
import type { Io } from '../../../model.ts';
import { keyedHash } from '../context.ts';
import { forgetLocal, type LocalSearch, localRoot } from './local-folders.ts';
import { FORGOTTEN } from './rewrite-results.ts';
import { searchFor } from './search.ts';
import { forgetStaged, type PersonsFile, type StagedSearch } from './staged.ts';

const DAY = 86_400_000;

export interface ForgetOptions {
  ledger: Ledger;
  io: Io;
  state: string;
  /** All jobs that can be read. */
  jobs: readonly Job[];
  email: string;
  dryRun: boolean;
  reason: string;
  by: string;
  host: string;
  requestId: number | null;
  crashPoint: (name: string) => void;
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
  /** Why a trace may still be in the ledger's file. */
  traces?: string;
  /** Nothing of the person is left within reach. */
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
  const scrubbed = await scrub(options, search);
  const remote = jobs.flatMap((job) => onServer(job, ledger, staged));
  const windows = jobs.flatMap((job) => windowsOf(job, options, staged));
  const kept = dryRun ? undefined : await keep(options, staged, local, scrubbed);
  const done = staged.open.length + staged.unread.length === 0 && kept === undefined;
  if (!dryRun)
    io.log.info({ files: staged.removed.length, results: local.results.length, done }, 'a person was forgotten');
  const account = { dryRun, staged, local, ledger: scrubbed, remote, windows, done };
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
  const since = agedNow(ledger, io.now()) - source.days * DAY;
  const its = new Set(filesInWindow(ledger, { ...source, since }).map(({ processing }) => processing));
  const files = removed.filter(({ processing }) => its.has(processing)).length;
  return files === 0 ? [] : [{ job: job.id, days: source.days, files }];
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
