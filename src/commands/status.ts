import type { Register } from './registry.ts';

export const registerStatus: Register = (program, exit) => {
  program
    .command('status')
    .description(
      'Says what is going on: who executes, what each job did last, what is open and what waits for a person.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Only reads, and works while the daemon runs. Exits 0 where nothing waits for a person, 3 where rows are held, failed or in
conflict or files are held or refused, 74 where the ledger cannot be read.

Example:
  referry status --json | jq '.jobs[] | {id, rows}'`,
    )
    .action(async (_: unknown, command) => {
      const options: { jobs?: string; state?: string; json?: boolean } = command.optsWithGlobals();
      const { openWorld } = await import('./shared.ts');
      const { collectStatus } = await import('./collect-status.ts');
      const { printStatus } = await import('./print-status.ts');
      const { sayJson } = await import('./print.ts');
      const { EXIT } = await import('../model.ts');
      const { settings, io } = openWorld(options);
      const status = await collectStatus(settings, io);
      if (options.json) sayJson(status);
      else printStatus(status, io.now());
      exit(status.attention.length > 0 ? EXIT.attention : EXIT.ok);
    });
};
