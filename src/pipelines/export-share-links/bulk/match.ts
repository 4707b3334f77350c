import type { LinkPlace } from '../../../ledger/links.ts';
import { linkedRows } from '../../../ledger/links-of-upload.ts';
import { answerRows } from '../../../ledger/upload-rows.ts';
import type { Upload } from '../../../ledger/uploads.ts';
import type { CarrierContext } from '../../files/by-file/carrier.ts';

/** Rows that share a commit. */
const BATCH = 2000;

/** Rows of an upload whose people have a link by now are delivered: the link is the proof. Returns how many. */
export async function matchLinks(ctx: CarrierContext, upload: Upload, place: LinkPlace): Promise<number> {
  const { ledger, io } = ctx;
  let changed = 0;
  for (const rows of linkedRows(ledger, upload, place)) {
    for (let at = 0; at < rows.length; at += BATCH) {
      const answers = rows.slice(at, at + BATCH).map(({ id, link }) => ({
        id,
        answer: { kind: 'accepted' as const, proof: 'link' as const, eventId: link },
      }));
      changed += answerRows(ledger, upload, answers, io.now());
      ctx.crashPoint('results-read');
      ctx.signal.throwIfAborted();
    }
    // Others have their turn: the rows of a million people are not looked through in one go.
    await io.sleep(0);
  }
  return changed;
}
