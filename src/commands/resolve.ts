import { withDecisionOptions } from './decision-options.ts';
import type { Register } from './registry.ts';

export const registerResolve: Register = (program, exit) => {
  withDecisionOptions(
    program
      .command('resolve')
      .argument('<key>', 'the key that several rows of one file have')
      .description('Picks one of several conflicting rows of a file: it is sent, the others are not.')
      .requiredOption('--line <n>', 'the line to send')
      .option(
        '--file <file>',
        'the file (its name, p12, or the beginning of its SHA-256), where the key is in conflict in several',
      ),
    'rows would leave',
  )
    .addHelpText(
      'after',
      `
The other rows stay in conflict, and their reason says which line was picked. A key that was delivered is never sent again: then
this says so, and what can be done. Works while the daemon runs. Giving it twice is harmless.

Example:
  referry held account-openings
  referry resolve APP-0012345 --line 4 --reason "the branch confirmed the second amount"
  referry resolve --line 4 --reason "..." -- -0012345     a key that begins with a dash`,
    )
    .action(async (key: string, _: unknown, command) => {
      const { decide, lineOption } = await import('./decide.ts');
      const { findConflict } = await import('./find-conflict.ts');
      const { RESOLVE, resolve } = await import('../schedule/verbs/decisions.ts');
      const options: { line?: string; file?: string; jobs?: string; state?: string } = command.optsWithGlobals();
      const { openWorld } = await import('./shared.ts');
      const { settings } = openWorld(options);
      const wording = { verb: 'resolve', would: 'rows would leave', done: 'picked' };
      exit(
        await decide(
          RESOLVE,
          resolve,
          wording,
          (ledger) => ({ ...findConflict(ledger, settings, key, options.file), ...lineOption(options.line) }),
          options,
        ),
      );
    });
};
