import type { Restored } from '../ledger/restore.ts';
import type { RunResult } from '../pipelines/files/run-job.ts';
import type { Register } from './registry.ts';

interface Options {
  jobs?: string;
  state?: string;
  replace?: boolean;
  json?: boolean;
}

export const registerRestore: Register = (program, exit) => {
  program
    .command('restore')
    .argument('<backup>', 'path of a backup: ledger-<id>-<time>.sqlite')
    .description('Puts a backup in the place of a lost or damaged ledger, and finds out what happened since.')
    .option('--replace', 'also where there is a ledger: it is kept aside under another name')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Stop the daemon first. Nothing is sent: each job looks for the files that were taken since the backup was made, takes over what their
results files say, and holds every other row of them as LEDGER_RESTORED until a person releases it. A job that cannot be reached
now does this before its next run.

Exits 0 where nothing is held, 3 where rows are, 4 where a job could not look yet.

Example:
  referry restore /mnt/backup/referry/ledger-1f2e3d4c-20261121T030000Z.sqlite`,
    )
    .action(async (backup: string, _: unknown, command) => {
      const options: Options = command.optsWithGlobals();
      const { join, resolve } = await import('node:path');
      const { openWorld, stopSignal } = await import('./shared.ts');
      const { restoreLedger } = await import('../ledger/restore.ts');
      const { loadJobs } = await import('../jobs/load.ts');
      const { crashPointFrom } = await import('../schedule/crash-point.ts');
      const { sayJson } = await import('./print.ts');
      const { EXIT } = await import('../model.ts');
      const { settings, io } = openWorld(options);
      const stop = stopSignal();
      const restored = await restoreLedger(settings.ledger, resolve(backup), {
        replace: options.replace === true,
        staging: join(settings.state, 'staging'),
        now: io.now(),
        crashPoint: crashPointFrom(io),
      });
      if (!options.json) await tell(restored);
      const looked: Looked[] = [];
      const { jobs, problems } = await loadJobs(settings.jobs, io.env);
      for (const { id } of jobs) {
        const its = await look(id, { settings, io, signal: stop.signal, progress: () => {} });
        looked.push(its);
        if (!options.json) await tellJob(its);
      }
      stop.dispose();
      const broken = problems.filter(({ severity }) => severity === 'error').length;
      if (options.json) sayJson({ ...restored, jobs: looked, jobFileErrors: broken });
      else await tellRest(looked, broken);
      if (broken > 0 || looked.some(({ problem }) => problem !== null)) exit(EXIT.unreachable);
      else exit(looked.some(({ held }) => held > 0) ? EXIT.attention : EXIT.ok);
    });
};

/** What a job found of the lost time. */
interface Looked {
  job: string;
  files: number;
  delivered: number;
  held: number;
  /** Why it could not look yet. */
  problem: string | null;
}

/** The same that the job's next run would do first; no new file is taken. */
async function look(job: string, options: Parameters<typeof import('./perform.ts').perform>[2]): Promise<Looked> {
  const { perform } = await import('./perform.ts');
  const { recover } = await import('../schedule/verbs/recover.ts');
  try {
    const { executed } = await perform(recover, { verb: 'recover', job }, options);
    const { account }: RunResult = executed;
    // Of whole files: the run itself counts only what it moved.
    const sum = (outcome: 'delivered' | 'held'): number =>
      account.files.reduce((n, { counts }) => n + counts[outcome], 0);
    const [delivered, held] = [sum('delivered'), sum('held')];
    const problem = account.halted ? `${account.halted.code}: ${account.halted.reason}` : null;
    return { job, files: account.files.length, delivered, held, problem };
  } catch (error) {
    if (options.signal.aborted) throw error;
    return { job, files: 0, delivered: 0, held: 0, problem: error instanceof Error ? error.message : String(error) };
  }
}

async function tell({ ledger, madeAt, keptAs }: Restored): Promise<void> {
  const { say } = await import('./print.ts');
  say(`restored the ledger ${ledger} as it was at ${madeAt}`);
  for (const path of keptAs) say(`the one that was there is kept as ${path}`);
}

async function tellJob({ job, files, delivered, held, problem }: Looked): Promise<void> {
  const { count, say } = await import('./print.ts');
  if (problem !== null) say(`${job}: could not look yet, and does so before its next run: ${problem}`);
  else if (files === 0) say(`${job}: no file of the time since`);
  else
    say(
      `${job}: ${count(files, 'file')} of the time since; ${count(delivered, 'row')} delivered by their results, ${held} held`,
    );
}

async function tellRest(looked: readonly Looked[], broken: number): Promise<void> {
  const { say } = await import('./print.ts');
  if (broken > 0) say('The job files have errors (referry check): those jobs look before their next run.');
  if (looked.some(({ held }) => held > 0)) say('Held rows wait for a person: referry held');
}
