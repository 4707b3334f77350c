import { withDecisionOptions } from './decision-options.ts';
import type { Register } from './registry.ts';

export const registerReprocess: Register = (program, exit) => {
  withDecisionOptions(
    program
      .command('reprocess')
      .argument('<file>', 'the file: its name, p12, or the beginning of its SHA-256')
      .description('Judges the same contents again under the job as it is now, and sends what was never delivered.'),
    'rows would leave',
  )
    .addHelpText(
      'after',
      `
For when the job was wrong: correct it, then reprocess the file. Rows that were delivered are duplicates; those that were
rejected, failed or in conflict are judged anew; held ones stay with the earlier pass. Works for refused files too. The results
get a name of their own. If the correction changes keys, rows count as new: look with --dry-run first. A file of members is
refused where a later one of the same segment was synced.

Example:
  referry reprocess account-openings-20261120.csv --dry-run
  referry reprocess p12 --reason "the date format of the new export is set now"`,
    )
    .action(async (said: string, _: unknown, command) => {
      const { decide } = await import('./decide.ts');
      const { findFile } = await import('../ledger/known-files.ts');
      const { REPROCESS, reprocess } = await import('../schedule/verbs/decisions.ts');
      const wording = { verb: 'reprocess', would: 'rows would leave', done: 'to be sent' };
      exit(
        await decide(
          REPROCESS,
          reprocess,
          wording,
          (ledger) => {
            const { job, processing } = findFile(ledger, said);
            return { job, processingId: processing };
          },
          command.optsWithGlobals(),
        ),
      );
    });
};
