import { join } from 'node:path';
import { backoffDelay } from '../../delivery/backoff.ts';
import { createHealth } from '../../delivery/health.ts';
import { storedDefinition } from '../../jobs/definition.ts';
import type { Job } from '../../jobs/schema.ts';
import { noticeClock } from '../../ledger/clock.ts';
import type { Ledger } from '../../ledger/open.ts';
import { ledgerProblem } from '../../ledger/problem.ts';
import {
  getProcessing,
  openProcessings,
  type Processing,
  processingsToRetry,
  untoldProcessings,
} from '../../ledger/processings.ts';
import { destinationId, storeDefinition } from '../../ledger/registry.ts';
import { closeRun, interruptRun, openRun } from '../../ledger/runs.ts';
import { type FileAccount, type Io, type Notice, type Remote, type RunAccount, TransferError } from '../../model.ts';
import { unlockPgpKeys } from '../../parsing/pgp-keys.ts';
import { openRemote } from '../../remotes/open.ts';
import { checkEncryption } from '../../reports/encrypt.ts';
import { ageRows, expiryNotices, pruneStaging } from './age.ts';
import { lookForLateAnswers } from './by-file/late-answers.ts';
import type { Concern, Progress, RunContext } from './context.ts';
import { loginWatch } from './logins.ts';
import type { Pipeline } from './pipeline.ts';
import { type FileProgress, processFile, retryFile, revise } from './process-file.ts';
import { publishReports } from './publish-reports.ts';
import { findRestored } from './restored-files.ts';
import { createRunAccount } from './run-account.ts';
import { openAccount, sameDestination } from './same-destination.ts';
import { closeStaging, stagingProblem } from './stage.ts';
import { sweepRemote } from './sweep-remote.ts';
import { findFiles, planToTake, takeLocalFile } from './take.ts';

export interface RunOptions {
  job: Job;
  pipeline: Pipeline;
  ledger: Ledger;
  io: Io;
  signal: AbortSignal;
  /** Folder of the ledger and the staged files. */
  state: string;
  cause: 'schedule' | 'catch-up' | 'command' | 'demo';
  /** Only what earlier runs left failed or open; no new file. */
  retryOnly?: boolean;
  /** Only these processings, and of them only so much; no new file. */
  only?: ReadonlyMap<number, Concern>;
  /** Done before anything else of the run. */
  first?: (ctx: RunContext) => Promise<void>;
  /** A local file to process instead of the inbox; it stays where it is. */
  file?: string;
  /** Reads the destination's token again from where it is kept. */
  refreshToken?: () => string | undefined;
  drainMs?: number;
  /** Given once somebody waits for the run to end; it is up to the pipeline whether it makes room. */
  pause?: AbortSignal | undefined;
  progress?: (progress: Progress) => void;
  /** A line for the person who waits; without it, it goes to the log. */
  say?: (line: string) => void;
  crashPoint?: (name: string) => void;
}

export interface RunResult {
  account: RunAccount;
  /** The report's page on the remote; absent where there was nothing to report. */
  reportPath?: string;
}

/** One execution of a job: what earlier runs left, then what is new in the inbox, then the report. */
export async function runJob(options: RunOptions): Promise<RunResult> {
  try {
    return await run(options);
  } catch (error) {
    throw ledgerProblem(error, options.ledger.path);
  }
}

