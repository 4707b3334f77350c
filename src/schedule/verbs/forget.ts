import { formatProblem, type JobProblem, loadJobs } from '../../jobs/load.ts';
import { isNotifyFile } from '../../jobs/notify-file.ts';
import { openPerson } from '../../ledger/forget.ts';
import { EXIT } from '../../model.ts';
import { type ForgetAccount, forget as remove, type Unsearched } from '../../pipelines/files/forget/forget.ts';
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
    const { jobs, problems } = await loadJobs(options.jobs, io.env);
    const email = openPerson(ledger, person);
    const crashPoint = options.crashPoint ?? (() => {});
    const requestId = options.requestId ?? null;
    const of = { jobs, unreadJobs: unreadOf(problems) };
    const account = await remove({ ledger, io, state, ...of, email, dryRun, reason, by, host, requestId, crashPoint });
    return { executed: account, exitCode: account.done ? EXIT.ok : EXIT.attention };
  },
};

/** What the files hold says which folders are searched: of one with an error none are. */
function unreadOf(problems: readonly JobProblem[]): Unsearched[] {
  const errors = problems.filter(({ file, severity }) => severity === 'error' && !isNotifyFile(file));
  const first = new Map(errors.toReversed().map((problem) => [problem.file, problem]));
  return [...first].reverse().map(([what, problem]) => ({
    what,
    why: `its job was not asked, so that its folders were not searched, nor its server and tools named: put it right, then give this command again; ${formatProblem(problem)}`,
  }));
}
