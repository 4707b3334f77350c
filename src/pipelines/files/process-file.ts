import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseStoredDefinition } from '../../jobs/definition.ts';
import {
  type FileVerdict,
  firstProcessing,
  getProcessing,
  type Processing,
  updateProcessing,
} from '../../ledger/processings.ts';
import { getDefinition } from '../../ledger/registry.ts';
import { type FileAccount, FileRefused, type Lane, type RefusalDetail, TransferError } from '../../model.ts';
import { refusedResults, resultsFormat } from '../../reports/results.ts';
import { createResultsFile, keepEncrypted, type ResultsSummary } from '../../reports/results-file.ts';
import { emptyCounts } from '../../reports/tally.ts';
import { admitFile, heldForTheMoment, learnFrom } from './admit.ts';
import { deliverByFile } from './by-file/deliver-by-file.ts';
import { restageManifest } from './companions.ts';
import { type FilePass, type RunContext, stagedPaths } from './context.ts';
import type { Delivered } from './course.ts';
import { deliverFile } from './deliver.ts';
import { archiveInput, publishResults } from './publish.ts';
import { recoverRows } from './restored-rows.ts';
import { readSeal, type Seal, sealFile } from './seal.ts';
import { settleFile } from './settle.ts';
import { copyStaged, dropStaged, LOCAL, localFile, restageFile, stageFile } from './stage.ts';
import { unreadableNow } from './staged-file.ts';
import { mustStandStill, noteChanged } from './stand-still.ts';
import { takeAgain } from './take.ts';

/** How far a file came in this run. `account` is missing where the file vanished before it was read. */
export interface FileProgress {
  account?: FileAccount;
  /** The destination cannot be used: no further file is begun. */
  halted?: { code: string; reason: string };
  /** It waits for an answer to a file that was sent, and there is none yet: nothing is to be said that was not said before. */
  unchanged?: boolean;
}

/**
 * Takes a processing as far as it goes, from wherever it stands. Each step leaves its result on disk and in the ledger before
 * the next begins, and each can be repeated.
 */
export async function processFile(ctx: RunContext, start: Processing): Promise<FileProgress> {
  return begun(start, () => goOn(ctx, start));
}

/** A file that was taken up is not refused any more because a key is missing. */
async function begun<T>(processing: Processing, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unreadableNow(error, processing.name);
  }
}

async function goOn(ctx: RunContext, start: Processing): Promise<FileProgress> {
  let processing = start;
  if (processing.state === 'taking' || processing.state === 'taken') {
    await mustStandStill(ctx, processing);
    processing = getProcessing(ctx.ledger, processing.id);
  }
  if (processing.state === 'taking') {
    const taken = await takeAgain(ctx, processing);
    if (!taken) return {};
    processing = taken;
  }
  if (processing.state === 'taken') {
    processing = await stage(ctx, processing);
    await ctx.staged?.();
  } else if (processing.state !== 'published' && processing.refusal?.verdict !== 'refused')
    await restage(ctx, processing);
  const { halted, unchanged, waitsFor } =
    processing.refusal?.verdict === 'refused' ? {} : await sealAndDeliver(ctx, processing);
  processing = getProcessing(ctx.ledger, processing.id);
  if (unchanged && processing.account) return { account: processing.account, unchanged };
  if (processing.state === 'staged' || processing.state === 'sealed' || processing.state === 'settled') {
    processing = await settle(ctx, processing, waitsFor);
    if (processing.account?.counts.open) return { account: processing.account, ...(halted ? { halted } : {}) };
  }
  if (processing.state === 'published') {
    processing = await archiveInput(ctx, processing);
    ctx.crashPoint('closed');
  }
  if (processing.account && (processing.repeatOf !== null || processing.refusal?.verdict === 'refused'))
    await dropStaged(ctx, processing);
  return { ...(processing.account ? { account: processing.account } : {}), ...(halted ? { halted } : {}) };
}

