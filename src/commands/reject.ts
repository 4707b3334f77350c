import { withDecisionOptions } from './decision-options.ts';
import type { Register } from './registry.ts';

export const registerReject: Register = (program, exit) => {
  withDecisionOptions(
    program
      .command('reject')
      .argument('<file-or-job>', 'a file (its name, p12, or the beginning of its SHA-256), or the id of a job')
      .description('Ends held rows, or a file that is held as a whole, as rejected; their keys are free again.')
      .option('--code <code>', 'only rows and files with this code; also failed rows and rows in conflict')
      .option('--line <n>', 'only the row on this line of the file; also one that failed or is in conflict'),
    'rows would be rejected',
  )
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
      const { decide } = await import('./decide.ts');
      const { scopeOf } = await import('./file-or-job.ts');
      const { REJECT, reject } = await import('../schedule/verbs/decisions.ts');
      const options: { code?: string; line?: string; jobs?: string } = command.optsWithGlobals();
      const wording = { verb: 'reject', would: 'rows would be rejected', done: 'rejected' };
      exit(await decide(REJECT, reject, wording, (ledger) => scopeOf(ledger, said, options), options));
    });
};
