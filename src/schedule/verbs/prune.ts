import { loadJobs } from '../../jobs/load.ts';
import { EXIT } from '../../model.ts';
import { type PruneAccount, prune as remove } from '../../pipelines/files/prune.ts';
import type { Verb } from '../verb.ts';

export interface PruneRequest {
  verb: 'prune';
  dryRun: boolean;
}

/** Removes what was kept for long enough. It is about all jobs, so nothing else runs meanwhile. */
export const prune: Verb<PruneRequest, PruneAccount> = {
  name: 'prune',
  execute: async ({ dryRun }, options) => {
    const { jobs, problems } = await loadJobs(options.jobs, options.io.env);
    const someBroken = problems.some(({ severity }) => severity === 'error');
    const account = await remove({ ...options, jobs, someBroken, dryRun });
    const { staged, leftovers, keys } = account;
    if (!dryRun) options.io.log.info({ staged: staged.files, leftovers: leftovers.files, keys }, 'pruned');
    return { executed: account, exitCode: EXIT.ok };
  },
};
