import type { Register } from './registry.ts';

export const registerDaemon: Register = (program, exit) => {
  program
    .command('daemon')
    .description('Runs all jobs on their schedules until it is stopped.')
    .addHelpText(
      'after',
      `
SIGTERM or SIGINT: takes no new work, waits up to 25 s for what is on the wire, exits 0. A tick missed while it was down is
made up once; files it left unfinished are gone on with at once. Job files are read anew before each run. One process
executes on a ledger; commands given meanwhile are executed by the daemon.

Example:
  referry daemon --jobs /etc/referry/jobs --state /var/lib/referry`,
    )
    .action(async (_: unknown, command) => {
      const { openWorld, stopSignal } = await import('./shared.ts');
      const { openLedger } = await import('../ledger/open.ts');
      const { crashPointFrom } = await import('../schedule/crash-point.ts');
      const { runDaemon } = await import('../schedule/daemon.ts');
      const { settings, io } = openWorld(command.optsWithGlobals());
      const stop = stopSignal();
      const ledger = await openLedger(settings.ledger, 'daemon', io);
      try {
        await runDaemon({
          ledger,
          io,
          signal: stop.signal,
          jobs: settings.jobs,
          state: settings.state,
          crashPoint: crashPointFrom(io),
          ready: (jobs) => {
            const names = jobs.map((job) => job.id).join(', ') || 'none';
            process.stderr.write(`referry: ready; jobs: ${names}; ledger: ${settings.ledger}\n`);
          },
        });
      } finally {
        await ledger.close();
        stop.dispose();
      }
      exit(0);
    });
};
