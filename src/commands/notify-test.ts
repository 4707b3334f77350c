import type { Register } from './registry.ts';

export const registerNotifyTest: Register = (program, exit) => {
  program
    .command('notify-test')
    .argument('<job>', 'id of the job')
    .description('Sends a test message through each channel that the job notifies, and says which took it.')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The channels are those under notify in the job file, else those of notify.yaml beside it. PagerDuty gets an incident that is
resolved at once. Nothing is written to the ledger; works while the daemon runs.

Exits 0 where every channel took the message, 2 where the job has no channel, 4 where one did not.

Example:
  referry notify-test account-openings`,
    )
    .action(async (id: string, _: unknown, command) => {
      const options: { jobs?: string; state?: string; json?: boolean } = command.optsWithGlobals();
      const { openWorld } = await import('./shared.ts');
      const { testChannels } = await import('./test-channels.ts');
      const { EXIT, TransferError } = await import('../model.ts');
      const { say, sayJson, table } = await import('./print.ts');
      const { settings, io } = openWorld(options);
      const tried = await testChannels(id, settings, io);
      if (tried.length === 0)
        throw new TransferError('USAGE', `job ${id} notifies nobody: it has no channel`, {
          hint: 'add notify to the job file, or a notify.yaml beside it',
        });
      const failed = tried.filter(({ ok }) => !ok);
      if (options.json) sayJson({ job: id, ok: failed.length === 0, channels: tried });
      else
        for (const line of table(
          tried.map(({ name, place, ok, problem }) => [
            ok ? 'ok  ' : 'FAIL',
            name,
            place,
            problem ?? 'took the message',
          ]),
        ))
          say(line);
      exit(failed.length > 0 ? EXIT.unreachable : EXIT.ok);
    });
};
