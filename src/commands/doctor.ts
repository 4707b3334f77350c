import type { Register } from './registry.ts';

export const registerDoctor: Register = (program, exit) => {
  program
    .command('doctor')
    .argument('[jobs...]', 'ids of jobs; default: all')
    .description(
      'Tries every connection: reach, host key, login, list, write, rename; Extole and its token; the ledger.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Sends no event. In the folders of a job it writes, renames and removes a small hidden file; Extole's own folders (lane sftp) are
only listed. A server that is not trusted yet
is shown no password: its key is printed as the line to add to the job.

Exits 0 where everything works, 2 where a job is wrong, 4 where something cannot be reached or refuses us, 74 where the
ledger cannot be read.

Example:
  referry doctor account-openings`,
    )
    .action(async (ids: string[], _: unknown, command) => {
      const options: { jobs?: string; state?: string; json?: boolean } = command.optsWithGlobals();
      const { openWorld } = await import('./shared.ts');
      const { examine } = await import('./examine.ts');
      const { stepLines } = await import('./print-steps.ts');
      const { say, sayJson } = await import('./print.ts');
      const { settings, io } = openWorld(options);
      const told = options.json === true ? () => {} : say;
      const report = await examine(settings, io, ids, ({ subject, steps }) => {
        told(subject);
        for (const line of stepLines(steps)) told(line);
        told('');
      });
      if (options.json) sayJson(report);
      else
        say(
          report.ok
            ? 'Everything works.'
            : `Of ${report.tried} things tried, ${report.failures} ${report.failures === 1 ? 'does' : 'do'} not work.`,
        );
      exit(report.exitCode);
    });
};
