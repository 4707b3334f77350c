import { EXIT, type RefusalDetail } from '../model.ts';
import type { RunResult } from '../pipelines/files/run-job.ts';
import { leftOutOf } from '../reports/after-rows.ts';
import { groupCount } from '../reports/money.ts';
import { renderFileTable } from '../reports/text-table.ts';
import { visible } from '../reports/visible.ts';
import type { Asked, Verb } from '../schedule/verb.ts';
import { perform } from './perform.ts';
import { count, noteOf, say } from './print.ts';
import { showProgress } from './progress.ts';
import { runJson } from './run.ts';
import { openWorld, stopSignal } from './shared.ts';

export interface PrintOptions {
  jobs?: string;
  state?: string;
  json?: boolean;
}

/** Performs a request with progress, hands its answer to `print`, and gives the exit code. */
export async function performAndPrint<Request extends Asked, Answer extends object>(
  verb: Verb<Request, Answer>,
  request: Request,
  options: PrintOptions,
  print: (answer: Answer, json: boolean) => void,
): Promise<number> {
  const { settings, io } = openWorld(options);
  const stop = stopSignal();
  const progress = showProgress(io, options.json === true);
  try {
    const { executed, exitCode } = await perform(verb, request, {
      settings,
      io,
      signal: stop.signal,
      progress: progress.tell,
      say: progress.say,
    });
    progress.stop();
    print(executed, options.json === true);
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

/** A line for each export and push, and one more where something is the matter with it. */
export function afterLines({ exports = [], pushes = [] }: RunResult['account']): string[] {
  const whyOf = ({ why }: { why?: RefusalDetail }): string[] =>
    why === undefined ? [] : [`  ${why.code}: ${why.message}${why.hint === undefined ? '' : `; ${why.hint}`}`];
  const out = exports.flatMap((each) => {
    const rows = `${count(each.rows, 'row')}${leftOutOf(each) === 0 ? '' : `, ${leftOutOf(each)} left out`}`;
    const what = each.state === 'published' ? rows : each.state === 'held' ? `held, ${rows}` : 'not in place';
    return [`export ${each.target}: ${what}${each.files[0] === undefined ? '' : `: ${each.files[0]}`}`, ...whyOf(each)];
  });
  const pushed = pushes.flatMap((each) => {
    const counts = Object.entries(each.counts).filter(([, n]) => n > 0);
    const told = counts.map(([name, n]) => `${groupCount(n)} ${name}`).join(', ') || 'nothing sent';
    return [
      `push ${each.target}: ${told}`,
      ...whyOf(each),
      ...(each.resultsPath ? [`  results: ${each.resultsPath}`] : []),
    ];
  });
  return [...out, ...pushed];
}

/** A line for each sync of a segment. */
export function segmentLines({ files }: RunResult['account']): string[] {
  return files.flatMap(({ name, segments = [] }) =>
    segments.map(({ segment, state, before, added, removed, rejected, open, after }) => {
      if (state === 'held' || state === 'superseded')
        return `segment ${segment}, ${name}: ${state}; ${count(before, 'member')} as before`;
      const sum = `${count(before, 'member')} before + ${groupCount(added)} added - ${groupCount(removed)} removed`;
      const more = [
        after === undefined ? [] : [` = ${groupCount(after)}`],
        rejected > 0 ? [`; ${groupCount(rejected)} rejected by the target`] : [],
        open > 0 ? [`; ${groupCount(open)} open`] : [],
      ];
      return `segment ${segment}, ${name}: ${sum}${more.flat().join('')}`;
    }),
  );
}

/** What a run answers. */
export function printRun({ account, reportPath }: RunResult, json: boolean): void {
  if (json) {
    say(JSON.stringify(runJson(account, reportPath)));
    return;
  }
  if (account.halted) process.stderr.write(`referry: ${visible(`${account.halted.code}: ${account.halted.reason}`)}\n`);
  const after = afterLines(account);
  if (account.files.length === 0) {
    if (!account.halted && after.length === 0) say(`${account.job}: no new file, nothing left from earlier runs`);
  } else say(renderFileTable(account, { width: process.stdout.columns ?? 100 }).trimEnd());
  for (const line of [...segmentLines(account), ...after]) say(visible(line));
  for (const notice of account.notices) say(noteOf(notice));
  for (const file of account.files) if (file.resultsPath) say(visible(`results: ${file.resultsPath}`));
  if (reportPath) say(visible(`report:  ${reportPath}`));
}
