import type { Register } from './registry.ts';

export const registerDaemon: Register = (program, exit) => {
  program
    .command('daemon')
    .description('Runs all jobs on their schedules until it is stopped.')
    .option(
      '--listen <address>',
      'answer /healthz, /readyz and /metrics there, e.g. 127.0.0.1:9464 (or REFERRY_LISTEN)',
    )
    .addHelpText(
      'after',
      `
SIGTERM or SIGINT: takes no new work, waits up to 25 s for what is on the wire, exits 0. A tick missed while it was down is
made up once; files it left unfinished are gone on with at once. Job files are read anew before each run. One process
executes on a ledger; commands given meanwhile are executed by the daemon.

At the address of REFERRY_LISTEN or --listen it also takes what providers post to /webhooks/JOB, for jobs with a receive
section: share links of Extole, changes of segments of Heap. With REFERRY_RECEIVE=127.0.0.1:9465 it takes them at that
address only, so that a proxy can let others in there and not at the health pages.

REFERRY_BACKUP_AT=03:00 makes a backup of the ledger each night; REFERRY_PRUNE_AT (default 04:00) is when it removes what
is kept long enough.

Example:
  referry daemon --jobs /etc/referry/jobs --state /var/lib/referry`,
    )
    .action(async (_: unknown, command) => {
      const { openWorld, stopSignal } = await import('./shared.ts');
      const { openLedger } = await import('../ledger/open.ts');
      const { crashPointFrom } = await import('../schedule/crash-point.ts');
      const { runDaemon } = await import('../schedule/daemon.ts');
      const { settings, io } = openWorld(command.optsWithGlobals());
      const { watch } = await import('./watch-daemon.ts');
      const stop = stopSignal();
      const ledger = await openLedger(settings.ledger, 'daemon', io);
      const watched = await watch(settings, ledger, io).catch(async (error: unknown) => {
        await ledger.close();
        throw error;
      });
      try {
        await runDaemon({
          ledger,
          io: watched.io,
          signal: stop.signal,
          jobs: settings.jobs,
          state: settings.state,
          upkeep: settings,
          crashPoint: crashPointFrom(io),
          looked: watched.looked,
          unwritable: watched.unwritable,
          ready: (jobs) => {
            const names = jobs.map((job) => job.id).join(', ') || 'none';
            const { listening, receiving } = watched.urls;
            const where = [
              listening === undefined ? '' : `; listening on ${listening}`,
              receiving === undefined ? '' : `; receiving on ${receiving}`,
            ].join('');
            process.stderr.write(`referry: ready; jobs: ${names}; ledger: ${settings.ledger}${where}\n`);
          },
        });
      } finally {
        await watched.close();
        await ledger.close();
        stop.dispose();
      }
      exit(0);
    });
};
