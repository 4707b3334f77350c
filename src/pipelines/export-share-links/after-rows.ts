import type { ExportAccount, PushAccount } from '../../accounts.ts';
import { fieldsOf } from '../../exports/template.ts';
import { compileTarget, nameOfExport } from '../../jobs/export-targets.ts';
import { nameOfPush, placeOfPush } from '../../jobs/push-targets.ts';
import { heldExports, openExports, recordExport } from '../../ledger/exports.ts';
import { type Notice, type RefusalDetail, TransferError } from '../../model.ts';
import { emptyCounts } from '../../reports/tally.ts';
import type { AfterContext, AfterRun } from './after-context.ts';
import { customerColumns } from './customer-columns.ts';
import { openAccount } from './exports/account.ts';
import { clearExport } from './exports/make.ts';
import { placeOf, runExport } from './exports/run-export.ts';
import { runPush } from './push/run-push.ts';

/** Who adds up what the steps after the rows came to. `news`: it was not told before. */
export interface AfterAccount {
  /** What people should know. */
  notices: Notice[];
  addExport(account: ExportAccount, news: boolean): void;
  addPush(account: PushAccount, news: boolean): void;
}

/** Not of one target: the ledger, or the disk of this machine. */
const OF_ALL = /^(?:LEDGER_|STAGING_)/;

/**
 * What follows the rows of a run: files for import, then profiles over the API, from the ledger of links. Also where the run had no new
 * rows, since links come by other ways as well. What is wrong with one target stops that target only.
 */
export async function afterRows(run: AfterRun, account: AfterAccount): Promise<void> {
  const { job } = run;
  const exported = job.exports.flatMap((target) => compileTarget(target).fields);
  const pushed = job.push.flatMap((target) => Object.values(target.fields).flatMap(fieldsOf));
  await using columns = customerColumns(run, [...exported, ...pushed]);
  await steps({ ...run, columns }, account);
}

async function steps(ctx: AfterContext, account: AfterAccount): Promise<void> {
  const { job } = ctx;
  await dropStrangers(ctx);
  for (const target of job.exports) {
    ctx.signal.throwIfAborted();
    try {
      for await (const step of runExport(ctx, target, account.notices)) account.addExport(step.account, step.news);
    } catch (error) {
      const why = whyOf(ctx, error);
      const { format, kind } = target;
      const known = { job: job.id, target: nameOfExport(target), format, kind, place: placeOf(target) };
      account.addExport(openAccount(known, why), keepWhy(ctx, known.target, why));
    }
  }
  for (const target of job.push) {
    ctx.signal.throwIfAborted();
    try {
      for await (const step of runPush(ctx, target)) account.addPush(step.account, step.news);
    } catch (error) {
      const why = whyOf(ctx, error);
      const { provider, account: owner } = placeOfPush(target);
      const told = {
        job: job.id,
        push: '',
        target: nameOfPush(target),
        provider,
        account: owner,
        state: 'open' as const,
      };
      account.addPush({ ...told, counts: emptyCounts(), reasons: [], why, balanced: true }, false);
    }
  }
}

/** Notes why a planned export is not in place. Whether that was not known before. */
function keepWhy({ ledger, job }: AfterContext, target: string, { code, message }: RefusalDetail): boolean {
  const open = openExports(ledger, job.id).find((each) => each.target === target);
  // What an import gave up is planned anew.
  if (!open) return code === 'IMPORT_FAILED';
  if (open.code === code) return false;
  recordExport(ledger, open.id, { code, reason: message });
  return true;
}

/** What waits for a target that the job has no more waits for nobody. */
async function dropStrangers(ctx: AfterContext): Promise<void> {
  const { ledger, job } = ctx;
  const named = new Set(job.exports.map(nameOfExport));
  const reason = 'the job has no such target any more';
  for (const { id, target } of [...openExports(ledger, job.id), ...heldExports(ledger, job.id)]) {
    if (named.has(target)) continue;
    recordExport(ledger, id, { state: 'withdrawn', reason });
    await clearExport(ctx, target);
  }
}

/** Throws what is of all targets, or of none. */
function whyOf({ io, job, signal }: AfterContext, error: unknown): RefusalDetail {
  if (!(error instanceof TransferError) || signal.aborted || OF_ALL.test(error.code)) throw error;
  io.log.warn({ job: job.id, code: error.code, hint: error.hint }, error.message);
  const { code, message, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}
