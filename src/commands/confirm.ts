import { withDecisionOptions } from './decision-options.ts';
import type { Register } from './registry.ts';

export const registerConfirm: Register = (program, exit) => {
  withDecisionOptions(
    program
      .command('confirm')
      .argument('<file>', 'the file: its name, p12, or the beginning of its SHA-256')
      .description(
        'Says that Extole has rows: those of a file that was uploaded by hand, or held ones that were found there.',
      )
      .option('--results <path>', 'the results file as My Extole has it: it answers row by row')
      .option('--line <n>', 'the held row on this line was found at Extole')
      .option('--code <code>', 'all rows that are held with this code were found at Extole'),
    'rows would count as delivered',
  )
    .addHelpText(
      'after',
      `
For the lane folder (held with AWAITS_UPLOAD), and for uploads whose answer never came. Without --results every row counts as
delivered. Rows that the results do not speak of stay held. With --line or --code: for rows whose answer was lost
(UNKNOWN_DELIVERY) and that a person has found in My Extole. Works while the daemon runs, which must be able to read the
results file. Giving it twice is harmless.

Example:
  referry confirm p12 --results ~/Downloads/acme_events_results.csv --reason "uploaded in My Extole, job 4711"
  referry confirm p12 --reason "My Extole says: 5,000 of 5,000 processed" --expect 5000
  referry confirm p12 --line 44 --reason "My Extole shows it, event 7465311000000000006"`,
    )
    .action(async (said: string, _: unknown, command) => {
      const { resolve } = await import('node:path');
      const { decide, lineOption } = await import('./decide.ts');
      const { findFile } = await import('../ledger/known-files.ts');
      const { CONFIRM, confirm } = await import('../schedule/verbs/decisions.ts');
      const options: { results?: string; line?: string; code?: string; jobs?: string } = command.optsWithGlobals();
      const path = options.results === undefined ? {} : { path: resolve(options.results) };
      const wording = { verb: 'confirm', would: 'rows would get their answer', done: 'confirmed' };
      exit(
        await decide(
          CONFIRM,
          confirm,
          wording,
          (ledger) => {
            const { job, processing } = findFile(ledger, said);
            const code = options.code === undefined ? {} : { code: options.code };
            return { job, processingId: processing, ...path, ...code, ...lineOption(options.line) };
          },
          options,
        ),
      );
    });
};
