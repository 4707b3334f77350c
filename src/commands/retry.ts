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
      const { performAndPrint, printRun } = await import('./perform-and-print.ts');
      const { retry } = await import('../schedule/verbs/retry.ts');
      exit(await performAndPrint(retry, { verb: 'retry', job }, command.optsWithGlobals(), printRun));
    });
};
