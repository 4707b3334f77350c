import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { expireRows, filesHeldTooLong, heldSince, processingsToPrune } from '../../ledger/age.ts';
import { agedNow } from '../../ledger/clock.ts';
import { getProcessing, type Processing, updateProcessing } from '../../ledger/processings.ts';
import type { Notice } from '../../model.ts';
import { type RunContext, stagedPaths } from './context.ts';

/** Rows that failed for too long are held; rows and files held for too long expire. Returns the closed processings they are of. */
export function ageRows(ctx: RunContext): Processing[] {
  const { job, ledger, io } = ctx;
  const now = agedNow(ledger, io.now());
  const touched = expireRows(ledger, job.id, { failedMs: job.failed.maxAge, heldMs: job.held.maxAge }, now);
  const expired = filesHeldTooLong(ledger, job.id, now - job.held.maxAge);
  for (const id of expired) {
    const { refusal } = getProcessing(ledger, id);
    // Its results lag behind from here on, until they are published anew.
    if (refusal) updateProcessing(ledger, id, { refusal: { ...refusal, verdict: 'expired' }, settledAt: null });
  }
  return [...touched, ...expired].map((id) => getProcessing(ledger, id)).filter((each) => each.state === 'closed');
}

/** How long before its time is over a held row is spoken of. */
const WARN_MS = 3 * 86_400_000;

/** Says which files have held rows whose time is nearly over: after it they are rejected, and their keys are free. */
export function expiryNotices({ job, ledger, io }: RunContext): Notice[] {
  const soon = heldSince(ledger, job.id, agedNow(ledger, io.now()) - job.held.maxAge + WARN_MS);
  return soon.map(({ processing, name, rows, since }) => {
    const until = new Date(since + job.held.maxAge).toISOString().slice(0, 16);
    const message = `${rows} held ${rows === 1 ? 'row' : 'rows'} of ${name} (p${processing}) will be rejected as EXPIRED from ${until}Z on (held.maxAge): referry held ${job.id}`;
    return { code: 'HELD_EXPIRES', message };
  });
}

/** Removes staged files whose rows are all final since `retention.days`. */
export async function pruneStaging(ctx: RunContext): Promise<void> {
  const { job, ledger, io } = ctx;
  for (const id of processingsToPrune(ledger, job.id, agedNow(ledger, io.now()) - job.retention.days * 86_400_000)) {
    const { folder } = stagedPaths(ctx.staging, id);
    if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
    updateProcessing(ledger, id, { prunedAt: io.now() });
  }
}
