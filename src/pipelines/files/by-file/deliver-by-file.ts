import { rm } from 'node:fs/promises';
import type { WindowEnd } from '../../../delivery/window-options.ts';
import { type DeliveryBook, openBook } from '../../../ledger/deliveries.ts';
import { unansweredRows } from '../../../ledger/upload-rows.ts';
import {
  awaitedUpload,
  getUpload,
  type Upload,
  type UploadState,
  uploadsOf,
  WATCHED,
} from '../../../ledger/uploads.ts';
import { type FileLane, TransferError } from '../../../model.ts';
import type { FilePass, RunContext } from '../context.ts';
import type { Seal } from '../seal.ts';
import { type Carrier, createCarriers } from './carrier.ts';
import { CARRIERS } from './carriers.ts';
import { planNextUpload } from './plan.ts';
import { uploadPath, wholeFile, writeUpload } from './write.ts';

/** States in which rows wait for an answer that is sure to be looked for. */
const ON_ITS_WAY: ReadonlySet<UploadState> = new Set(['claiming', 'planned', 'uploaded', 'started']);

/** How far the files of a processing came. `unchanged`: they still wait, and nothing is to be said that was not said before. */
export interface ByFileEnd extends WindowEnd {
  unchanged: boolean;
}

/**
 * Sends the rows of a sealed file as a file of our own, and looks for the answers to those sent before. Every step is in the ledger
 * before the next begins; a file whose answer is not there yet stays open, and a later run looks again.
 */
export async function deliverByFile(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  lane: FileLane,
  retryOnly: boolean,
): Promise<ByFileEnd> {
  await using carriers = createCarriers(ctx, ctx.carriers ?? CARRIERS);
  const book = openBook(ctx.ledger, pass.processing.id);
  const before = uploadsOf(ctx.ledger, pass.processing.id);
  let changed = false;
  try {
    for (const upload of before) {
      if (!WATCHED.includes(upload.state)) continue;
      // Its rows are not all claimed yet, and a run for some rows only must not end it with those.
      if (upload.state === 'claiming' && (ctx.only?.get(pass.processing.id) ?? 'all') !== 'all') continue;
      // The first file takes every row that may go; the others only what was left or released since.
      const only = retryOnly || upload.part > 1;
      if (await bring(ctx, pass, seal, book, upload, only, () => carriers.of(upload.lane))) changed = true;
    }
    // Rows of a file that is not through yet may have been released: they go once nothing of it is on its way any more.
    const again = retryOnly || before.length > 0;
    const goesOn = before.length === 0 || retryOnly || !isOnItsWay(ctx, pass);
    const next = goesOn ? await planNextUpload(ctx, pass, seal, book, lane, again) : undefined;
    if (next) {
      changed = true;
      await bring(ctx, pass, seal, book, next, again, () => carriers.of(lane));
    }
  } catch (error) {
    const trouble = error instanceof LaneTrouble ? error.cause : undefined;
    if (!(trouble instanceof TransferError) || ctx.signal.aborted) throw trouble ?? error;
    const reason = trouble.hint === undefined ? trouble.message : `${trouble.message}; ${trouble.hint}`;
    ctx.io.log.error({ job: ctx.job.id, lane, code: trouble.code }, reason);
    return { halted: { code: trouble.code, reason }, interrupted: false, unchanged: false };
  }
  return { interrupted: false, unchanged: !changed && waitsAsTold(ctx, pass) };
}

function isOnItsWay({ ledger }: RunContext, { processing }: FilePass): boolean {
  return uploadsOf(ledger, processing.id).some(({ state }) => ON_ITS_WAY.has(state));
}

/** It waits for an answer, and its account says so already: a daemon may have read one between two runs. */
function waitsAsTold({ ledger }: RunContext, { processing }: FilePass): boolean {
  if (awaitedUpload(ledger, processing.id) === undefined) return false;
  const uploads = uploadsOf(ledger, processing.id);
  const open = uploads.reduce((sum, upload) => sum + unansweredRows(ledger, upload).claimed, 0);
  return processing.account?.counts.open === open;
}

/** Something is wrong with the other side, and not with the file or with us. */
class LaneTrouble extends Error {
  constructor(cause: unknown) {
    super('the lane cannot be used', { cause });
  }
}

/** Brings an upload as far as it goes in this run. `true`: something changed. */
async function bring(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  book: DeliveryBook,
  start: Upload,
  retryOnly: boolean,
  carrierOf: () => Promise<Carrier>,
): Promise<boolean> {
  let upload = start;
  let changed = false;
  if (upload.state === 'claiming') {
    upload = await writeUpload(ctx, pass, seal, book, upload, retryOnly);
    ctx.crashPoint('upload-written');
    changed = true;
  }
  if (upload.state === 'planned') {
    const path = await wholeFile(ctx, pass, seal, book, upload);
    upload = await atExtole(async () => (await carrierOf()).send(upload, path));
    changed = true;
  }
  if (upload.state === 'uploaded' || upload.state === 'started' || upload.state === 'unanswered') {
    if (await atExtole(async () => watch(ctx, await carrierOf(), upload))) changed = true;
  }
  if (!['claiming', 'planned'].includes(upload.state)) await rm(uploadPath(pass, upload), { force: true });
  return changed;
}

/** What goes wrong on the way to the other side, or there. */
async function atExtole<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof TransferError ? new LaneTrouble(error) : error;
  }
}

/** Looks once; where the job says so, again and again until there is an answer or `upload.wait` is over. */
async function watch(ctx: RunContext, carrier: Carrier, upload: Upload): Promise<boolean> {
  const { wait, poll } = ctx.job.destination.extole.upload;
  const look = (): Promise<boolean> => carrier.look(getUpload(ctx.ledger, upload.id));
  const until = ctx.io.monotonic() + wait;
  let changed = await look();
  while (stillOpen(ctx, upload) && ctx.io.monotonic() < until) {
    const left = until - ctx.io.monotonic();
    ctx.progress({ file: upload.name, phase: 'waiting', done: wait - left, total: wait, unit: 'seconds' });
    await ctx.io.sleep(Math.min(poll, left), ctx.signal);
    if (await look()) changed = true;
  }
  return changed;
}

function stillOpen(ctx: RunContext, upload: Upload): boolean {
  const now = uploadsOf(ctx.ledger, upload.processingId).find(({ id }) => id === upload.id);
  return upload.lane !== 'folder' && (now?.state === 'uploaded' || now?.state === 'started');
}
