import { EXIT, type RunAccount } from '../model.ts';
import { renderFileTable } from '../reports/text-table.ts';
import type { Request } from '../schedule/execute.ts';
import { perform } from './perform.ts';
import { say } from './print.ts';
import { showProgress } from './progress.ts';
import { runJson } from './run.ts';
import { openWorld, stopSignal } from './shared.ts';

/** Performs a request with progress, prints its answer, and gives the exit code. */
export async function performAndPrint(
  request: Request,
  options: { jobs?: string; state?: string; json?: boolean },
): Promise<number> {
  const { settings, io } = openWorld(options);
  const stop = stopSignal();
  const progress = showProgress(io, options.json === true);
  try {
    const { executed, exitCode } = await perform(request, {
      settings,
      io,
      signal: stop.signal,
      progress: progress.tell,
    });
    progress.stop();
    if (executed.verb === 'run') printRun(executed.account, executed.reportPath, options.json === true);
    else if (options.json) say(JSON.stringify({ job: request.job, findings: executed.findings }));
    else {
      for (const finding of executed.findings) {
        say(
          `${finding.eventName}: a key that Extole knows is ${WORDS[finding.withinEvent] ?? finding.withinEvent} under the same event name, ${WORDS[finding.acrossEvents] ?? finding.acrossEvents} under another.`,
        );
        say(`  evidence: ${finding.evidence}`);
      }
    }
    return exitCode;
  } catch (error) {
    progress.stop();
    if (!stop.signal.aborted) throw error;
    process.stderr.write('referry: stopped; nothing is lost, the next run goes on where this one stopped\n');
    return EXIT.interrupted;
  } finally {
    stop.dispose();
  }
}

const WORDS: Readonly<Record<string, string>> = {
  drops: 'DROPPED',
  keeps: 'COUNTED AGAIN',
  unproven: 'NOT PROVEN to be dropped',
};

function printRun(account: RunAccount, reportPath: string | undefined, json: boolean): void {
  if (json) {
    say(JSON.stringify(runJson(account, reportPath)));
    return;
  }
  if (account.halted) process.stderr.write(`referry: ${account.halted.code}: ${account.halted.reason}\n`);
  if (account.files.length === 0) {
    if (!account.halted) say(`${account.job}: no new file, nothing left from earlier runs`);
  } else say(renderFileTable(account, { width: process.stdout.columns ?? 100 }).trimEnd());
  for (const notice of account.notices) say(`  note: ${notice.message}`);
  for (const file of account.files) if (file.resultsPath) say(`results: ${file.resultsPath}`);
  if (reportPath) say(`report:  ${reportPath}`);
}
