import { freshToken } from '../../jobs/fresh-token.ts';
import type { RunResult } from '../../pipelines/files/run-job.ts';
import { runPipeline } from '../../pipelines/run-pipeline.ts';
import { readJob } from '../jobs.ts';
import type { Verb } from '../verb.ts';
import { exitCodeOf } from './run.ts';

export interface RetryRequest {
  verb: 'retry';
  job: string;
}

/** What earlier runs left failed or open, and no new file. */
export const retry: Verb<RetryRequest, RunResult> = {
  name: 'retry',
  execute: async ({ job: id }, options) => {
    const job = await readJob(options.jobs, id, options.io.env);
    const result = await runPipeline({ ...options, job, retryOnly: true, refreshToken: () => freshToken(job.path) });
    return { executed: result, exitCode: exitCodeOf(result.account) };
  },
};
