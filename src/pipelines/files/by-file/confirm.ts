import { basename } from 'node:path';
import type { Ledger } from '../../../ledger/open.ts';
import type { Processing } from '../../../ledger/processings.ts';
import { recordAnswer, seeAnswer } from '../../../ledger/upload-answers.ts';
import { acceptRest, unansweredRows } from '../../../ledger/upload-rows.ts';
import { getUpload, type Upload, updateUpload, uploadsOf } from '../../../ledger/uploads.ts';
import { TransferError } from '../../../model.ts';
import type { RunContext } from '../context.ts';
import { applyResults } from './apply.ts';
import { mismatchOf } from './conclude.ts';
import { speaksOf } from './dialect.ts';

/** What a person says of a file that was uploaded by hand, or whose answer never came. Who and why are kept by the caller. */
export interface Confirmation {
  /** A results file that was downloaded from My Extole: its lines answer row by row. Without it every row counts as delivered. */
  results?: string;
  by: string;
  reason: string;
}

export interface Confirmed {
  /** Names of the uploaded files that this was about. */
  uploads: string[];
  /** Rows that got their answer. */
  answered: number;
  /** Rows that the results do not speak of, or not clearly: they stay held. */
  left: number;
}

/** Files of a processing whose rows are held until a person says what became of them, with the number of such rows. */
export function confirmable(ledger: Pick<Ledger, 'db'>, processingId: number): { upload: Upload; rows: number }[] {
  return uploadsOf(ledger, processingId).flatMap((upload) => {
    const { claimed, others } = unansweredRows(ledger, upload);
    const waits = upload.lane === 'folder' ? upload.state === 'uploaded' : ENDED.has(upload.state);
    return waits && claimed === 0 && others > 0 ? [{ upload, rows: others }] : [];
  });
}

const ENDED = new Set(['unanswered', 'refused']);

/**
 * Writes down what a person says of the files of a processing. Rows become delivered with the proof `confirmed`, or are answered by
 * the lines of `results`. Its results lag behind then: `revise` the processing afterwards; a run does so, too. Doing it twice is
 * harmless. Throws `NOTHING_TO_CONFIRM`, `RESULTS_UNREADABLE`, `RESULTS_OF_ANOTHER_FILE`.
 */
export async function confirmUpload(
  ctx: RunContext,
  processing: Processing,
  confirmation: Confirmation,
): Promise<Confirmed> {
  const waiting = confirmable(ctx.ledger, processing.id);
  if (waiting.length === 0)
    throw new TransferError('NOTHING_TO_CONFIRM', `no row of ${processing.name} waits for a confirmation`, {
      hint: 'referry held lists what waits, and how it gets out',
    });
  const { results } = confirmation;
  const concerned = results === undefined ? waiting : chosen(waiting, results);
  const before = concerned.reduce((sum, { rows }) => sum + rows, 0);
  for (const { upload } of concerned) {
    if (results === undefined) confirmAll(ctx.ledger, upload, ctx.io.now());
    else await confirmLines(ctx, upload, results);
    ctx.crashPoint('confirmed');
  }
  const left = concerned.reduce((sum, { upload }) => sum + unansweredRows(ctx.ledger, upload).others, 0);
  return { uploads: concerned.map(({ upload }) => upload.name), answered: before - left, left };
}

/** A results file speaks of one uploaded file: by its name, or because there is only one. */
function chosen(waiting: { upload: Upload; rows: number }[], results: string): { upload: Upload; rows: number }[] {
  const named = waiting.filter(({ upload }) => speaksOf(basename(results), upload.name));
  if (named.length > 0) return named;
  if (waiting.length === 1) return waiting;
  const names = waiting.map(({ upload }) => upload.name).join(', ');
  throw new TransferError(
    'RESULTS_OF_ANOTHER_FILE',
    `${results}: it is not clear of which file these are the results; waiting are ${names}`,
    { hint: 'the name of a results file must hold the name of the uploaded one' },
  );
}

/** Every row of an upload that has no answer counts as delivered, because a person says so. */
export function confirmAll(ledger: Ledger, upload: Upload, now: number): void {
  acceptRest(ledger, upload, { kind: 'confirmed', eventId: `confirmed:${upload.name}` }, now);
  updateUpload(ledger, upload.id, { state: 'answered', endedAt: now });
}

async function confirmLines(ctx: RunContext, upload: Upload, results: string): Promise<void> {
  const { ledger, io } = ctx;
  const name = basename(results);
  const applied = await applyResults(ctx, upload, { path: results, name, settled: true });
  if (applied.kind !== 'applied') {
    const said = applied.kind === 'incomplete' ? 'it is not whole' : applied.reason;
    throw new TransferError('RESULTS_UNREADABLE', `${results}: ${said}`, {
      hint: 'give the results file as My Extole has it; no row was changed',
    });
  }
  const now = io.now();
  seeAnswer(ledger, upload.id, { path: `by hand: ${name}`, size: 0, mtime: 0 }, now);
  recordAnswer(ledger, upload.id, `by hand: ${name}`, applied.counts, now);
  const { others } = unansweredRows(ledger, upload);
  const notices = mismatchOf(ctx, getUpload(ledger, upload.id));
  updateUpload(ledger, upload.id, others === 0 ? { state: 'answered', endedAt: now, notices } : { notices });
}
