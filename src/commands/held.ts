import type { Register } from './registry.ts';

export const registerHeld: Register = (program, exit) => {
  program
    .command('held')
    .argument('[job]', 'id of the job; default: all')
    .description('Lists everything that waits for a person, with the commands that get it out.')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Files held as a whole, held rows, rows that failed for too long, rows in conflict, and exports of share links that have shrunk. Only reads, and works while the daemon
runs. What is held for longer than held.maxAge (30 days) is rejected as EXPIRED.

Example:
  referry held account-openings`,
    )
    .action(async (job: string | undefined, _: unknown, command) => {
      const { openWorld } = await import('./shared.ts');
      const { openLedgerForReading } = await import('../ledger/open.ts');
      const { collectHeld } = await import('./collect-held.ts');
      const { printHeld } = await import('./print-files.ts');
      const { sayJson } = await import('./print.ts');
      const options: { jobs?: string; state?: string; json?: boolean } = command.optsWithGlobals();
      const { settings, io } = openWorld(options);
      const ledger = await openLedgerForReading(settings.ledger);
      try {
        const waits = ledger ? await collectHeld(ledger, settings.state, job) : [];
        if (options.json) sayJson({ waiting: waits });
        else printHeld(waits, io.now());
      } finally {
        await ledger?.close();
      }
      exit(0);
    });
};
