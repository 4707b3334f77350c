import { getProcessing } from '../../../ledger/processings.ts';
import { watchedUploads } from '../../../ledger/uploads.ts';
import { type Notice, TransferError } from '../../../model.ts';
import type { RunContext } from '../context.ts';
import { createCarriers } from './carrier.ts';
import { CARRIERS } from './carriers.ts';

/**
 * Looks for answers to the files of processings that are closed already: rows that were sent again, and rows held because none came.
 * What changes makes the results lag behind, so that the same run writes them anew. A lane that cannot be reached stops nothing.
 */
export async function lookForLateAnswers(ctx: RunContext): Promise<Notice[]> {
  await using carriers = createCarriers(ctx, CARRIERS);
  const notices: Notice[] = [];
  for (const upload of watchedUploads(ctx.ledger, ctx.job.id)) {
    if (upload.state === 'claiming' || upload.state === 'planned') continue;
    const processing = getProcessing(ctx.ledger, upload.processingId);
    if (processing.state !== 'closed' || processing.destinationId !== ctx.destinationId) continue;
    try {
      await (await carriers.of(upload.lane)).look(upload);
    } catch (error) {
      if (!(error instanceof TransferError) || ctx.signal.aborted) throw error;
      ctx.io.log.warn({ job: ctx.job.id, upload: upload.name, code: error.code }, error.message);
      notices.push({ code: error.code, message: `no answer could be looked for to ${upload.name}: ${error.message}` });
    }
  }
  return notices;
}
