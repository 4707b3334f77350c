import { lastFire, rememberFire } from '../../ledger/schedules.ts';
import { TransferError } from '../../model.ts';
import type { RunContext } from './context.ts';
import { listOrNone } from './restored-files.ts';

const DAY = 86_400_000;
/** The hidden name under which we write before we rename. */
const TEMPORARY = /^\..+\.[0-9a-f]{12}\.part$/;

/**
 * Removes hidden files that runs which died have left of their reports and results, once a day. A run that goes on writes the same
 * name again; a report is written with other bytes, so what is left of it meets nobody.
 */
export async function sweepRemote(ctx: RunContext): Promise<void> {
  const { job, ledger, io, remote } = ctx;
  const mark = `/swept/${job.id}`;
  if (io.now() - (lastFire(ledger, mark) ?? 0) < DAY) return;
  for (const folder of new Set([job.report.reports, job.report.to])) {
    for (const { name, mtime } of await listOrNone(ctx, folder)) {
      const ours = name.startsWith(`.${job.id}.`) || name.includes('.results.');
      if (!ours || !TEMPORARY.test(name) || io.now() - mtime < DAY) continue;
      try {
        await remote.remove(`${folder}/${name}`);
      } catch (error) {
        if (!(error instanceof TransferError)) throw error;
        io.log.warn(
          { job: job.id, code: error.code },
          `a leftover in ${folder} could not be removed: ${error.message}`,
        );
      }
    }
  }
  rememberFire(ledger, mark, io.now());
}
