import { resolve } from 'node:path';
import { isDate } from '../jobs/holidays.ts';
import { openLedgerForReading } from '../ledger/open.ts';
import { EXIT, type Io, TransferError } from '../model.ts';
import type { DayLine, MorningAccount } from '../reports/morning.ts';
import { renderMorning } from '../reports/morning-report.ts';
import { ageWords, morningVerdict, waitingWords, weekdayOf } from '../reports/morning-words.ts';
import { dayOf } from '../reports/roll-up.ts';
import { dayPlus } from '../schedule/due.ts';
import { readJob } from '../schedule/jobs.ts';
import { collectMorning, MOST_DAYS, publishMorning, writeMorning } from '../schedule/morning-report.ts';
import type { Settings } from '../settings.ts';
import { count, say, table } from './print.ts';

export interface ReportOptions {
  day?: string;
  days?: string;
  out?: string;
  publish?: boolean;
  json?: boolean;
}

/** Makes the morning report, prints, writes or publishes it, and gives the exit code. */
export async function makeReport(
  id: string,
  options: ReportOptions,
  { settings, io, signal }: { settings: Settings; io: Io; signal: AbortSignal },
): Promise<number> {
  const job = await readJob(settings.jobs, id, io.env);
  const day = readDay(options.day ?? 'yesterday', dayOf(new Date(io.now()).toISOString(), job.timezone));
  const days = readDays(options.days ?? '30');
  const ledger = await openLedgerForReading(settings.ledger);
  if (ledger === undefined)
    throw new TransferError('USAGE', `there is no ledger at ${settings.ledger} yet: nothing has run so far`, {
      hint: 'name the folder of the ledger with --state, or run a job first',
    });
  let account: MorningAccount;
  try {
    account = await collectMorning(ledger, job, { day, days, state: settings.state }, io);
  } finally {
    await ledger.close();
  }
  const written = options.out === undefined ? [] : await writeMorning(account, resolve(options.out));
  const published = options.publish
    ? await publishMorning(job, account, { state: settings.state, io, signal })
    : undefined;
  if (options.json) process.stdout.write((await renderMorning(account)).json);
  else print(account, written, published);
  return morningVerdict(account).balanced ? EXIT.ok : EXIT.internal;
}

function readDay(text: string, today: string): string {
  const day = text === 'today' ? today : text === 'yesterday' ? dayPlus(today, -1) : text;
  if (!isDate(day))
    throw new TransferError('USAGE', `--day: found "${text}"; a date such as ${today}, yesterday or today is needed`);
  if (day > today) throw new TransferError('USAGE', `--day: ${day} is still to come; today is ${today}`);
  return day;
}

function readDays(text: string): number {
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= MOST_DAYS) return days;
  throw new TransferError('USAGE', `--days: found "${text}"; a number from 1 to ${MOST_DAYS} is needed`);
}

function print(account: MorningAccount, written: readonly string[], published: string | undefined): void {
  const verdict = morningVerdict(account);
  say(`${account.job}, ${account.day} (${account.timezone}): ${verdict.headline}`);
  say(verdict.summary);
  say();
  const came = [...account.days, ...(account.since ? [account.since] : [])].filter(
    (day) => day.seen.files > 0 || !day.balanced || day.halts.length > 0,
  );
  if (came.length === 0) say(`No file came in ${count(account.days.length, 'day')}.`);
  else for (const line of table([HEAD, ...came.map(cellsOf)])) say(line);
  for (const imbalance of verdict.imbalances) say(`DOES NOT BALANCE: ${imbalance}`);
  const waiting = account.waiting.filter((each) => each.count > 0);
  if (waiting.length > 0) say();
  for (const each of waiting) say(`waits: ${waitingWords(each)}, the oldest for ${ageWords(each, account.madeAt)}`);
  for (const path of written) say(`written: ${path}`);
  if (published !== undefined) say(`published: ${published}`);
}

const NAMES = ['read', 'delivered', 'duplicate', 'conflict', 'rejected', 'failed', 'held', 'open'] as const;
const HEAD = ['day', 'files', ...NAMES, 'balance'];

function cellsOf(day: DayLine): string[] {
  const counts = NAMES.map((name) => day.counts[name].toLocaleString('en-US'));
  const weekday = weekdayOf(day.day);
  const label = weekday === '' ? day.day : `${day.day} ${weekday}`;
  return [label, String(day.seen.files), ...counts, day.balanced ? 'balanced' : 'NO'];
}