async function run(options: RunOptions): Promise<RunResult> {
  const { job, ledger, io, signal } = options;
  noticeClock(ledger, io.now());
  const id = openRun(ledger, job.id, options.cause, io.now());
  const { destination } = options.pipeline;
  const account = createRunAccount(id, job, destination.identity, io.now());
  const logins = loginWatch(ledger, io, { byHand: options.cause === 'command' || options.cause === 'demo' });
  let reportPath: string | undefined;
  let remote: Remote | undefined;
  try {
    await closeStaging(join(options.state, 'staging'), io);
    remote = await openRemote(job.source, io, signal, logins);
    // Before anything is sent that could not be told of afterwards.
    if (job.report.encryptTo) await checkEncryption(job.report.encryptTo);
    const ctx: RunContext = {
      run: id,
      job,
      ledger,
      io,
      signal,
      ...(options.pipeline.pause ? { pause: options.pipeline.pause } : {}),
      drainMs: options.drainMs ?? 25_000,
      staging: join(options.state, 'staging'),
      remote,
      keys: job.file.pgp && (await unlockPgpKeys(job.file.pgp, io)),
      destination,
      ...(options.pipeline.carriers ? { carriers: options.pipeline.carriers } : {}),
      refreshToken: options.refreshToken ?? (() => undefined),
      logins,
      destinationId: destinationId(ledger, destination.identity),
      health: createHealth((n) => backoffDelay(n, job.delivery.backoff, io.random()), job.delivery.outageAfter),
      progress: options.progress ?? (() => {}),
      crashPoint: options.crashPoint ?? (() => {}),
      ...(options.pipeline.course ? { course: options.pipeline.course } : {}),
      ...(options.only ? { only: options.only } : {}),
    };
    account.notices.push(...(await findRestored(ctx, () => storeCurrentDefinition(ctx))));
    await options.first?.(ctx);
    await carryOn(ctx, account);
    if (options.file !== undefined) {
      if (!account.halted) await takeUpLocalFile(ctx, account, options.file);
    } else if (!options.retryOnly && !options.only) await takeUpNew(ctx, account, options.pipeline);
    // A decision about an export is about no file.
    if (!ctx.only || ctx.only.size === 0) await options.pipeline.afterRows?.(ctx, account);
    await pruneStaging(ctx);
    await sweepRemote(ctx);
    account.notices.push(...expiryNotices(ctx));
    reportPath = await publishReports(ctx, account.finish(io.now()), account.news);
    if (reportPath !== undefined) ctx.crashPoint('reported');
  } catch (raw) {
    const error = stagingProblem(raw, options.state);
    // Whoever took the ledger over has marked the run already.
    if (error instanceof TransferError && error.code === 'LEDGER_TAKEN_OVER') throw error;
    if (!(error instanceof TransferError) || signal.aborted) {
      breakOff(ledger, id, io);
      throw error;
    }
    // A command prints it itself; on a terminal once is enough.
    const level = options.cause === 'command' ? 'warn' : 'error';
    io.log[level]({ job: job.id, code: error.code, hint: error.hint }, error.message);
    account.halt({ code: error.code, reason: error.hint ? `${error.message}; ${error.hint}` : error.message });
  } finally {
    await remote?.[Symbol.asyncDispose]();
  }
  const finished = account.finish(io.now());
  const owed = account.news && reportPath === undefined;
  closeRun(ledger, id, finished, account.told, owed, io.now());
  return reportPath === undefined ? { account: finished } : { account: finished, reportPath };
}

/** Marks a run that ends without an account. Where even that fails, the next start marks it. */
function breakOff(ledger: Ledger, run: number, io: Io): void {
  try {
    interruptRun(ledger, run, io.now());
  } catch (error) {
    io.log.error({ run, code: 'LEDGER_UNREADABLE' }, `the run could not be marked as interrupted: ${String(error)}`);
  }
}

type Account = ReturnType<typeof createRunAccount>;

/** What earlier runs left comes first: open files, then failed rows, then rows whose time is over. */
async function carryOn(ctx: RunContext, account: Account): Promise<void> {
  for (const processing of untoldProcessings(ctx.ledger, ctx.job.id)) {
    if (processing.account) account.addUntold(processing.account, processing);
  }
  // Where a person decided about a file, those that waited for that go on with it.
  const asked = ({ id, account: last }: Processing): boolean =>
    ctx.only === undefined ||
    ctx.only.has(id) ||
    (last?.waitsFor !== undefined && ctx.only.has(numberOf(last.waitsFor)));
  const released = processingsToRetry(ctx.ledger, ctx.job.id).map(({ id }) => id);
  const behind = ({ account: last }: Processing): boolean =>
    last?.waitsFor !== undefined && released.includes(numberOf(last.waitsFor));
  const open = openProcessings(ctx.ledger, ctx.job.id).filter(asked);
  await goOnWith(
    ctx,
    account,
    open.filter((each) => !behind(each)),
  );
  await retryClosed(ctx, account, asked);
  await goOnWith(ctx, account, open.filter(behind));
}

