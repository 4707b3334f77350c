import type { DecisionRequest, Planned, SegmentChange } from '../pipelines/files/decide/planned.ts';
import { groupCount } from '../reports/money.ts';
import type { Decided } from '../schedule/decide.ts';
import { printRun } from './perform-and-print.ts';
import { count, say, sayJson, table } from './print.ts';
import { runJson } from './run.ts';

/** How a decision is spoken of. */
export interface Wording {
  verb: string;
  /** After a number: `rows would leave`. */
  would: string;
  /** After a number: `rows released`. */
  done: string;
}

/** There is nothing that could be done. */
export function isNothing({ rows, about, goesOn, decides }: Planned): boolean {
  return rows === 0 && about.length === 0 && goesOn !== true && decides !== true;
}

/** What would happen, by file. */
export function printPlanned(
  wording: Wording,
  request: DecisionRequest,
  planned: Planned,
  { json, dryRun }: { json: boolean; dryRun: boolean },
): void {
  const { rows, files, nothing = 'there is nothing of that kind' } = planned;
  if (json) {
    const why = isNothing(planned) ? { nothing } : {};
    sayJson({ verb: wording.verb, job: request.job, dryRun, rows, files: files.map(fileJson), ...why });
    return;
  }
  if (isNothing(planned)) {
    say(`${request.job}: ${nothing}; nothing ${dryRun ? 'would be' : 'was'} done`);
    return;
  }
  if (dryRun)
    say(`${count(rows, 'row')} ${wording.would.replace(/^rows /, '')}. This was only a look: nothing was done.`);
  for (const line of table(
    files.map((file) => [file.export ?? `p${file.processing}`, file.name, count(file.rows, 'row'), file.because]),
    '  ',
  ))
    say(line);
  for (const { processing, changes = [] } of files)
    for (const change of changes) say(`  p${processing}  ${changeWords(change)}`);
}

/** `vip would add 10, remove 56 of 95 (59 %)`. */
function changeWords({ segment, before, toAdd, toRemove, superseded }: SegmentChange): string {
  if (superseded) return `${segment} would stay as it is: a newer snapshot was synced since`;
  const share = before === 0 ? '' : ` (${Math.round((toRemove / before) * 1000) / 10} %)`;
  return `${segment} would add ${groupCount(toAdd)}, remove ${groupCount(toRemove)} of ${count(before, 'confirmed member')}${share}`;
}

/** What was done, and the run that did it. */
export function printDecided(wording: Wording, request: DecisionRequest, decided: Decided, json: boolean): void {
  const { decision = null, rows, files, nothing, run } = decided;
  if (json) {
    const told = run ? runJson(run.account, run.reportPath) : null;
    const { reason, by } = request;
    sayJson({
      verb: wording.verb,
      job: request.job,
      decision,
      rows,
      reason,
      by,
      files: files.map(fileJson),
      run: told,
    });
    return;
  }
  if (decision === null) say(`${request.job}: ${nothing ?? 'there is nothing of that kind'}; nothing was done`);
  else say(`${count(rows, 'row')} ${wording.done}: decision d${decision}, by ${request.by}`);
  if (run) printRun(run, false);
}

const fileJson = ({ processing, export: id, name, rows, because, changes }: Planned['files'][number]): object => ({
  file: id ?? `p${processing}`,
  name,
  rows,
  because,
  ...(changes ? { changes } : {}),
});
