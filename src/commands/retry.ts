import type { Register } from './registry.ts';

export const registerRetry: Register = (program, exit) => {
  program
    .command('retry')
    .argument('<job>', 'id of the job')
    .description('Tries the failed and open rows of a job again now, without taking up new files.')
    .option('--json', 'print one JSON object, as run does')
    .addHelpText(
      'after',
      `
Every run does this first, before it takes up new files. A new revision of the results file (.r2, .r3, ...) follows where
anything changed.

Example:
  referry retry account-openings`,
    )
    .action(async (job: string, _: unknown, command) => {
      const { performAndPrint } = await import('./perform-and-print.ts');
      exit(await performAndPrint({ verb: 'retry', job }, command.optsWithGlobals()));
    });
};