const numberOf = ({ processing }: NonNullable<FileAccount['waitsFor']>): number => Number(processing.slice(1));

async function goOnWith(ctx: RunContext, account: Account, open: readonly Processing[]): Promise<void> {
  for (const processing of open) {
    if (account.halted) return;
    if (!sameDestination(ctx, processing, account)) continue;
    if (!mayGoOn(ctx, account)) return;
    // What an earlier pass of the same contents has to say comes before what this one says: the newest revision is the last word.
    const earlier = processingsToRetry(ctx.ledger, ctx.job.id).find(({ id }) => id === processing.reprocessOf);
    if (earlier) await step(ctx, account, earlier, () => retryFile(ctx, earlier));
    await step(ctx, account, processing, () => processFile(ctx, processing));
  }
}

async function retryClosed(
  ctx: RunContext,
  account: Account,
  asked: (processing: Processing) => boolean,
): Promise<void> {
  if (!account.halted) account.notices.push(...(await lookForLateAnswers(ctx)));
  const aged = ctx.only ? [] : ageRows(ctx);
  for (const processing of aged)
    await step(ctx, account, processing, async () => ({ account: await revise(ctx, processing) }));
  for (const processing of processingsToRetry(ctx.ledger, ctx.job.id).filter(asked)) {
    if (account.halted) return;
    // What failed in this very run is left to the next one.
    if (account.told.includes(processing.id) || aged.some(({ id }) => id === processing.id)) continue;
    if (!sameDestination(ctx, processing, account)) continue;
    if (!mayGoOn(ctx, account)) return;
    await step(ctx, account, processing, () => retryFile(ctx, processing));
  }
}

/** Asked before the next piece of work: a run that is to make room does so where there is one, and not before it has done any. */
function mayGoOn({ pause }: RunContext, account: Account): boolean {
  if (pause?.aborted && account.begun) account.pause();
  return !account.halted;
}

/** Where nobody can be asked for new rows, those that are known go on, and what follows them. */
async function gather(
  ctx: RunContext,
  account: Account,
  pipeline: Pipeline,
): Promise<Awaited<ReturnType<NonNullable<Pipeline['gather']>>> | undefined> {
  try {
    return await pipeline.gather?.(ctx);
  } catch (error) {
    if (!(error instanceof TransferError) || ctx.signal.aborted || error.code === 'LEDGER_TAKEN_OVER') throw error;
    ctx.io.log.warn({ job: ctx.job.id, code: error.code, hint: error.hint }, error.message);
    account.halt({ code: error.code, reason: error.hint ? `${error.message}; ${error.hint}` : error.message });
    return undefined;
  }
}

async function takeUpNew(ctx: RunContext, account: Account, pipeline: Pipeline): Promise<void> {
  const gathered = pipeline.gather && mayGoOn(ctx, account) ? await gather(ctx, account, pipeline) : undefined;
  account.notices.push(...(gathered?.notices ?? []));
  if (gathered?.file) {
    const { path, name, taken } = gathered.file;
    // Before its rows leave, which may take days. Where it cannot even be staged, its way begins anew with the next run.
    await takeUpLocalFile({ ...ctx, staged: taken }, account, path, name);
  }
  if (pipeline.inbox) await takeUpNewFiles(ctx, account);
}

/** Notices of what may come while the run looks on. */
const AWAITED = new Set(['MANIFEST_AWAITED', 'FILE_BEFORE_AWAITED']);

/** How often a run looks again for files that are not stable yet; one that still changes is left to the next run. */
const LOOKS = 4;

