import { freshToken } from '../../jobs/fresh-token.ts';
import type { RunResult } from '../../pipelines/files/run-job.ts';
import { runPipeline } from '../../pipelines/run-pipeline.ts';
import { readJob } from '../jobs.ts';
import type { Verb } from '../verb.ts';
import { exitCodeOf } from './run.ts';

export interface RecoverRequest {
  verb: 'recover';
  job: string;
}

/** After a restore: a job looks for its files of the time since the backup, and takes no new one. A run does the same first. */
export const recover: Verb<RecoverRequest, RunResult> = {
  name: 'recover',
  execute: async ({ job: id }, options) => {
    const job = await readJob(options.jobs, id, options.io.env);
    const result = await runPipeline({ ...options, job, retryOnly: true, refreshToken: () => freshToken(job.path) });
    return { executed: result, exitCode: exitCodeOf(result.account) };
  },
};
