import { type Processing, updateProcessing } from '../../ledger/processings.ts';
import { dropWatchMark, setWatchMark, watchMark } from '../../ledger/watch.ts';
import { TransferError } from '../../model.ts';
import type { RunContext } from './context.ts';
import { LOCAL } from './stage.ts';

const markOf = ({ id }: Processing): string => `changed p${id}`;

/** Remembers that a file changed after it was taken: somebody still writes to it, whatever its folder. */
export function noteChanged({ ledger, job, io }: RunContext, processing: Processing): void {
  setWatchMark(ledger, job.id, markOf(processing), io.now());
}

/**
 * A file that changed after it was taken is read again once it has stood still for as long as a file in the inbox has to. Until
 * then throws `FILE_CHANGED`: who writes slowly would have half of a file taken for all of it.
 */
export async function mustStandStill(ctx: RunContext, processing: Processing): Promise<void> {
  const { ledger, job, io } = ctx;
  const mark = markOf(processing);
  const since = watchMark(ledger, job.id, mark);
  if (since === undefined || processing.takenPath.startsWith(LOCAL)) return;
  const there = await ctx.remote.stat(processing.takenPath);
  const now = io.now();
  const same = there?.size === processing.size && there.mtime === processing.mtime;
  // Where it is gone, the next step says so. A clock that was set back measures anew.
  if (there === undefined || (same && now >= since && now - since >= job.source.stable.for)) {
    dropWatchMark(ledger, job.id, mark);
    return;
  }
  if (!same) updateProcessing(ledger, processing.id, { size: there.size, mtime: there.mtime });
  if (!same || now < since) noteChanged(ctx, processing);
  throw new TransferError(
    'FILE_CHANGED',
    `${processing.name} changed after it was taken, and has not stood still for ${job.source.stable.for / 1000} s since`,
    { retryable: true, hint: 'it is read once it has; ask the sender to write under another name and rename' },
  );
}
