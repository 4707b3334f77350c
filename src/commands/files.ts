import type { Register } from './registry.ts';

export const registerFiles: Register = (program, exit) => {
  program
    .command('files')
    .argument('[job]', 'id of the job')
    .description('Lists the files that a job has taken up: their states, their counts, and where their results are.')
    .option('--all', 'of all jobs')
    .option('--only <state>', 'only these: open, processed, held, refused or repeat')
    .option('--since <time>', 'only files taken up since then: 6h, 2d, or 2026-11-20T06:00Z')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The number in the first column names a file for release, reject, reprocess and the others. Only reads, and works while the
daemon runs.

Example:
  referry files account-openings --since 2d
  referry files --all --only held`,
    )
    .action(async (job: string | undefined, _: unknown, command) => {
      const { listKnown } = await import('./list-files.ts');
      exit(await listKnown(job, command.optsWithGlobals()));
    });
};
