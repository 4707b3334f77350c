import { posix } from 'node:path';
import { contentsOfPush, nameOfPush, type PushTarget, placeOfPush } from '../../../jobs/push-targets.ts';
import { linksStand } from '../../../ledger/exports.ts';
import {
  beginPush,
  changedForPush,
  closePush,
  failedForPush,
  openPush,
  type Push,
  type PushTo,
  pushTo,
  widenPush,
} from '../../../ledger/pushes.ts';
import { destinationId } from '../../../ledger/registry.ts';
import { type PushAccount, type RefusalDetail, TransferError } from '../../../model.ts';
import { keyedHash } from '../../files/context.ts';
import type { AfterContext } from '../after-context.ts';
import { openCustomerColumns } from '../exports/customer-columns.ts';
import { profileMaker } from './profiles.ts';
import { countsOf, dropResults, writeResults } from './results.ts';
import { type Sent, sendChanged } from './send-changed.ts';
import { openSender } from './senders.ts';

/** What a target's step came to. `news`: something moved. */
export interface PushStep {
  account: PushAccount;
  news: boolean;
}

/** Rows on the wire at most. */
const MOST_FLYING = 40_000;

/**
 * One target: goes on with an open pass or begins one, if anything changed since the last. A pass whose links all have an outcome gets
 * its results file and is closed; one that was stopped stays open for the next run.
 */
export async function* runPush(ctx: AfterContext, target: PushTarget): AsyncGenerator<PushStep> {
  const { ledger, io, job, links } = ctx;
  const name = nameOfPush(target);
  const to = pushTo(ledger, job.id, name, destinationId(ledger, placeOfPush(target)));
  const hash = keyedHash(ledger);
  const settings = hash(`push:${links.destinationId}:${links.label.toLowerCase()}:${contentsOfPush(target)}`);
  const open = openPush(ledger, to.id);
  // What was given under other settings is told of by itself; then everybody is looked at anew.
  if (open && open.settings !== settings)
    yield {
      account: await close(ctx, target, { to, push: { ...open, seqTo: open.seqFrom }, given: false }),
      news: true,
    };
  const push = passOf(ctx, to, settings);
  if (push === undefined) return;
  const maker = profileMaker(target, hash);
  const sender = openSender(target, io);
  let sent: Sent;
  try {
    await using columns = await openCustomerColumns(ctx, maker.columns);
    if (push.whole) await sender.prepare(Object.keys(target.fields), ctx.signal);
    const concurrency = Math.max(1, Math.min(target.connections, Math.ceil(MOST_FLYING / sender.maxBatchSize)));
    sent = await sendChanged(ctx, { name, to, push, maker, columns, sender, concurrency });
  } catch (error) {
    if (!(error instanceof TransferError) || ctx.signal.aborted) throw error;
    sent = {
      read: 0,
      stopped: { code: error.code, reason: error.hint ? `${error.message}; ${error.hint}` : error.message },
    };
  } finally {
    await sender.close();
  }
  if (sent.stopped) {
    const why = { code: sent.stopped.code, message: sent.stopped.reason };
    yield { account: await stoppedAccount(ctx, target, { to, push, why }), news: sent.read > 0 };
    return;
  }
  const account = await close(ctx, target, { to, push, given: true });
  io.log.info({ job: job.id, target: name, rows: account.counts.read }, 'profiles were pushed');
  yield { account, news: true };
}

/** The pass to go on with; `undefined` where nothing has changed. */
function passOf({ ledger, links, io }: AfterContext, to: PushTo, settings: string): Push | undefined {
  const stand = linksStand(ledger, links);
  const open = openPush(ledger, to.id);
  if (open)
    return open.seqTo === stand.seq
      ? open
      : widenPush(ledger, open, { ...open, seqTo: Math.max(open.seqTo, stand.seq) });
  const whole = to.settings !== settings;
  const seqFrom = whole ? 0 : to.seq;
  const changed = changedForPush(ledger, links, to.id, { after: seqFrom, to: stand.seq }, 1).length > 0;
  if (!changed && failedForPush(ledger, links, to.id, 0, 1).length === 0) return undefined;
  return beginPush(ledger, to.id, {
    whole,
    settings,
    seqFrom,
    seqTo: Math.max(seqFrom, stand.seq),
    startedAt: io.now(),
  });
}

interface Closing {
  to: PushTo;
  push: Push;
  /** All that was to be given was looked at. */
  given: boolean;
}

/** Publishes the results of a pass, and closes it. */
async function close(ctx: AfterContext, target: PushTarget, { to, push, given }: Closing): Promise<PushAccount> {
  const { ledger, io, remote, job } = ctx;
  const file = resultsNameOf(target, push);
  const { results, reasons } = await writeResults(ctx, push, file);
  await remote.ensureFolder(job.report.to);
  const name = results.plainSha256 === undefined ? file : `${file}.pgp`;
  const { path, size, sha256 } = results;
  const resultsPath = await remote.publish(posix.join(job.report.to, name), { path, size, sha256 });
  ctx.crashPoint('push-results-out');
  const counts = countsOf(ctx, to, push);
  const told: PushAccount = {
    ...accountOf(ctx, target, push),
    state: 'done',
    counts,
    reasons,
    resultsPath,
    balanced: true,
  };
  const lines = counts.read - counts.open;
  const wrong = results.lines !== lines || (given && counts.open > 0);
  const imbalance = `${counts.read} rows are in the ledger, ${counts.open} of them open, and ${results.lines} in the results file`;
  const account = wrong ? { ...told, balanced: false, imbalance } : told;
  const moved = given ? push : { ...push, settings: to.settings, seqTo: to.seq };
  closePush(ledger, to.id, moved, account, io.now());
  await dropResults(results);
  return account;
}

async function stoppedAccount(
  ctx: AfterContext,
  target: PushTarget,
  { to, push, why }: { to: PushTo; push: Push; why: RefusalDetail },
): Promise<PushAccount> {
  const { results, reasons } = await writeResults(ctx, push, resultsNameOf(target, push));
  await dropResults(results);
  return {
    ...accountOf(ctx, target, push),
    state: 'open',
    counts: countsOf(ctx, to, push),
    reasons,
    why,
    balanced: true,
  };
}

function accountOf(
  { job }: AfterContext,
  target: PushTarget,
  { id }: Push,
): Pick<PushAccount, 'job' | 'push' | 'target' | 'provider' | 'account'> {
  const { provider, account } = target;
  return { job: job.id, push: `u${id}`, target: nameOfPush(target), provider, account };
}

/** `push-crm-20261121T192538Z.results.csv` */
function resultsNameOf(target: PushTarget, { startedAt }: Push): string {
  return `push-${nameOfPush(target)}-${new Date(startedAt).toISOString().replace(/[-:]|\.\d+/g, '')}.results.csv`;
}
