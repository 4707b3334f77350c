import type { RunAccount } from '../model.ts';
import type { Register } from './registry.ts';

interface Options {
  jobs?: string;
  state?: string;
  dryRun?: boolean;
  file?: string;
  json?: boolean;
}

export const registerRun: Register = (program, exit) => {
  program
    .command('run')
    .argument('<job>', 'id of the job')
    .description('Runs a job once: what earlier runs left, then every new file of its inbox.')
    .option(
      '--dry-run',
      'print what would be sent, skipped and refused, with money totals; take, send and store nothing',
    )
    .option('--file <path>', 'process this local file instead of the inbox; it stays where it is')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
While the daemon runs, it executes this command, and its answer is printed.

Example:
  referry run account-openings --dry-run
  referry run account-openings --json | jq '.files[] | select(.rejected > 0) | .resultsPath'`,
    )
    .action(async (job: string, _: unknown, command) => {
      const options: Options = command.optsWithGlobals();
      const { resolve } = await import('node:path');
      const { accessSync, constants, statSync } = await import('node:fs');
      const file = options.file === undefined ? {} : { file: resolve(options.file) };
      try {
        if (file.file !== undefined) {
          accessSync(file.file, constants.R_OK);
          if (!statSync(file.file).isFile()) throw new Error('a folder or a device');
        }
      } catch {
        const { TransferError } = await import('../model.ts');
        throw new TransferError('USAGE', `--file: there is no readable file ${file.file}`, {
          hint: 'give the path of a local file',
        });
      }
      if (options.dryRun) {
        const { dryRun } = await import('./dry-run.ts');
        exit(await dryRun({ job, ...file }, options));
        return;
      }
      const { performAndPrint, printRun } = await import('./perform-and-print.ts');
      const { run } = await import('../schedule/verbs/run.ts');
      exit(await performAndPrint(run, { verb: 'run', job, ...file }, options, printRun));
    });
};

/** One object for scripts: the run, and each file with its counts. */
export function runJson(account: RunAccount, reportPath?: string): object {
  const { counts } = account;
  const lanes = [...new Set(account.files.flatMap((file) => (file.lane ? [file.lane] : [])))];
  return {
    job: account.job,
    run: account.run,
    lane: lanes.length === 1 ? lanes[0] : lanes.length === 0 ? null : lanes,
    balanced: account.balanced,
    carriedIn: account.carriedIn,
    ...counts,
    seen: account.seen,
    halted: account.halted ?? null,
    reportPath: reportPath ?? null,
    files: account.files.map((file) => ({
      path: file.name,
      sha256: file.sha256,
      state: file.state,
      ...(file.refusal ? { code: file.refusal.code, reason: file.refusal.message } : {}),
      ...(file.repeatOf ? { repeatOf: file.repeatOf } : {}),
      lane: file.lane ?? null,
      ...file.counts,
      balanced: file.balanced,
      resultsPath: file.resultsPath ?? null,
      archivedAs: file.archivedAs ?? null,
      ...(file.segments ? { segments: file.segments } : {}),
    })),
    ...(account.exports ? { exports: account.exports } : {}),
    ...(account.pushes ? { pushes: account.pushes } : {}),
    notices: account.notices,
  };
}
