import { EXIT } from '../../model.ts';
import { type ImportAccount, importKeys as take } from '../../pipelines/files/import-keys.ts';
import { readJob } from '../jobs.ts';
import type { Verb } from '../verb.ts';

export interface ImportKeysRequest {
  verb: 'import-keys';
  job: string;
  /** Absolute path. */
  file: string;
  event: string;
  column: string;
}

/** Keys that another system delivered become known, so that day one sends nothing again. */
export const importKeys: Verb<ImportKeysRequest, ImportAccount> = {
  name: 'import-keys',
  execute: async ({ job: id, file, event: eventName, column }, options) => {
    const job = await readJob(options.jobs, id, options.io.env);
    const account = await take({ ...options, job, file, eventName, column });
    const { balanced, rejected } = account;
    return { executed: account, exitCode: !balanced ? EXIT.internal : rejected > 0 ? EXIT.attention : EXIT.ok };
  },
};
