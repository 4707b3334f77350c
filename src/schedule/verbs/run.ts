import { freshToken } from '../../jobs/fresh-token.ts';
import { EXIT, type ExitCode, type RunAccount } from '../../model.ts';
import { mustLieInFolder } from '../../pipelines/files/inbox.ts';
import type { RunResult } from '../../pipelines/files/run-job.ts';
import { runPipeline } from '../../pipelines/run-pipeline.ts';
import { readJob } from '../jobs.ts';
import type { Verb } from '../verb.ts';

export interface RunRequest {
  verb: 'run';
  job: string;
  /** A local file instead of the inbox. */
  file?: string;
}

/** One execution of a job. */
export const run: Verb<RunRequest, RunResult> = {
  name: 'run',
  execute: async ({ job: id, file }, options) => {
    const job = await readJob(options.jobs, id, options.io.env);
    if (file !== undefined) mustLieInFolder(job, file);
    const refreshToken = (): string | undefined => freshToken(job.path);
    const result = await runPipeline({ ...options, job, refreshToken, ...(file === undefined ? {} : { file }) });
    return { executed: result, exitCode: exitCodeOf(result.account) };
  },
};

/** Whether anybody has to look. */
export function exitCodeOf(account: RunAccount): ExitCode {
  if (!account.balanced) return EXIT.internal;
  // A file that was sent, and whose answer is waited for, is as it should be. One behind a held file waits for a person, as that does.
  const stuck = account.goesOn
    ? []
    : account.files.filter((file) => file.state === 'open' && !file.awaits && !file.waitsFor);
  const { exports = [], pushes = [] } = account;
  const open = [...exports, ...pushes].filter(({ state }) => state === 'open');
  if (account.halted || stuck.length + open.length > 0) return EXIT.unreachable;
  const { conflict, failed, held } = account.counts;
  const behind = account.files.filter(({ waitsFor }) => waitsFor !== undefined).length;
  const attention = conflict + failed + held + account.seen.held + account.seen.refused + behind;
  const after =
    exports.filter(({ state }) => state === 'held').length +
    pushes.reduce((sum, { counts }) => sum + counts.failed + counts.held, 0);
  return attention + after > 0 ? EXIT.attention : EXIT.ok;
}
