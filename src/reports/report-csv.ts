import { writeToString } from '@fast-csv/format';
import type { EventAccount, FileAccount } from '../model.ts';
import type { ReportAccount } from './verdict.ts';
import { imbalancesOf, isDay, verdictOf } from './verdict.ts';
import { visible } from './visible.ts';
import { COLUMNS, groupExamples, proofWords, refusalWords, sentence } from './words.ts';

const HEADERS = [
  'record',
  'job',
  'file',
  'event_name',
  'currency',
  'state',
  'code',
  'carried_in',
  ...COLUMNS,
  'balanced',
  'first_event_time',
  'last_event_time',
  'lane',
  'proof',
  'detail',
  'results_file',
  'archived_as',
  'sha256',
] as const;
type Row = Partial<Record<(typeof HEADERS)[number], string | number>>;

/**
 * The report for a spreadsheet. The first column says what a line is: `day` or `run` (totals), `file`, `event` (a file's rows
 * of one event name), `money` (the same, as amounts), `reason` (how many rows of one outcome and code), `notice`.
 * Formulas in it are made harmless and hidden characters visible; the results file and the JSON report are the places to read values from.
 */
export async function reportCsv(account: ReportAccount): Promise<string> {
  const rows = [...totalRows(account), ...account.files.flatMap((file) => fileRows(file, providerOf(account)))];
  for (const notice of account.notices) rows.push({ record: 'notice', code: notice.code, detail: notice.message });
  const cells = rows.map((row) => HEADERS.map((name) => cellFor(String(row[name] ?? ''))));
  return await writeToString(cells, {
    headers: [...HEADERS],
    alwaysWriteHeaders: true,
    rowDelimiter: '\r\n',
    includeEndRowDelimiter: true,
    // Without it Excel reads UTF-8 as the machine's own charset.
    writeBOM: true,
  });
}

function totalRows(account: ReportAccount): Row[] {
  const { headline, summary } = verdictOf(account);
  const balanced = yesNo(imbalancesOf(account).length === 0);
  const detail = `${headline}. ${summary}`;
  if (!isDay(account)) {
    const halted = account.halted === undefined ? {} : { state: 'halted', code: account.halted.code };
    const total = { record: 'run', job: account.job, carried_in: account.carriedIn, ...account.counts, balanced };
    return [{ ...total, ...halted, detail: [detail, account.halted?.reason ?? ''].join(' ').trim() }];
  }
  const day: Row = { record: 'day', job: account.jobs.join(' '), ...account.counts, balanced, detail };
  const runs = account.runs.map(
    (run): Row => ({
      record: 'run',
      job: run.job,
      carried_in: run.carriedIn,
      ...run.counts,
      balanced: yesNo(run.balanced),
      ...(run.halted === undefined ? {} : { state: 'halted', code: run.halted.code }),
      detail: [`run ${run.run}, ${run.startedAt} to ${run.endedAt}`, run.halted?.reason ?? '']
        .filter(Boolean)
        .join(': '),
    }),
  );
  return [day, ...runs];
}

function fileRows(file: FileAccount, provider: string): Row[] {
  const same = { job: file.job, file: file.name };
  const refusal =
    file.refusal === undefined ? '' : [sentence(refusalWords(file.refusal)), file.refusal.hint ?? ''].join(' ').trim();
  const rows: Row[] = [
    {
      record: 'file',
      ...same,
      state: file.state,
      code: file.refusal?.code ?? '',
      ...file.counts,
      balanced: yesNo(file.balanced),
      lane: file.lane ?? '',
      proof: file.proof === undefined ? '' : proofWords(file.proof, provider),
      detail: [refusal, file.imbalance ?? '', file.repeatOf === undefined ? '' : `same contents as ${file.repeatOf}`]
        .filter(Boolean)
        .join('; '),
      results_file: file.resultsPath ?? '',
      archived_as: file.archivedAs ?? '',
      sha256: file.sha256,
    },
  ];
  for (const event of file.byEvent) rows.push(...eventRows(event, same));
  for (const { outcome, code, count, examples } of file.reasons) {
    const detail = groupExamples(examples, count)
      .map(({ lines, reason }) => `${lines}: ${reason}`)
      .join(' | ');
    rows.push({ record: 'reason', ...same, code, [outcome]: count, detail });
  }
  for (const notice of file.notices)
    rows.push({ record: 'notice', ...same, code: notice.code, detail: notice.message });
  return rows;
}

function eventRows(event: EventAccount, same: Row): Row[] {
  const named = { ...same, event_name: event.eventName };
  const times = { first_event_time: event.firstEventTime ?? '', last_event_time: event.lastEventTime ?? '' };
  const money = Object.entries(event.money).map(
    ([currency, totals]): Row => ({ record: 'money', ...named, currency, ...totals }),
  );
  return [{ record: 'event', ...named, ...event.counts, ...times }, ...money];
}

function providerOf(account: ReportAccount): string {
  if (!isDay(account)) return account.destination.provider;
  return account.destinations.length === 1 ? (account.destinations[0]?.provider ?? '') : '';
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'NO';
}

const FORMULA = /^[\s\p{Cf}]*[=+\-@\uff0b\uff0d\uff1d\uff20\t\r\n]/u;
const NUMBER = /^[+-]?[\d][\d.,]*$/;

/** Spreadsheets run what starts like a formula; numbers, negative ones and phone numbers among them, are not touched. */
export function harmless(cell: string): string {
  return FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}

/** A value as a spreadsheet or a terminal may show it: no formula, and nothing that hides, reorders or acts. */
export function cellFor(text: string): string {
  return visible(harmless(text));
}
