import type { FileAccount, RunAccount } from '../model.ts';
import { afterConcerns, afterImbalances, exportsOf, pushesOf } from './after-rows.ts';
import { balanceOf, balanceOfFile, balanceOfFiles } from './balance.ts';
import type { DayAccount } from './roll-up.ts';
import { shortened } from './visible.ts';
import { plural, refusalWords, sentence } from './words.ts';

export type ReportAccount = RunAccount | DayAccount;

/** Sentences stay readable; the tables have the whole name. */
const LONGEST_NAME = 64;

/** Something that does not settle by itself, or that a reader would ask about. */
export interface Concern {
  /** Who moves next: a person here, the sender of the file, or nobody. */
  for: 'you' | 'sender' | 'nobody';
  title: string;
  detail: string;
  hint?: string;
}

/** What a report says first. */
export interface Verdict {
  balanced: boolean;
  /** `Balanced`, or `DOES NOT BALANCE: ` and both numbers. */
  headline: string;
  /** The next thing to know, in one sentence. */
  summary: string;
  imbalances: string[];
  concerns: Concern[];
}

export function isDay(account: ReportAccount): account is DayAccount {
  return 'day' in account;
}

/** Adds everything up again instead of trusting the flags, so that a mistake upstream shows. */
export function verdictOf(account: ReportAccount): Verdict {
  const imbalances = imbalancesOf(account);
  const concerns = concernsOf(account);
  const yours = concerns.filter((concern) => concern.for === 'you').length;
  const first = imbalances[0];
  return {
    balanced: first === undefined,
    headline: first === undefined ? 'Balanced' : `DOES NOT BALANCE: ${first}`,
    summary: first === undefined ? summaryOf(account, yours) : brokenSummary(imbalances.length),
    imbalances,
    concerns,
  };
}

function summaryOf(account: ReportAccount, yours: number): string {
  if (yours > 0) return `Every row is accounted for. ${plural(yours, 'thing needs', 'things need')} a person.`;
  if (account.files.length + exportsOf(account).length + pushesOf(account).length === 0)
    return 'No file arrived. Nothing needs you.';
  return 'Every row is accounted for. Nothing needs you.';
}

function brokenSummary(count: number): string {
  const more = count > 1 ? ` ${plural(count, 'account')} do not add up; all are listed below.` : '';
  return `Keep the input, the results files and the ledger as they are, and do not send the file again before the difference is explained.${more}`;
}

export function imbalancesOf(account: ReportAccount): string[] {
  const found: string[] = [];
  for (const file of account.files) {
    const balance = balanceOfFile(file);
    if (!balance.balanced) found.push(`${shortened(file.name, LONGEST_NAME)}: ${balance.imbalance}`);
    else if (!file.balanced)
      found.push(
        `${shortened(file.name, LONGEST_NAME)}: ${file.imbalance ?? 'its account was closed without a balance'}`,
      );
  }
  if (isDay(account)) {
    for (const run of account.runs) {
      const balance = balanceOf(run.counts, run.carriedIn);
      if (!balance.balanced) found.push(`run ${run.run}: ${balance.imbalance}`);
    }
  }
  const whole = isDay(account) ? balanceOf(account.counts) : balanceOf(account.counts, account.carriedIn);
  if (!whole.balanced) found.push(`${isDay(account) ? 'the day' : 'the run'}: ${whole.imbalance}`);
  const files = balanceOfFiles(account.seen);
  if (!files.balanced) found.push(files.imbalance);
  found.push(...afterImbalances(account));
  if (found.length === 0 && !account.balanced)
    found.push(`the ${isDay(account) ? 'day' : 'run'} was closed without a balance, although its totals add up`);
  return found;
}

