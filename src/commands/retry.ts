import type { Register } from './registry.ts';

export const registerRetry: Register = (program, exit) => {
  program
    .command('retry')
    .argument('<job>', 'id of the job')
    .description('Tries the failed and open rows of a job again now, without taking up new files.')
    .option('--file <file>', 'only of this file: its name, p12, or the beginning of its SHA-256')
    .option('--because <code>', 'only rows that failed with this code, such as HTTP_408')
    .option('--since <time>', 'only rows that failed since then: 6h, 2d, or 2026-11-20T06:00Z')
    .option(
      '--reason <text>',
      'why; kept with your name and the time. Not needed: every run tries these rows by itself',
    )
    .option('--by <name>', 'who decides; default: the user of the operating system')
    .option('--dry-run', 'say how many rows would leave, and do nothing')
    .option('--expect <n>', 'the number of rows you agree to; needed for more than 100 where nobody can be asked')
    .option('--json', 'print one JSON object, as run does')
    .addHelpText(
      'after',
      `
Every run does this first, before it takes up new files. A new revision of the results file (.r2, .r3, ...) follows where
anything changed. Profiles that a push has given up (FAILED_TOO_LONG) are sent again as well; no run does that by itself.

Example:
  referry retry account-openings
  referry retry account-openings --because HTTP_408 --since 6h --dry-run`,
    )
    .action(async (job: string, _: unknown, command) => {
      const { retryRows } = await import('./retry-rows.ts');
      exit(await retryRows(job, command.optsWithGlobals()));
    });
};
