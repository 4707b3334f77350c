import type { LinksJob } from '../../jobs/schema.ts';
import type { LinkPlace } from '../../ledger/links.ts';
import type { Pipeline } from '../files/pipeline.ts';
import { type RunOptions, type RunResult, runJob } from '../files/run-job.ts';
import { afterRows } from './after-rows.ts';
import { carriersOf } from './bulk/carriers.ts';
import { linksDestination } from './destination.ts';
import { gatherCustomers } from './sources/gather.ts';

/** One execution of a job: customers become rows of a file, each row ends with a link, and links go out as files and profiles. */
export async function exportShareLinks(options: Omit<RunOptions, 'pipeline'>, job: LinksJob): Promise<RunResult> {
  const { ledger, io } = options;
  const gather: Pipeline['gather'] = (ctx) => gatherCustomers({ ...ctx, job, links: linksOf(ctx, job) });
  const pipeline: Pipeline = {
    destination: linksDestination(job, ledger, io, options.say),
    carriers: carriersOf(job),
    inbox: job.customers.from === 'inbox',
    ...(job.customers.from === 'inbox' ? {} : { gather }),
    afterRows: (ctx, account) => afterRows({ ...ctx, job, links: linksOf(ctx, job) }, account),
  };
  const ended = new AbortController();
  try {
    const pause = pauseOf(options, job, ended.signal);
    return await runJob({ ...options, pipeline: { ...pipeline, ...(pause ? { pause } : {}) } });
  } finally {
    ended.abort();
  }
}

function linksOf({ destinationId }: { destinationId: number }, job: LinksJob): LinkPlace {
  return { destinationId, label: job.links.label };
}

/**
 * A run of the daemon that would go on for days makes room: for what waits for it, and, from time to time, for the exports and pushes
 * that come after the rows. One that somebody gave by hand goes on to its end.
 */
function pauseOf(
  { cause, io, pause }: Pick<RunOptions, 'cause' | 'io' | 'pause'>,
  { links: { runFor } }: LinksJob,
  ended: AbortSignal,
): AbortSignal | undefined {
  if (cause !== 'schedule' && cause !== 'catch-up') return undefined;
  const long = new AbortController();
  io.sleep(runFor, ended).then(
    () => long.abort(),
    () => {},
  );
  return pause ? AbortSignal.any([long.signal, pause]) : long.signal;
}