/**
 * Tries the failed rows of a closed processing again, and all rows of a file that was held and that a person released; a new
 * revision of its results follows where anything changed.
 */
export async function retryFile(ctx: RunContext, processing: Processing): Promise<FileProgress> {
  return begun(processing, () => retryRows(ctx, processing));
}

async function retryRows(ctx: RunContext, processing: Processing): Promise<FileProgress> {
  await restage(ctx, processing);
  const pass = passOf(ctx, processing);
  const seal = await sealFile(ctx, pass);
  // Until it is settled again, its results lag behind its rows: a crash in between must not leave it so.
  updateProcessing(ctx.ledger, processing.id, { settledAt: null });
  if (processing.restored === 1) {
    await recoverRows(ctx, pass, seal);
    if (!ctx.destination.repeatable) return { account: await revise(ctx, processing) };
  }
  if (ctx.only?.get(processing.id) === 'none') return { account: await revise(ctx, processing) };
  const lane = processing.lane ?? ctx.destination.laneFor(seal.candidates);
  const end = await deliverBy(ctx, pass, seal, lane, processing.refusal?.verdict !== 'released');
  ctx.signal.throwIfAborted();
  // What a process that died left unpublished is published now, whether or not anything is new.
  if (end.unchanged && processing.account && processing.settledAt !== null) {
    updateProcessing(ctx.ledger, processing.id, { settledAt: processing.settledAt });
    return { account: processing.account, unchanged: true };
  }
  // What a person released may be held again, for a reason that came up since.
  const now = pass.root.id === processing.id ? pass.root : processing;
  const account = await revise(ctx, now, end.waitsFor);
  // Rows that still wait are no news where nothing else is.
  if (end.unchanged && account.counts.open > 0 && isDeepStrictEqual(account.counts, processing.account?.counts))
    return { account, unchanged: true };
  return { account, ...(end.halted ? { halted: end.halted } : {}) };
}

/** Writes the results of a closed processing anew and publishes them as the next revision, if they differ from the last. */
export async function revise(
  ctx: RunContext,
  processing: Processing,
  waitsFor?: Delivered['waitsFor'],
): Promise<FileAccount> {
  return begun(processing, () => writeAnew(ctx, processing, waitsFor));
}

async function writeAnew(
  ctx: RunContext,
  processing: Processing,
  waitsFor: Delivered['waitsFor'],
): Promise<FileAccount> {
  await restage(ctx, processing);
  const pass = passOf(ctx, processing);
  const seal = await sealFile(ctx, pass);
  const { account, results } = await settleFile(ctx, pass, seal);
  const kept = { ...account, ...pathsOf(processing) };
  if (!results) {
    const open = { ...kept, ...(waitsFor ? { waitsFor } : {}) };
    updateProcessing(ctx.ledger, processing.id, { account: open });
    return open;
  }
  const last = processing.account;
  const told = ({ counts, reasons, state }: FileAccount): string => JSON.stringify([counts, reasons, state]);
  const same = last && told(last) === told(kept);
  const revised = same ? last : ((await publishResults(ctx, pass, results, kept, seal.json)).account ?? kept);
  updateProcessing(ctx.ledger, processing.id, { settledAt: ctx.io.now() });
  return revised;
}

const pathsOf = ({ resultsPath, archivedAs }: Processing): Partial<FileAccount> => ({
  ...(resultsPath === null ? {} : { resultsPath }),
  ...(archivedAs === null ? {} : { archivedAs }),
});

