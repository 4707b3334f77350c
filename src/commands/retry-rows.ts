import { findFile } from '../ledger/known-files.ts';
import type { Ledger } from '../ledger/open.ts';
import type { Decided } from '../schedule/decide.ts';
import { RETRY, retryRows as verb } from '../schedule/verbs/decisions.ts';
import { type DecideOptions, decide, type Scope } from './decide.ts';
import { momentOf } from './moment.ts';
import { printRun } from './perform-and-print.ts';
import { count, say } from './print.ts';
import { runJson } from './run.ts';
import { openWorld } from './shared.ts';

export interface RetryOptions extends DecideOptions {
  file?: string;
  because?: string;
  since?: string;
}

/** Tries failed and open rows again, all of them or some, and gives the exit code. */
export async function retryRows(job: string, options: RetryOptions): Promise<number> {
  const since = options.since === undefined ? {} : { since: momentOf(options.since, openWorld(options).io.now()) };
  const find = (ledger: Ledger): Scope => ({
    job,
    ...since,
    ...(options.because === undefined ? {} : { code: options.because }),
    ...(options.file === undefined ? {} : { processingId: findFile(ledger, options.file, job).processing }),
  });
  const wording = { verb: 'retry', would: 'rows would be tried again', done: 'tried again' };
  return decide(RETRY, verb, wording, find, { reason: 'tried again by hand', ...options }, (decided) =>
    print(job, decided, options.json === true),
  );
}

/** The run, as `run` prints it. */
function print(job: string, { run, decision, rows, nothing }: Decided, json: boolean): void {
  if (json)
    say(
      JSON.stringify({ ...(run ? runJson(run.account, run.reportPath) : { job }), decision: decision ?? null, rows }),
    );
  else if (run === undefined) say(`${job}: ${nothing ?? 'no such row is failed or open'}; nothing was done`);
  else {
    if (decision !== undefined) say(`${count(rows, 'row')} to try again: decision d${decision}`);
    printRun(run, false);
  }
}
