import type { Register } from './registry.ts';

export const registerForget: Register = (program, exit) => {
  program
    .command('forget')
    .argument(
      '<e-mail>',
      "a person's e-mail address; - reads it from standard input, where no list of processes shows it",
    )
    .description('Removes a person from staged files, local results and reports; says what it cannot reach.')
    .option('--yes', 'do it; without it, only say what would go')
    .option('--reason <text>', 'why; kept with your name and the time. Default: the person asked for it')
    .option('--by <name>', 'who decides; default: the user of the operating system')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Staged copies of files that the address stands in go as a whole, as prune would do it later; in results files of this machine the rows
keep their outcome and lose their input columns. A file whose rows are not all final is left whole: give the command again
then (exit code 3); so too once a job file that has an error, or is gone, is right again. What is known of keys stays, as a hash, so that no row of the person is sent again. Files on
servers, what Extole has, and backups are not touched: they are listed. Giving it twice is harmless.

Example:
  referry forget ana.diaz@example.com
  referry forget ana.diaz@example.com --yes --reason "request 2026-118"`,
    )
    .action(async (said: string, _: unknown, command) => {
      const { forgetPerson } = await import('./forget-person.ts');
      exit(await forgetPerson(said, command.optsWithGlobals()));
    });
};