async function takeUpNewFiles(ctx: RunContext, account: Account): Promise<void> {
  const definition = storeCurrentDefinition(ctx);
  for (let look = 1; look <= LOOKS && !account.halted; look++) {
    const { files, notices, waitMs } = await findFiles(ctx);
    // What an earlier look waited for may have come since.
    const stand = account.notices.filter(({ code }) => !AWAITED.has(code));
    const told = new Set(stand.map(({ message }) => message));
    account.notices.splice(0, account.notices.length, ...stand);
    account.notices.push(...notices.filter(({ message }) => !told.has(message)));
    for (const found of files) {
      if (!mayGoOn(ctx, account)) return;
      ctx.signal.throwIfAborted();
      const processing = planToTake(ctx, found, definition);
      await step(ctx, account, processing, () => processFile(ctx, processing));
    }
    if (waitMs === undefined || !mayGoOn(ctx, account)) return;
    await waitForStable(ctx, waitMs);
  }
}

/** Says what it waits for: on a terminal, a minute without a word looks like a hang. */
async function waitForStable(ctx: RunContext, waitMs: number): Promise<void> {
  const total = Math.ceil(waitMs / 1000);
  ctx.io.log.info({ job: ctx.job.id, seconds: total }, 'waiting for files to stop changing');
  const until = ctx.io.monotonic() + waitMs;
  for (let left = waitMs; left > 0; left = until - ctx.io.monotonic()) {
    const done = total - Math.ceil(left / 1000);
    ctx.progress({ file: 'for files to stop changing', phase: 'waiting', done, total, unit: 'seconds' });
    await ctx.io.sleep(Math.min(left, 1000), ctx.signal);
  }
}

async function takeUpLocalFile(ctx: RunContext, account: Account, path: string, name?: string): Promise<void> {
  const processing = await takeLocalFile(ctx, path, storeCurrentDefinition(ctx), name);
  await step(ctx, account, processing, () => processFile(ctx, processing));
}

function storeCurrentDefinition(ctx: RunContext): number {
  return storeDefinition(ctx.ledger, storedDefinition(ctx.job), ctx.io.now());
}

/** One file. What is wrong with it stays with it, unless it is the connection or the destination. */
async function step(
  ctx: RunContext,
  account: Account,
  processing: Processing,
  work: () => Promise<FileProgress>,
): Promise<void> {
  try {
    const progress = await work();
    if (progress.account && progress.unchanged) account.wait(progress.account);
    else if (progress.account) account.add(progress.account, processing);
    else
      account.notices.push({
        code: 'VANISHED',
        message: `${processing.name} was gone or changed before it could be taken`,
      });
    if (progress.halted) account.halt({ ...progress.halted, by: 'destination' });
    if (ctx.pause?.aborted && hasRowsLeft(progress)) account.pause();
  } catch (error) {
    if (!(error instanceof TransferError) || ctx.signal.aborted) throw error;
    if (!ONE_FILE.has(error.code)) {
      // The run ends here, and still says what is known of the file it was at.
      if (getProcessing(ctx.ledger, processing.id).read !== null)
        account.leaveOpen(openAccount(ctx, processing), 'tried');
      throw error;
    }
    ctx.io.log.warn({ job: ctx.job.id, file: processing.name, code: error.code }, error.message);
    account.notices.push({ code: error.code, message: `${processing.name}: ${error.message}` } satisfies Notice);
    account.leaveOpen(openAccount(ctx, processing), 'tried');
  }
}

/** Rows that this run could go on with: what waits for an answer does not. */
function hasRowsLeft({ account, unchanged }: FileProgress): boolean {
  if (account === undefined || unchanged) return false;
  return account.awaits === undefined && account.waitsFor === undefined && account.counts.open > 0;
}

/** Troubles of one file, with which the others go on. */
const ONE_FILE = new Set([
  'FILE_CHANGED',
  'FILE_VANISHED',
  'LOCAL_IO',
  'NOT_A_FILE',
  'PERMISSION_DENIED',
  'PGP_KEY_GONE',
  'PUBLISH_FAILED',
  'PUBLISH_SIZE_MISMATCH',
  'RENAME_UNSUPPORTED',
  'SFTP_FAILURE',
  'STAGED_FILE_LOST',
  'TARGET_EXISTS',
  'TARGET_IS_DIRECTORY',
]);
