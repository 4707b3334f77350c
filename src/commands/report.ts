import type { Register } from './registry.ts';

interface Options {
  jobs?: string;
  state?: string;
  day?: string;
  days?: string;
  out?: string;
  publish?: boolean;
  json?: boolean;
}

export const registerReport: Register = (program, exit) => {
  program
    .command('report')
    .argument('<job>', 'id of the job')
    .description(
      'Makes the morning report of a job: what came on each day, what became of it, and whether it balances.',
    )
    .option('--day <day>', 'the last day to show: 2026-11-20, yesterday or today', 'yesterday')
    .option('--days <n>', 'how many days to show, up to 92', '30')
    .option('--out <folder>', 'write it as CSV, JSON and HTML into this folder')
    .option('--publish', "put it into the job's reports folder, where it replaces one of the same day")
    .option('--json', 'print the report as one JSON object')
    .addHelpText(
      'after',
      `
Days are those of the job's time zone; a file counts on the day on which it came, whenever its rows became final. Only reads
the ledger, and works while the daemon runs. The daemon makes the report by itself where the job says so:
report: { morning: "06:30" }.

Exits 0 where every day balances, 70 where one does not.

Example:
  referry report account-openings --out /tmp/reports
  referry report account-openings --day 2026-11-20 --publish`,
    )
    .action(async (id: string, _: unknown, command) => {
      const options: Options = command.optsWithGlobals();
      const { openWorld, stopSignal } = await import('./shared.ts');
      const { makeReport } = await import('./make-report.ts');
      const { settings, io } = openWorld(options);
      const stop = stopSignal();
      try {
        exit(await makeReport(id, options, { settings, io, signal: stop.signal }));
      } finally {
        stop.dispose();
      }
    });
};
