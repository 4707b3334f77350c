import { writeToString } from '@fast-csv/format';
import type { EventAccount, ExportAccount, PushAccount, SegmentAccount } from '../accounts.ts';
import type { FileAccount } from '../model.ts';
import { codesWords, exportsOf, leftOutOf, pushesOf } from './after-rows.ts';
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
 * of one event name), `segment` (what the file did to a segment), `money` (the same, as amounts), `reason` (how many rows of one outcome and code), `export` (a file for import; its
 * rows count as delivered, links that are not in it as rejected), `push` (profiles at a tool), `notice`.
 * Formulas in it are made harmless and hidden characters visible; the results file and the JSON report are the places to read values from.
 */
export async function reportCsv(account: ReportAccount): Promise<string> {
  const rows = [...totalRows(account), ...account.files.flatMap((file) => fileRows(file, providerOf(account)))];
  rows.push(...exportsOf(account).map(exportRow), ...pushesOf(account).flatMap(pushRows));
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
  for (const segment of file.segments ?? []) rows.push(segmentRow(segment, same));
  rows.push(...reasonRows(file.reasons, same));
  for (const notice of file.notices)
    rows.push({ record: 'notice', ...same, code: notice.code, detail: notice.message });
  return rows;
}

function reasonRows(reasons: FileAccount['reasons'], same: Row): Row[] {
  return reasons.map(({ outcome, code, count, examples }) => {
    const detail = groupExamples(examples, count)
      .map(({ lines, reason }) => `${lines}: ${reason}`)
      .join(' | ');
    return { record: 'reason', ...same, code, [outcome]: count, detail };
  });
}

/** Links that are in the files count as delivered, the others as rejected. */
export function exportRow(each: ExportAccount): Row {
  const { job, target, state, why, read, rows, leftOut, files, refused = {} } = each;
  const left = leftOutOf(each);
  return {
    ...{ record: 'export', job, file: target, state, code: why?.code ?? '', read, delivered: rows, rejected: left },
    balanced: yesNo(each.balanced && read === rows + left),
    detail: [
      `${each.format}, ${each.kind}, to ${each.place}`,
      why === undefined ? '' : [sentence(why.message), why.hint ?? ''].join(' ').trim(),
      left === 0 ? '' : `left out: ${codesWords(leftOut)}`,
      Object.keys(refused).length === 0 ? '' : `refused by the import: ${codesWords(refused)}`,
    ]
      .filter(Boolean)
      .join('; '),
    results_file: files.join(' '),
  };
}

/** The profiles at a tool, and the reasons for what was not delivered. */
export function pushRows({ job, target, state, why, counts, reasons, ...each }: PushAccount): Row[] {
  const detail = [
    `${each.provider}, account ${each.account}`,
    why === undefined ? '' : sentence(why.message),
    each.imbalance ?? '',
  ];
  const same = { job, file: target };
  const push: Row = {
    ...{ record: 'push', ...same, state, code: why?.code ?? '', ...counts, balanced: yesNo(each.balanced) },
    ...{ detail: detail.filter(Boolean).join('; '), results_file: each.resultsPath ?? '' },
  };
  return [push, ...reasonRows(reasons, same)];
}

/** `read`: the members that the file names. */
export function segmentRow<Same extends object>(
  { segment, kind, state, rejected, ...each }: SegmentAccount,
  same: Same,
) {
  const sum = `${each.before} members before + ${each.added} added - ${each.removed} removed = ${each.after ?? 'not through yet'}`;
  return {
    ...{ record: 'segment', ...same, event_name: segment, state, read: each.desired, rejected, open: each.open },
    detail: `${kind}: ${sum}; ${each.unchanged} unchanged`,
  };
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
