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
  const { job } = ctx;
  const folders = new Set([job.report.reports, job.report.to]);
  const isOurs = (name: string): boolean => name.startsWith(`.${job.id}.`) || name.includes('.results.');
  await sweepDaily(ctx, job.id, folders, isOurs);
}

type SweepContext = Pick<RunContext, 'ledger' | 'io' | 'remote' | 'signal'> & { job: Pick<RunContext['job'], 'id'> };

/** The same for any folders in which we write. `of`: names them, among all that are swept. */
export async function sweepDaily(
  ctx: SweepContext,
  of: string,
  folders: Iterable<string>,
  isOurs: (name: string) => boolean,
): Promise<void> {
  const { job, ledger, io, remote } = ctx;
  const mark = `/swept/${of}`;
  if (io.now() - (lastFire(ledger, mark) ?? 0) < DAY) return;
  /** All that matters is in place. */
  const orTold = async (folder: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      io.log.warn({ job: job.id, code: error.code }, `leftovers in ${folder} could not be removed: ${error.message}`);
    }
  };
  for (const folder of folders)
    await orTold(folder, async () => {
      for (const { name, mtime } of await listOrNone(ctx, folder)) {
        if (!isOurs(name) || !TEMPORARY.test(name) || io.now() - mtime < DAY) continue;
        // One that may not be removed keeps none of the others.
        await orTold(folder, () => remote.remove(`${folder}/${name}`));
      }
    });
  rememberFire(ledger, mark, io.now());
}