async function stage(ctx: RunContext, processing: Processing): Promise<Processing> {
  const definition = parseStoredDefinition(getDefinition(ctx.ledger, processing.definitionId).body);
  try {
    const staged = await stageFile(ctx, processing, definition);
    return staged.refusal ? refuse(ctx, staged.processing, staged.refusal) : staged.processing;
  } catch (error) {
    // Changed under our hands: what is there now is looked at again from the start, in the place it was taken to.
    if (error instanceof TransferError && error.code === 'FILE_CHANGED') {
      const { takenPath } = processing;
      const isLocal = takenPath.startsWith(LOCAL);
      const now = isLocal ? await localFile(takenPath.slice(LOCAL.length)) : await ctx.remote.stat(takenPath);
      if (now) updateProcessing(ctx.ledger, processing.id, { size: now.size, mtime: now.mtime });
      if (!isLocal) noteChanged(ctx, processing);
    }
    if (error instanceof TransferError && error.code === 'FILE_VANISHED')
      updateProcessing(ctx.ledger, processing.id, { state: 'vanished' });
    throw error;
  }
}

async function restage(ctx: RunContext, processing: Processing): Promise<void> {
  const { root, paths } = passOf(ctx, processing);
  if (root.reprocessOf !== null) await copyStaged(stagedPaths(ctx.staging, root.reprocessOf).input, paths.input);
  await restageFile(ctx, root, paths.input);
}

/** Row by row, or as a file of our own: the lane decides. */
function deliverBy(ctx: RunContext, pass: FilePass, seal: Seal, lane: Lane, retryOnly: boolean): Promise<Delivered> {
  if (ctx.course) return ctx.course.deliver(ctx, pass, seal);
  if (lane === 'members') throw new Error('members leave by the course of their pipeline');
  if (lane === 'events' || lane === 'async-events' || lane === 'links')
    return deliverFile(ctx, pass, seal, lane, retryOnly);
  return deliverByFile(ctx, pass, seal, lane, retryOnly);
}

/** Nothing leaves before the whole file is known to be whole; a file that is not is refused. */
async function sealAndDeliver(ctx: RunContext, start: Processing): Promise<Delivered> {
  const processing = start.state === 'staged' ? await adoptRepeat(ctx, start) : start;
  const pass = passOf(ctx, processing);
  if (processing.state === 'staged') {
    try {
      await restageManifest(ctx, pass);
      const seal = await sealFile(ctx, pass);
      admitFile(ctx, processing.restored === 1 ? withoutManifest(pass) : pass, seal);
    } catch (error) {
      if (!(error instanceof FileRefused)) throw error;
      refuse(ctx, processing, error);
      return {};
    }
  }
  const sealed = passOf(ctx, getProcessing(ctx.ledger, processing.id));
  if (sealed.processing.state !== 'sealed' || sealed.root.id !== processing.id) return {};
  const seal = await sealFile(ctx, sealed);
  if (sealed.processing.restored === 1) {
    await recoverRows(ctx, sealed, seal);
    if (!ctx.destination.repeatable) return {};
  }
  // Nothing at all may be what a file has to say.
  if ((seal.held && !seal.held.segments) || (seal.candidates === 0 && !ctx.course)) return {};
  const lane = sealed.processing.lane ?? ctx.destination.laneFor(seal.candidates);
  const end = await deliverBy(ctx, sealed, seal, lane, false);
  ctx.signal.throwIfAborted();
  return end;
}

/** What was found again in the archive came with its manifest then. */
function withoutManifest(pass: FilePass): FilePass {
  const { manifest: _, ...definition } = pass.definition;
  return { ...pass, definition };
}

/**
 * The same contents were seen before: their first processing says what became of each row, and nothing is sent. Contents that
 * were refused, or are held under another definition of the job, are judged anew.
 */
async function adoptRepeat(ctx: RunContext, processing: Processing): Promise<Processing> {
  if (processing.repeatOf !== null || processing.fileId === null || processing.reprocessOf !== null) return processing;
  // What was so, then otherwise, and is so again has to be done again.
  if (ctx.course) return processing;
  const first = firstProcessing(ctx.ledger, processing.fileId, processing.id);
  if (!first || first.refusal?.verdict === 'refused' || heldForTheMoment(first)) return processing;
  if (first.refusal && first.definitionId !== processing.definitionId) return processing;
  const mine = stagedPaths(ctx.staging, processing.id);
  const its = stagedPaths(ctx.staging, first.id);
  if (!existsSync(its.input)) {
    // Its staged file was pruned long ago; the new copy is the same, and its index is made again.
    updateProcessing(ctx.ledger, first.id, { prunedAt: null });
    await mkdir(its.folder, { recursive: true, mode: 0o700 });
    await rename(mine.input, its.input);
  }
  return updateProcessing(ctx.ledger, processing.id, { repeatOf: first.id });
}

