import type { ExportAccount, PushAccount } from '../accounts.ts';
import type { RunAccount } from '../model.ts';
import { balanceOf } from './balance.ts';
import type { Concern } from './verdict.ts';
import { plural, sentence } from './words.ts';

/** What followed the rows: files for import, and profiles over an API. */
export type AfterRows = Pick<RunAccount, 'exports' | 'pushes'>;

export function exportsOf(account: Pick<RunAccount, 'exports'>): readonly ExportAccount[] {
  return account.exports ?? [];
}

export function pushesOf(account: Pick<RunAccount, 'pushes'>): readonly PushAccount[] {
  return account.pushes ?? [];
}

export const leftOutOf = ({ leftOut }: Pick<ExportAccount, 'leftOut'>): number =>
  Object.values(leftOut).reduce((sum, n) => sum + n, 0);

/** `12 IDENTIFIER_MISSING, 3 LINK_INVALID` */
export function codesWords(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([code, n]) => `${n.toLocaleString('en-US')} ${code}`)
    .join(', ');
}

/** Adds up again: links read = rows in the files + left out; profiles read = outcomes + open. */
export function afterImbalances(account: AfterRows): string[] {
  const found: string[] = [];
  for (const each of exportsOf(account)) {
    const left = leftOutOf(each);
    if (each.read !== each.rows + left)
      found.push(`the export ${each.target}: read ${each.read}, but ${each.rows} rows and ${left} left out`);
    else if (!each.balanced) found.push(`the export ${each.target} was closed without a balance`);
  }
  for (const each of pushesOf(account)) {
    const balance = balanceOf(each.counts);
    if (!balance.balanced) found.push(`the push ${each.target}: ${balance.imbalance}`);
    else if (!each.balanced)
      found.push(`the push ${each.target}: ${each.imbalance ?? 'it was closed without a balance'}`);
  }
  return found;
}

/** Stops that pass without anybody. */
export const PASSING: ReadonlySet<string> = new Set([
  'DAILY_LIMIT',
  'THROTTLED',
  'SERVER_ERROR',
  'NO_ANSWER',
  'NOT_SENT',
]);

export function afterConcerns(account: AfterRows): Concern[] {
  return [...exportsOf(account).flatMap(ofExport), ...pushesOf(account).flatMap(ofPush)];
}

function ofExport({ target, state, why, refused = {} }: ExportAccount): Concern[] {
  const hint = why?.hint ?? 'The next run tries again; no change is lost.';
  const detail = why === undefined ? '' : sentence(why.message);
  if (state === 'held') return [{ for: 'you', title: `Export ${target} held: ${why?.code ?? ''}`, detail, hint }];
  if (state === 'open')
    return [{ for: 'you', title: `Export ${target} is not in place: ${why?.code ?? ''}`, detail, hint }];
  const lines = Object.values(refused).reduce((sum, n) => sum + n, 0);
  if (lines === 0) return [];
  const title = `${plural(lines, 'line')} of the export ${target} refused by the import`;
  return [{ for: 'you', title, detail: `${codesWords(refused)}.`, hint: 'The tool lists the lines with its import.' }];
}

function ofPush({ job, target, state, why, counts, reasons, resultsPath }: PushAccount): Concern[] {
  const told: Concern[] = [];
  if (state === 'open')
    told.push({
      for: PASSING.has(why?.code ?? '') ? 'nobody' : 'you',
      title: `Push ${target} stopped: ${why?.code ?? ''}`,
      detail: why === undefined ? '' : sentence(why.message),
      hint: why?.hint ?? 'Nothing is lost: the next run goes on with the profiles that are open.',
    });
  const givenUp = reasons.reduce((sum, { code, count }) => sum + (code === 'FAILED_TOO_LONG' ? count : 0), 0);
  const rejected = counts.rejected - givenUp;
  const detail = resultsPath === undefined ? 'The results file will say why.' : `${resultsPath} says which, and why.`;
  if (givenUp > 0)
    told.push({
      for: 'you',
      title: `${plural(givenUp, 'profile')} failed for too long at ${target}, and no longer tried`,
      detail,
      hint: `Once the tool is in order: referry retry ${job} --because FAILED_TOO_LONG --reason "..."`,
    });
  if (rejected > 0)
    told.push({
      for: 'you',
      title: `${plural(rejected, 'profile')} rejected by ${target}`,
      detail,
      hint: 'They are sent again when their link or the fields of the job change.',
    });
  if (counts.failed > 0)
    told.push({
      for: 'nobody',
      title: `${plural(counts.failed, 'profile')} failed for now at ${target}`,
      detail: 'The next run tries again by itself.',
    });
  return told;
}
