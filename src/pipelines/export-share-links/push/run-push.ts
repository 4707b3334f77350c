import { rm, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import type { PushAccount } from '../../../accounts.ts';
import { contentsOfPush, nameOfPush, type PushTarget, placeOfPush } from '../../../jobs/push-targets.ts';
import { linksStand } from '../../../ledger/list-links.ts';
import {
  beginPush,
  changedForPush,
  closePush,
  countsOfPush,
  failedForPush,
  openPush,
  type Push,
  type PushTo,
  planPushResults,
  pushTo,
  stopPush,
} from '../../../ledger/pushes.ts';
import { destinationId } from '../../../ledger/registry.ts';
import { type RefusalDetail, TransferError } from '../../../model.ts';
import { keyedHash } from '../../files/context.ts';
import type { AfterContext } from '../after-context.ts';
import { profileMaker } from './profiles.ts';
import { countsOf, openResults, type PushResults, reasonsOf, resultsPath, type Told } from './results.ts';
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
 * One target: goes on with an open pass, then begins one, if anything changed since the last. A pass whose links all have an outcome
 * gets its results file and is closed; one that was stopped stays open for the next run.
 */
export async function* runPush(ctx: AfterContext, target: PushTarget): AsyncGenerator<PushStep> {
  const { ledger, job, links } = ctx;
  const to = pushTo(ledger, job.id, nameOfPush(target), destinationId(ledger, placeOfPush(target)));
  const settings = keyedHash(ledger)(
    `push:${links.destinationId}:${links.label.toLowerCase()}:${contentsOfPush(target)}`,
  );
  const open = openPush(ledger, to.id);
  if (open?.settings === settings) {
    const step = await pass(ctx, target, to, open);
    yield step;
    if (step.account.state === 'open') return;
  } else if (open) {
    // What was given under other settings is told of by itself; then everybody is looked at anew.
    const account = await close(ctx, target, { to, push: { ...open, seqTo: open.seqFrom }, given: false });
    yield { account, news: true };
  }
  const now = pushTo(ledger, job.id, nameOfPush(target), destinationId(ledger, placeOfPush(target)));
  const push = nextPass(ctx, now, settings, open === undefined);
  if (push) yield await pass(ctx, target, now, push);
}

/** One pass, as far as it goes. */
async function pass(ctx: AfterContext, target: PushTarget, to: PushTo, push: Push): Promise<PushStep> {
  const { io, job } = ctx;
  const name = nameOfPush(target);
  if (push.planned && countsOf(ctx, to, push).open === 0)
    return { account: await close(ctx, target, { to, push, given: true }), news: true };
  const maker = profileMaker(target, keyedHash(ctx.ledger));
  const sender = openSender(target, io);
  let early: PushResults | undefined;
  /** Whose results are on their way already keeps them. */
  const lastCalls = async (link: number): Promise<void> => {
    if (push.planned) return;
    early = await openResults(ctx, push, resultsNameOf(target, push));
    await early.upTo(link);
  };
  let sent: Sent | undefined;
  try {
    if (maker.columns.length > 0) await ctx.columns.ready();
    // Somebody may have deleted since what an earlier pass made.
    await sender.prepare(Object.keys(target.fields), ctx.signal);
    const concurrency = Math.max(1, Math.min(target.connections, Math.ceil(MOST_FLYING / sender.maxBatchSize)));
    sent = await sendChanged(ctx, { name, to, push, maker, sender, concurrency, lastCalls });
  } catch (error) {
    if (!(error instanceof TransferError) || ctx.signal.aborted) throw error;
    const reason = error.hint ? `${error.message}; ${error.hint}` : error.message;
    sent = { read: 0, stopped: { code: error.code, reason } };
  } finally {
    await sender.close();
    if (sent === undefined || sent.stopped) await early?.discard();
  }
  if (sent.stopped) {
    const why = { code: sent.stopped.code, message: sent.stopped.reason };
    stopPush(ctx.ledger, push.id, sent.stopped);
    return { account: stoppedAccount(ctx, target, { to, push, why }), news: sent.read > 0 };
  }
  const account = await close(ctx, target, { to, push, given: true, ...(early ? { early } : {}) });
  io.log.info({ job: job.id, target: name, rows: account.counts.read }, 'profiles were pushed');
  return { account, news: true };
}

/**
 * A new pass; `undefined` where nothing has changed. An open one is not made wider instead: who changed after it got to them
 * would count as given. `failed`: what failed before is reason enough.
 */
function nextPass(
  { ledger, links, io }: AfterContext,
  to: PushTo,
  settings: string,
  failed: boolean,
): Push | undefined {
  const { seq } = linksStand(ledger, links);
  const whole = to.settings !== settings;
  const seqFrom = whole ? 0 : to.seq;
  const seqs = { seqFrom, seqTo: Math.max(seqFrom, seq) };
  const changed = changedForPush(ledger, links, to.id, { after: seqFrom, to: seq }, 1).length > 0;
  const again = failed && !changed && failedForPush(ledger, links, to.id, seqs, { after: 0, limit: 1 }).length > 0;
  if (!changed && !again) return undefined;
  return beginPush(ledger, to.id, { whole, settings, ...seqs, startedAt: io.now() });
}

interface Closing {
  to: PushTo;
  push: Push;
  /** All that was to be given was looked at. */
  given: boolean;
  /** Its results, as far as they are written. */
  early?: PushResults;
}

/** Publishes the results of a pass, and closes it. */
async function close(ctx: AfterContext, target: PushTarget, closing: Closing): Promise<PushAccount> {
  const { to, push, given } = closing;
  const { ledger, io, remote, job } = ctx;
  const { planned, reasons } = await resultsOf(ctx, target, closing);
  const { name, size, sha256, lines } = planned;
  const path = resultsPath(ctx, name);
  await remote.ensureFolder(job.report.to);
  const published = await remote.publish(posix.join(job.report.to, name), { path, size, sha256 });
  ctx.crashPoint('push-results-out');
  const counts = countsOf(ctx, to, push);
  const known = { ...accountOf(ctx, target, push), state: 'done' as const, counts, reasons };
  const told: PushAccount = { ...known, resultsPath: published, balanced: true };
  const wrong = lines !== counts.read - counts.open || (given && counts.open > 0);
  const imbalance = `${counts.read} rows are in the ledger, ${counts.open} of them open, and ${lines} in the results file`;
  const account = wrong ? { ...told, balanced: false, imbalance } : told;
  const moved = given ? push : { ...push, settings: to.settings, seqTo: to.seq };
  closePush(ledger, to.id, moved, account, io.now());
  await rm(path, { force: true });
  return account;
}

/** The results of a pass; the very same ones where an earlier run has begun to publish them. */
async function resultsOf(ctx: AfterContext, target: PushTarget, { push, early }: Closing): Promise<Told> {
  const { planned } = push;
  const there = planned && (await stat(resultsPath(ctx, planned.name)).catch(() => undefined));
  if (planned && there?.size === planned.size && planned.lines === endedOf(ctx, push))
    return { planned, reasons: reasonsOf(ctx, push) };
  const open = (): Promise<PushResults> => openResults(ctx, push, resultsNameOf(target, push));
  let told = await finished(early ?? (await open()));
  // A link whose line was written while calls were on their way may have become one with another since, by a webhook.
  if (early && told.planned.lines !== endedOf(ctx, push)) told = await finished(await open());
  planPushResults(ctx.ledger, push.id, told.planned);
  return told;
}

async function finished(results: PushResults): Promise<Told> {
  try {
    return await results.finish();
  } catch (error) {
    await results.discard();
    throw error;
  }
}

/** Rows of a pass that have an outcome. */
function endedOf({ ledger }: AfterContext, { id }: Push): number {
  return Object.values(countsOfPush(ledger, id)).reduce((sum, n) => sum + n, 0);
}

function stoppedAccount(
  ctx: AfterContext,
  target: PushTarget,
  { to, push, why }: { to: PushTo; push: Push; why: RefusalDetail },
): PushAccount {
  const known = { ...accountOf(ctx, target, push), state: 'open' as const, counts: countsOf(ctx, to, push) };
  return { ...known, reasons: reasonsOf(ctx, push), why, balanced: true };
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
