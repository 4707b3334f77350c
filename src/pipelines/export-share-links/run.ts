import type { LinksJob } from '../../jobs/schema.ts';
import type { Pipeline } from '../files/pipeline.ts';
import { type RunOptions, type RunResult, runJob } from '../files/run-job.ts';
import { afterRows } from './after-rows.ts';
import { carriersOf } from './bulk/carriers.ts';
import { linksDestination } from './destination.ts';
import { gatherCustomers } from './sources/gather.ts';

/** One execution of a job: customers become rows of a file, each row ends with a link, and links go out as files and profiles. */
export function exportShareLinks(options: Omit<RunOptions, 'pipeline'>, job: LinksJob): Promise<RunResult> {
  const { ledger, io } = options;
  const pipeline: Pipeline = {
    destination: linksDestination(job, ledger, io),
    carriers: carriersOf(job),
    inbox: job.customers.from === 'inbox',
    gather: (ctx) => gatherCustomers({ ...ctx, job }),
    afterRows: (ctx, account) => {
      const links = { destinationId: ctx.destinationId, label: job.links.label };
      return afterRows({ ...ctx, job, links }, account);
    },
  };
  return runJob({ ...options, pipeline });
}
