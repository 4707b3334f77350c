import { withDecisionOptions } from './decision-options.ts';
import type { Register } from './registry.ts';

export const registerRelease: Register = (program, exit) => {
  withDecisionOptions(
    program
      .command('release')
      .argument('<file-or-job>', 'a file (its name, p12, or the beginning of its SHA-256), or the id of a job')
      .description('Sends held rows, or a file that is held as a whole, after all.')
      .option('--code <code>', 'only rows and files that are held with this code')
      .option('--line <n>', 'only the row on this line of the file'),
    'rows would leave',
  )
    .addHelpText(
      'after',
      `
A row is held with UNKNOWN_DELIVERY because nobody knows whether Extole has it. Releasing it says that sending it again is
right: look its key up at Extole first. Works while the daemon runs, which then does it. Giving it twice is harmless.

Example:
  referry held account-openings
  referry release p12 --dry-run
  referry release p12 --code UNKNOWN_DELIVERY --reason "looked up at Extole: none of them is there"`,
    )
    .action(async (said: string, _: unknown, command) => {
      const { decide } = await import('./decide.ts');
      const { scopeOf } = await import('./file-or-job.ts');
      const { RELEASE, release } = await import('../schedule/verbs/decisions.ts');
      const options: { code?: string; line?: string; jobs?: string } = command.optsWithGlobals();
      const wording = { verb: 'release', would: 'rows would leave', done: 'released' };
      exit(await decide(RELEASE, release, wording, (ledger) => scopeOf(ledger, said, options), options));
    });
};
