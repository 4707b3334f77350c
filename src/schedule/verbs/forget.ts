import { loadJobs } from '../../jobs/load.ts';
import { openPerson } from '../../ledger/forget.ts';
import { EXIT } from '../../model.ts';
import { type ForgetAccount, forget as remove } from '../../pipelines/files/forget/forget.ts';
import type { Verb } from '../verb.ts';

export interface ForgetRequest {
  verb: 'forget';
  /** The address, sealed under a key of this ledger: a request stays in it until it is answered. */
  person: string;
  dryRun: boolean;
  reason: string;
  by: string;
  host: string;
}

/** Removes a person. It is about all jobs, so nothing else runs meanwhile. */
export const forget: Verb<ForgetRequest, ForgetAccount> = {
  name: 'forget',
  execute: async ({ person, dryRun, reason, by, host }, options) => {
    const { ledger, io, state } = options;
    const { jobs } = await loadJobs(options.jobs, io.env);
    const email = openPerson(ledger, person);
    const crashPoint = options.crashPoint ?? (() => {});
    const requestId = options.requestId ?? null;
    const account = await remove({ ledger, io, state, jobs, email, dryRun, reason, by, host, requestId, crashPoint });
    return { executed: account, exitCode: account.done ? EXIT.ok : EXIT.attention };
  },
};
