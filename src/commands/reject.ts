import type { Register } from './registry.ts';

export const registerReject: Register = (program, exit) => {
  program
    .command('reject')
    .argument('<file-or-job>', 'a file (its name, p12, or the beginning of its SHA-256), or the id of a job')
    .description('Ends held rows, or a file that is held as a whole, as rejected; their keys are free again.')
    .option('--code <code>', 'only rows and files with this code; also failed rows and rows in conflict')
    .option('--line <n>', 'only the row on this line of the file; also one that failed or is in conflict')
    .option('--reason <text>', 'why; kept with your name and the time')
    .option('--by <name>', 'who decides; default: the user of the operating system')
    .option('--dry-run', 'say how many rows would be rejected, and do nothing')
    .option('--expect <n>', 'the number of rows you agree to; needed for more than 100 where nobody can be asked')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The rows are OPERATOR_REJECTED in a new revision of the results file, with your reason. Another row may take their keys: if
Extole has a row after all (UNKNOWN_DELIVERY), a corrected one may count twice. Works while the daemon runs. Giving it twice is
harmless.

Example:
  referry reject p12 --dry-run
  referry reject p12 --line 44 --reason "the branch withdrew this account"`,
    )
    .action(async (said: string, _: unknown, command) => {
      const { decide, lineOption } = await import('./decide.ts');
      const { fileOrJob } = await import('./file-or-job.ts');
      const { REJECT, reject } = await import('../schedule/verbs/decisions.ts');
      const options: { code?: string; line?: string; jobs?: string } = command.optsWithGlobals();
      const { code } = options;
      const wording = { verb: 'reject', would: 'rows would be rejected', done: 'rejected' };
      exit(
        await decide(
          REJECT,
          reject,
          wording,
          (ledger) => ({
            ...fileOrJob(ledger, said, options.line !== undefined),
            ...(code === undefined ? {} : { code }),
            ...lineOption(options.line),
          }),
          options,
        ),
      );
    });
};