function concernsOf(account: ReportAccount): Concern[] {
  const { counts } = account;
  const concerns: Concern[] = haltsOf(account).map(({ job, code, reason }) => ({
    for: 'you',
    title: `Stopped early: ${code}`,
    detail: `${isDay(account) ? `${job}: ` : ''}${reason}`,
    hint: 'Nothing is lost: what was not sent stays open. Once the cause is gone, the next run continues.',
  }));
  for (const file of account.files)
    if (file.state === 'refused' || file.state === 'held') concerns.push(wholeFile(file));
  for (const { name, waitsFor, counts: of } of account.files)
    if (waitsFor)
      concerns.push({
        for: 'you',
        title: `${shortened(name, LONGEST_NAME)} waits for ${waitsFor.processing}, which is held`,
        detail: `${plural(of.open, 'row')} of it ${of.open === 1 ? 'is' : 'are'} open until somebody decides about ${shortened(waitsFor.name, LONGEST_NAME)}: after it, this one may say otherwise.`,
        hint: `referry held shows why; referry release ${waitsFor.processing} --reason TEXT or referry reject ${waitsFor.processing} --reason TEXT, and this one goes on.`,
      });
  if (counts.conflict > 0)
    concerns.push({
      for: 'you',
      title: `${plural(counts.conflict, 'row')} in conflict`,
      detail: `In ${inFiles(account, 'conflict')}: the same key as another row, with different content. Not sent.`,
      hint: 'Ask the sender which content is right. referry held says how to send it; referry explain KEY shows every row of a key.',
    });
  const heldRows = heldOutsideHeldFiles(account);
  if (heldRows > 0)
    concerns.push({
      for: 'you',
      title: `${plural(heldRows, 'row')} held`,
      detail: `In ${inFiles(account, 'held')}: waiting for a decision. The reasons are listed with the file.`,
      hint: 'referry held lists them, with the commands that send or end them.',
    });
  if (counts.rejected > 0)
    concerns.push({
      for: 'sender',
      title: `${plural(counts.rejected, 'row')} rejected`,
      detail: `In ${inFiles(account, 'rejected')}: can never succeed as written.`,
      hint: 'Return the results file to the sender; corrected rows are welcome in any later file.',
    });
  if (counts.failed > 0)
    concerns.push({
      for: 'nobody',
      title: `${plural(counts.failed, 'row')} failed for now`,
      detail: `In ${inFiles(account, 'failed')}: the next run tries again by itself.`,
    });
  const open = counts.open - account.files.reduce((sum, file) => sum + (file.waitsFor ? file.counts.open : 0), 0);
  if (open > 0)
    concerns.push({
      for: 'nobody',
      title: `${plural(open, 'row')} still open`,
      detail: `In ${inFiles(account, 'open')}: the next run continues with them.`,
    });
  return [...concerns, ...afterConcerns(account)];
}

function haltsOf(account: ReportAccount): { job: string; code: string; reason: string }[] {
  if (!isDay(account)) return account.halted === undefined ? [] : [{ job: account.job, ...account.halted }];
  // Only the newest run of a job counts: an earlier stop that a later run got past needs nobody.
  const newest = new Map(account.runs.map((run) => [run.job, run]));
  return [...newest.values()].flatMap(({ job, halted }) => (halted === undefined ? [] : [{ job, ...halted }]));
}

function wholeFile(file: FileAccount): Concern {
  const { refusal } = file;
  const nothing =
    file.state === 'refused'
      ? 'Refused as a whole, nothing was sent.'
      : 'Held, nothing more is sent until a person decides.';
  return {
    for: 'you',
    title: `${shortened(file.name, LONGEST_NAME)} was ${file.state}${refusal === undefined ? '' : `: ${refusal.code}`}`,
    detail: refusal === undefined ? nothing : `${sentence(refusalWords(refusal))} ${nothing}`,
    ...(refusal?.hint === undefined ? {} : { hint: refusal.hint }),
  };
}

function heldOutsideHeldFiles(account: ReportAccount): number {
  const inHeldFiles = account.files.reduce((sum, file) => sum + (file.state === 'held' ? file.counts.held : 0), 0);
  return Math.max(0, account.counts.held - inHeldFiles);
}

function inFiles(account: ReportAccount, column: 'conflict' | 'rejected' | 'failed' | 'held' | 'open'): string {
  const names = account.files
    .filter((file) => file.counts[column] > 0)
    .map((file) => shortened(file.name, LONGEST_NAME));
  if (names.length === 0) return 'rows carried in from earlier runs';
  const shown = names.slice(0, 2).join(', ');
  return names.length > 2 ? `${shown} and ${plural(names.length - 2, 'more file')}` : shown;
}
