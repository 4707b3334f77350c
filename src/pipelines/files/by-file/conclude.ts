import { answersOf } from '../../../ledger/upload-answers.ts';
import { holdRest, unansweredRows } from '../../../ledger/upload-rows.ts';
import { type Upload, updateUpload } from '../../../ledger/uploads.ts';
import type { Notice } from '../../../model.ts';
import type { CarrierContext } from './carrier.ts';

/**
 * Draws the balance of an upload after a look for answers: over where every row has one; where time is over, the rest is held. `where`
 * says of a file without an answer what was seen of it. `true`: something changed.
 */
export async function concludeUpload(
  ctx: CarrierContext,
  upload: Upload,
  where: () => Promise<string>,
  changed: boolean,
): Promise<boolean> {
  const { ledger, io, job } = ctx;
  const { proofTimeout } = job.destination.extole.upload;
  const now = io.now();
  const { claimed, others } = unansweredRows(ledger, upload);
  const notices = mismatchOf(ctx, upload);
  if (claimed === 0 && others === 0) {
    updateUpload(ledger, upload.id, { state: 'answered', lookedAt: now, endedAt: now, notices });
    return true;
  }
  if (claimed > 0 && now - upload.uploadedAt >= proofTimeout) {
    const reason = `no answer of Extole for this row of ${upload.name}: ${await where()}`;
    holdRest(ledger, upload, { code: 'NO_PROOF', reason }, now);
    updateUpload(ledger, upload.id, { state: 'unanswered', lookedAt: now, notices: mismatchOf(ctx, upload) });
    return true;
  }
  // Held rows may get a late answer, until their own time is over.
  const over = now - upload.uploadedAt > proofTimeout + job.held.maxAge;
  if (claimed === 0 && over)
    updateUpload(ledger, upload.id, { state: 'answered', lookedAt: now, endedAt: now, notices });
  else if (claimed === 0) updateUpload(ledger, upload.id, { state: 'unanswered', lookedAt: now, notices });
  else updateUpload(ledger, upload.id, { lookedAt: now });
  return changed;
}

/** What was sent and what the results say of it, where the two differ. Never smoothed over. */
export function mismatchOf({ ledger }: Pick<CarrierContext, 'ledger'>, upload: Upload): Notice[] {
  const counts = answersOf(ledger, upload.id).flatMap(({ counts: each }) => (each ? [each] : []));
  if (counts.length === 0) return [];
  const sum = (of: 'lines' | 'succeeded' | 'failed' | 'unknown' | 'repeated' | 'unclear'): number =>
    counts.reduce((total, each) => total + each[of], 0);
  const { claimed, others } = unansweredRows(ledger, upload);
  if (upload.status !== '' && sum('lines') === 0) return []; // Refused as a whole: its rows say so.
  const [lines, unknown, repeated, unclear] = [sum('lines'), sum('unknown'), sum('repeated'), sum('unclear')];
  const overruled = counts.reduce((total, each) => total + (each.overruled ?? 0), 0);
  const odd = unknown + repeated + unclear + overruled;
  if (lines === upload.rows && odd === 0 && claimed + others === 0) return [];
  const parts = [
    `${sum('succeeded')} accepted, ${sum('failed')} refused`,
    ...(unclear > 0 ? [`${unclear} not understood`] : []),
    ...(claimed + others > 0 ? [`${claimed + others} of our rows without an answer`] : []),
    ...(unknown > 0 ? [`${unknown} for rows that were not sent`] : []),
    ...(overruled > 0 ? [`${overruled} that say otherwise than what was decided or known before`] : []),
    ...(repeated > 0 ? [`${repeated} for a row that has a line already`] : []),
  ];
  const message = `Extole's results for ${upload.name} do not match it: ${upload.rows} rows were sent, the results have ${lines} lines: ${parts.join(', ')}`;
  return [{ code: 'RESULTS_MISMATCH', message }];
}
