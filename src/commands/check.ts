import type { JobProblem } from '../jobs/load.ts';
import type { Job } from '../jobs/schema.ts';
import type { Register } from './registry.ts';

export const registerCheck: Register = (program, exit) => {
  program
    .command('check')
    .description('Checks every job file, without a network, and lists every problem.')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Each problem says file:line:column, the field, what was found, what is allowed and what to do. Exits 2 where there is an
error, 0 where there are at most warnings. Whether the connections work is for referry doctor.

Example:
  referry check --jobs /etc/referry/jobs`,
    )
    .action(async (_: unknown, command) => {
      const options: { jobs?: string; state?: string; json?: boolean } = command.optsWithGlobals();
      const { openWorld } = await import('./shared.ts');
      const { loadJobs } = await import('../jobs/load.ts');
      const { EXIT } = await import('../model.ts');
      const { settings, io } = openWorld(options);
      const { jobs, problems } = await loadJobs(settings.jobs, io.env);
      const vanished = await findVanished(settings, jobs, problems, io.env);
      const all = [...problems, ...vanished];
      const listed = await describe(jobs, io.now());
      const errors = all.filter((problem) => problem.severity === 'error').length;
      await print(listed, all, settings.jobs, options.json === true);
      exit(errors > 0 ? EXIT.usage : EXIT.ok);
    });
};

interface ListedJob {
  id: string;
  file: string;
  pipeline: string;
  schedule: string | null;
  timezone: string;
  nextFire: string | null;
  lane: string;
  events: readonly string[];
}

async function describe(jobs: readonly Job[], now: number): Promise<ListedJob[]> {
  const { nextDue } = await import('../schedule/due.ts');
  const { possibleNames } = await import('../mapping/compile.ts');
  return jobs.map((job) => ({
    id: job.id,
    file: job.path,
    pipeline: job.pipeline,
    schedule: job.schedule ?? null,
    timezone: job.timezone,
    nextFire: job.schedule === undefined ? null : new Date(nextDue(job.schedule, job.timezone, now)).toISOString(),
    lane: laneOf(job),
    events: possibleNames(job.event),
  }));
}

function laneOf(job: Job): string {
  if (job.pipeline === 'sync-segment') return 'members';
  return job.pipeline === 'export-share-links' ? (job.links.bulk?.lane ?? 'links') : job.destination.extole.lane;
}

/** A job that the ledger has unfinished rows of, and that no file names any more. A broken file keeps its id. */
async function findVanished(
  settings: { jobs: string; ledger: string },
  jobs: readonly Job[],
  problems: readonly JobProblem[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<JobProblem[]> {
  const { openLedgerForReading } = await import('../ledger/open.ts');
  const { unfinishedByJob } = await import('../ledger/status.ts');
  const { checkVanished } = await import('../jobs/check.ts');
  const { readRawJob } = await import('./raw-job.ts');
  const { note } = await import('./print.ts');
  let known: { job: string; open: number }[];
  try {
    const ledger = await openLedgerForReading(settings.ledger);
    if (!ledger) return [];
    try {
      known = unfinishedByJob(ledger);
    } finally {
      await ledger.close();
    }
  } catch (error) {
    // The jobs can be checked without it; `status` and `doctor` say what is wrong with the ledger.
    note(`the ledger was not looked at: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  const loaded = new Set(jobs.map(({ id }) => id));
  const brokenFiles = new Set(problems.filter(({ file }) => /\.ya?ml$/i.test(file)).map(({ file }) => file));
  for (const file of brokenFiles) loaded.add((await readRawJob(file, env)).id);
  return checkVanished(
    jobs,
    known.filter(({ job }) => !loaded.has(job)),
  ).map(({ message, hint }) => ({
    file: settings.jobs,
    line: 1,
    column: 1,
    field: 'id',
    message,
    hint,
    severity: 'error',
  }));
}

async function print(
  jobs: readonly ListedJob[],
  problems: readonly JobProblem[],
  folder: string,
  json: boolean,
): Promise<void> {
  const { count, say, sayJson, table } = await import('./print.ts');
  const { clockTime } = await import('../reports/words.ts');
  const { visible } = await import('../reports/visible.ts');
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  if (json) {
    sayJson({ ok: errors === 0, folder, jobs, problems });
    return;
  }
  for (const problem of problems) {
    const { file, line, column, field, found, message, hint, severity } = problem;
    const said = found === undefined ? message : `found ${found}; ${message}`;
    say(visible(`${file}:${line}:${column}: ${severity}: ${field === '' ? '' : `${field}: `}${said}`));
    if (hint !== undefined) say(visible(`    -> ${hint}`));
  }
  if (problems.length > 0) say();
  const rows = jobs.map((job) => [
    `ok  ${job.id}`,
    job.pipeline,
    `lane ${job.lane}`,
    job.schedule === null ? 'by hand only' : `"${job.schedule}" ${job.timezone}`,
    job.nextFire === null ? '' : `next ${clockTime(job.nextFire, job.timezone)}`,
  ]);
  for (const line of table(rows)) say(line);
  const warnings = problems.length - errors;
  say(`${count(jobs.length, 'good job')}, ${count(errors, 'error')}, ${count(warnings, 'warning')}`);
}
