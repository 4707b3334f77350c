import { join } from 'node:path';
import { freshToken } from '../jobs/fresh-token.ts';
import type { Job } from '../jobs/schema.ts';
import { dueLooks, lookForAnswers } from '../pipelines/files/by-file/late-answers.ts';
import { loginWatch } from '../pipelines/files/logins.ts';
import { runPipeline } from '../pipelines/run-pipeline.ts';
import type { ExecuteOptions } from './verb.ts';

/** Whether files of a job wait for an answer at which it is time to look. */
export function answersAreDue(job: Job, { ledger, io }: Pick<ExecuteOptions, 'ledger' | 'io'>): boolean {
  return dueLooks({ ledger, job, io }).length > 0;
}

/**
 * Between the runs of a job: looks for the answers to files that were sent. Only where there is one is there a run, of those files
 * alone: it takes nothing new from the inbox.
 */
export async function fetchAnswers(job: Job, options: ExecuteOptions): Promise<void> {
  const { ledger, io, signal, state, crashPoint = () => {} } = options;
  const refreshToken = (): string | undefined => freshToken(job.path);
  // All pipelines: loaded once an answer is looked for.
  const { carriersOf, destinationOf } = await import('../pipelines/registry.ts');
  const changed = await lookForAnswers({
    job,
    ledger,
    io,
    signal,
    staging: join(state, 'staging'),
    destination: destinationOf(job, ledger, io),
    carriers: carriersOf(job),
    refreshToken,
    logins: loginWatch(ledger, io, { byHand: false }),
    crashPoint,
  });
  if (changed.length === 0) return;
  io.log.info({ job: job.id, files: changed.length }, 'answers came to files that were sent');
  await runPipeline({ ...options, job, refreshToken, only: new Map(changed.map((id) => [id, 'all'])) });
}
