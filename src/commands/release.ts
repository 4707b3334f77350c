import { withDecisionOptions } from './decision-options.ts';
import type { Register } from './registry.ts';

export const registerRelease: Register = (program, exit) => {
  withDecisionOptions(
    program
      .command('release')
      .argument(
        '<file-or-job>',
        'a file (its name, p12, or the beginning of its SHA-256), an export of share links (e12), or the id of a job',
      )
      .description('Sends held rows, a file that is held as a whole, or an export that has shrunk, after all.')
      .option('--code <code>', 'only rows and files that are held with this code')
      .option('--line <n>', 'only the row on this line of the file'),
    'rows would leave',
  )
    .addHelpText(
      'after',
      `
A row is held with UNKNOWN_DELIVERY because nobody knows whether Extole has it. Releasing it says that sending it again is
right: look its key up at Extole first. A membership file, or what is held of it (SEGMENT_SHRINKS and the like), is released as a whole: it is then
applied to its segments, whatever the guards say; --dry-run first. An export of share links is held with EXPORT_SHRUNK because it has far fewer rows than the
one before; released, it is made anew and replaces that one. Works while the daemon runs, which then does it. Giving it twice is harmless.

Example:
  referry held account-openings
  referry release p12 --dry-run
  referry release e7 --reason "the customers of the closed branch are gone"
  referry release p12 --code UNKNOWN_DELIVERY --reason "looked up at Extole: none of them is there"`,
    )
    .action(async (said: string, _: unknown, command) => {
      const { decide } = await import('./decide.ts');
      const { exportOr, scopeOf } = await import('./file-or-job.ts');
      const { RELEASE, release } = await import('../schedule/verbs/decisions.ts');
      const options: { code?: string; line?: string; jobs?: string } = command.optsWithGlobals();
      const wording = { verb: 'release', would: 'rows would leave', done: 'released' };
      exit(
        await decide(
          RELEASE,
          release,
          wording,
          (ledger) => exportOr(ledger, said) ?? scopeOf(ledger, said, options),
          options,
        ),
      );
    });
};