function passOf(ctx: RunContext, processing: Processing): FilePass {
  const root = processing.repeatOf === null ? processing : getProcessing(ctx.ledger, processing.repeatOf);
  return {
    processing,
    root,
    definition: parseStoredDefinition(getDefinition(ctx.ledger, root.definitionId).body),
    paths: stagedPaths(ctx.staging, root.id),
  };
}

function refuse(ctx: RunContext, processing: Processing, detail: RefusalDetail): Processing {
  const { code, message, hint, line } = detail;
  const refusal: FileVerdict = {
    verdict: 'refused',
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(line === undefined ? {} : { line }),
  };
  ctx.io.log.warn({ job: ctx.job.id, file: processing.name, code, line }, `file refused: ${message}`);
  const now = ctx.io.now();
  return updateProcessing(ctx.ledger, processing.id, { state: 'sealed', refusal, sealedAt: now, settledAt: now });
}

/** Adds the file up; where no row is open any more, publishes its results. */
async function settle(ctx: RunContext, processing: Processing, waitsFor: Delivered['waitsFor']): Promise<Processing> {
  const pass = passOf(ctx, processing);
  if (processing.refusal?.verdict === 'refused') {
    const { account, results, json } = await settleRefused(ctx, pass, processing.refusal);
    return publishResults(ctx, pass, results, account, json);
  }
  const seal = readSeal(pass.paths.seal) ?? (await sealFile(ctx, pass));
  const { account, results } = await settleFile(ctx, pass, seal);
  if (!results)
    return updateProcessing(ctx.ledger, processing.id, { account: { ...account, ...(waitsFor ? { waitsFor } : {}) } });
  // The account first: where publishing fails, the run still says what became of the rows.
  const settled = updateProcessing(ctx.ledger, processing.id, { state: 'settled', account, settledAt: ctx.io.now() });
  learnFrom(ctx, pass, seal, account.counts.delivered);
  return publishResults(ctx, { ...pass, processing: settled }, results, account, seal.json);
}

/** A file refused as a whole: one line that says why. */
async function settleRefused(
  ctx: RunContext,
  { processing, paths }: FilePass,
  refusal: FileVerdict,
): Promise<{ account: FileAccount; results: ResultsSummary; json: boolean }> {
  const json = /\.(json|jsonl|ndjson)(\.gz)?$/i.test(processing.name);
  const text = refusedResults(refusal, {
    json,
    at: new Date(processing.sealedAt ?? processing.openedAt).toISOString(),
  });
  const path = join(paths.folder, `results.${processing.id}.r${processing.revision + 1}`);
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  const format = { ...resultsFormat({ delimiter: ',', json }), headerLine: () => text };
  const file = await createResultsFile(path, format, ctx.job.report.encryptTo);
  const results = await keepEncrypted(await file.finish());
  const { verdict: _, ...detail } = refusal;
  const account: FileAccount = {
    job: ctx.job.id,
    processing: `p${processing.id}`,
    name: processing.name,
    sha256:
      ctx.ledger.db
        .prepare<[number | null], { sha256: string }>('SELECT sha256 FROM files WHERE id = ?')
        .get(processing.fileId)?.sha256 ?? '',
    bytes: processing.size,
    state: 'refused',
    refusal: detail,
    counts: emptyCounts(),
    byEvent: [],
    reasons: [],
    notices: [],
    balanced: true,
  };
  return { account, results: { ...results, lines: 1 }, json };
}
