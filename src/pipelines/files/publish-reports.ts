import { owedReports, reportIsOut, runAccounts } from '../../ledger/runs.ts';
import { type RunAccount, TransferError } from '../../model.ts';
import { dayOf, rollUp } from '../../reports/roll-up.ts';
import type { RunContext } from './context.ts';
import { publishReport } from './publish.ts';

/**
 * The report of a run, and that of its day in the job's zone, which each run with something to tell writes anew. Before them
 * come reports that earlier runs could not put in place. Returns the path of this run's page; `undefined` where there is nothing to tell
 * (no `news`).
 */
export async function publishReports(
  ctx: RunContext,
  finished: RunAccount,
  news: boolean,
): Promise<string | undefined> {
  const { job, ledger, io } = ctx;
  for (const { run, account } of owedReports(ledger, job.id)) {
    await publishReport(ctx, account, nameOf(account));
    await publishDay(ctx, dayOf(account.startedAt, job.timezone), []);
    reportIsOut(ledger, run);
    io.log.info({ job: job.id, run: account.run }, 'the report of an earlier run was published');
  }
  if (!news) return undefined;
  const path = await publishReport(ctx, finished, nameOf(finished));
  await publishDay(ctx, dayOf(finished.startedAt, job.timezone), [finished]);
  return path;
}

/**
 * `more`: runs that the ledger does not have as finished yet. Where a server replaces no file, each page of the day is one more
 * revision; when there are too many of them the day goes without, and no run stops because of it.
 */
async function publishDay(ctx: RunContext, day: string, more: readonly RunAccount[]): Promise<void> {
  const { job, ledger } = ctx;
  const noon = Date.parse(`${day}T12:00:00Z`);
  // A day has at most 25 hours and its zone is at most 14 hours off, so two days to either side hold all of it.
  const accounts = runAccounts(ledger, job.id, noon - 2 * 86_400_000, noon + 2 * 86_400_000);
  try {
    await publishReport(ctx, rollUp([...accounts, ...more], day, job.timezone), `${job.id}.${day}.day`);
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'TARGET_EXISTS') throw error;
    ctx.io.log.warn({ job: job.id, day, code: error.code, hint: error.hint }, error.message);
  }
}

function nameOf(account: RunAccount): string {
  return `${account.job}.${account.endedAt.replace(/[-:]|\.\d+/g, '')}.${account.run}`;
}
