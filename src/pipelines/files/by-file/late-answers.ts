import { getProcessing, type Processing } from '../../../ledger/processings.ts';
import { destinationId } from '../../../ledger/registry.ts';
import { type Upload, watchedUploads } from '../../../ledger/uploads.ts';
import { type Notice, TransferError } from '../../../model.ts';
import type { RunContext } from '../context.ts';
import { type CarrierContext, createCarriers } from './carrier.ts';
import { CARRIERS } from './carriers.ts';

/**
 * Looks for answers to the files of processings that are closed already: rows that were sent again, and rows held because none came.
 * What changes makes the results lag behind, so that the same run writes them anew. A lane that cannot be reached stops nothing.
 */
export async function lookForLateAnswers(ctx: RunContext): Promise<Notice[]> {
  const asked = ({ id, state, destinationId }: Processing): boolean =>
    state === 'closed' && destinationId === ctx.destinationId && (ctx.only === undefined || ctx.only.has(id));
  return (await lookFor(ctx, (_, processing) => asked(processing))).notices;
}

/** Between the runs of a daemon: looks for the answers whose time to look has come. Returns the processings of which something changed. */
export async function lookForAnswers(ctx: CarrierContext): Promise<number[]> {
  const due = dueLooks(ctx);
  if (due.length === 0) return [];
  const ids = new Set(due.map(({ id }) => id));
  // The answer to a file of another account is not for this token, and its event names are not known here.
  const here = destinationId(ctx.ledger, ctx.destination.identity);
  const asked = ({ id }: Upload, processing: Processing): boolean => ids.has(id) && processing.destinationId === here;
  return (await lookFor(ctx, asked)).changed;
}

/** Files of a job that wait for an answer, and at which nobody has looked for `upload.poll`. */
export function dueLooks({ ledger, job, io }: Pick<CarrierContext, 'ledger' | 'job' | 'io'>): Upload[] {
  // A minute's tick comes a little early or late.
  const before = io.now() - job.destination.extole.upload.poll * 0.9;
  return watchedUploads(ledger, job.id).filter(
    ({ state, lookedAt, uploadedAt }) =>
      state !== 'claiming' && state !== 'planned' && Math.max(lookedAt, uploadedAt) <= before,
  );
}

async function lookFor(
  ctx: CarrierContext,
  asked: (upload: Upload, processing: Processing) => boolean,
): Promise<{ changed: number[]; notices: Notice[] }> {
  await using carriers = createCarriers(ctx, ctx.carriers ?? CARRIERS);
  const changed = new Set<number>();
  const notices: Notice[] = [];
  for (const upload of watchedUploads(ctx.ledger, ctx.job.id)) {
    if (upload.state === 'claiming' || upload.state === 'planned') continue;
    if (!asked(upload, getProcessing(ctx.ledger, upload.processingId))) continue;
    try {
      if (await (await carriers.of(upload.lane)).look(upload)) changed.add(upload.processingId);
    } catch (error) {
      if (!(error instanceof TransferError) || ctx.signal.aborted) throw error;
      ctx.io.log.warn({ job: ctx.job.id, upload: upload.name, code: error.code }, error.message);
      notices.push({ code: error.code, message: `no answer could be looked for to ${upload.name}: ${error.message}` });
    }
  }
  return { changed: [...changed], notices };
}
