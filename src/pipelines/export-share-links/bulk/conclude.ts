import { isDeepStrictEqual } from 'node:util';
import type { BulkSettings } from '../../../jobs/bulk-settings.ts';
import { agedNow } from '../../../ledger/clock.ts';
import { holdRest, unansweredRows } from '../../../ledger/upload-rows.ts';
import { type Upload, updateUpload } from '../../../ledger/uploads.ts';
import { formatDuration } from '../../../mapping/duration.ts';
import type { Notice } from '../../../model.ts';
import type { CarrierContext } from '../../files/by-file/carrier.ts';
import type { Collected } from './collect.ts';

/** After so many times the usual, nobody waits any more for a report that never came. */
const AT_MOST = 2;

/**
 * Draws the balance of an upload after a look: over where everybody has a link; where time is over, the rest is held. `collected`: absent
 * where links come by themselves. `true`: there is something to tell.
 */
export function concludeBulk(
  ctx: CarrierContext,
  bulk: BulkSettings,
  upload: Upload,
  collected: Collected | undefined,
): boolean {
  const { ledger, io, job } = ctx;
  const now = io.now();
  // A clock that leapt gives nobody up.
  const age = agedNow(ledger, now) - upload.uploadedAt;
  const { claimed, others } = unansweredRows(ledger, upload);
  if (claimed + others === 0) {
    updateUpload(ledger, upload.id, { state: 'answered', lookedAt: now, endedAt: now, notices: withoutOurs(upload) });
    return true;
  }
  const notices = [...withoutOurs(upload), ...noticesOf(upload, claimed + others, collected, now)];
  if (claimed > 0 && age >= bulk.missingAfter && wasLookedFor(bulk, upload, collected, age)) {
    const reason = `no link came within ${formatDuration(bulk.missingAfter)} of the upload ${upload.name}; look in My Extole whether its events came (${bulk.event}) and made links, then release the row to upload it again`;
    holdRest(ledger, upload, { code: 'LINK_MISSING', reason }, now);
    updateUpload(ledger, upload.id, { state: 'unanswered', lookedAt: now, notices });
    return true;
  }
  // Held rows may get a link all the same, until their own time is over.
  const over = claimed === 0 && age > bulk.missingAfter + job.held.maxAge;
  if (over) updateUpload(ledger, upload.id, { state: 'answered', lookedAt: now, endedAt: now, notices });
  else if (claimed === 0) updateUpload(ledger, upload.id, { state: 'unanswered', lookedAt: now, notices });
  else updateUpload(ledger, upload.id, { lookedAt: now, notices });
  return !isDeepStrictEqual(notices, upload.notices);
}

/** Nobody is held because we were away: a report that could have had the link must have been read. */
function wasLookedFor(bulk: BulkSettings, upload: Upload, collected: Collected | undefined, age: number): boolean {
  if (collected === undefined || age >= AT_MOST * bulk.missingAfter) return true;
  return !collected.waiting && collected.readUntil >= upload.uploadedAt + Math.min(bulk.firstLook, bulk.missingAfter);
}

/** Who is still missing, once it was looked; and what is in the way of looking. */
function noticesOf(upload: Upload, missing: number, collected: Collected | undefined, now: number): Notice[] {
  const notices: Notice[] = [];
  const looked = collected === undefined ? now : collected.readUntil;
  if (looked >= upload.uploadedAt) {
    const message = `${missing} of the ${upload.rows} people of ${upload.name} have no link yet`;
    notices.push({ code: 'LINKS_AWAITED', message });
  }
  if (collected?.trouble !== undefined) {
    const message = `links could not be collected: ${collected.trouble}`;
    notices.push({ code: 'LINKS_NOT_COLLECTED', message });
  }
  return notices;
}

const OURS: ReadonlySet<string> = new Set(['LINKS_AWAITED', 'LINKS_NOT_COLLECTED']);
const withoutOurs = ({ notices }: Upload): Notice[] => notices.filter(({ code }) => !OURS.has(code));
