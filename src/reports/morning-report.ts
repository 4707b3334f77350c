import { writeToString } from '@fast-csv/format';
import type { EventAccount } from '../accounts.ts';
import { exportsOf, pushesOf } from './after-rows.ts';
import type { DayLine, MorningAccount } from './morning.ts';
import { morningHtml } from './morning-html.ts';
import { morningVerdict } from './morning-words.ts';
import type { RenderedReport } from './report.ts';
import { cellFor, exportRow, pushRows, segmentRow } from './report-csv.ts';
import { COLUMNS } from './words.ts';

/** The morning report in its three forms. */
export async function renderMorning(account: MorningAccount): Promise<RenderedReport> {
  return { csv: await morningCsv(account), json: morningJson(account), html: morningHtml(account) };
}

/** The account as it stands, with the verdict before it. Amounts are decimal strings, since numbers would round them. */
function morningJson(account: MorningAccount): string {
  const verdict = morningVerdict(account);
  return `${JSON.stringify({ format: 'referry-morning-report/1', verdict, ...account }, null, 2)}\n`;
}

const HEADERS = [
  'record',
  'job',
  'day',
  'file',
  'event_name',
  'currency',
  'state',
  'code',
  'files',
  ...COLUMNS,
  'balanced',
  'detail',
  'results_file',
] as const;
type Row = Partial<Record<(typeof HEADERS)[number], string | number>>;

/**
 * For a spreadsheet. The first column says what a line is: `day`, `since` (what came after the last day), `event` and `money`
 * (of a day), `file` (of the last day), `reason`, `hour`, `waiting`, `expected`; and of the last day, as the report of a run has them, `segment`, `export` and `push`, each with its
 * `reason`s. Formulas are made harmless, hidden characters visible.
 */
async function morningCsv(account: MorningAccount): Promise<string> {
  const rows: Row[] = [
    ...account.days.flatMap((day) => dayRows('day', day)),
    ...(account.since ? dayRows('since', account.since) : []),
    ...account.files.map(
      (file): Row => ({
        record: 'file',
        day: account.day,
        file: file.name,
        state: file.state,
        code: file.refusal?.code ?? '',
        files: 1,
        ...file.counts,
        balanced: file.balanced ? 'yes' : 'NO',
        detail: file.imbalance ?? '',
      }),
    ),
    ...account.unread.map((name): Row => ({ record: 'file', day: account.day, file: name, state: 'open', files: 1 })),
    ...account.reasons.all.map(
      ({ outcome, code, count }): Row => ({ record: 'reason', code, state: outcome, [outcome]: count }),
    ),
    ...account.reasons.day.map(
      ({ outcome, code, count }): Row => ({
        record: 'reason',
        day: account.day,
        code,
        state: outcome,
        [outcome]: count,
      }),
    ),
    ...account.hours.map(
      (files, hour): Row => ({ record: 'hour', detail: `${String(hour).padStart(2, '0')}:00`, files }),
    ),
    ...account.waiting.map(
      ({ what, count, oldest }): Row => ({
        record: 'waiting',
        state: what,
        ...(what.startsWith('files') ? { files: count } : { read: count }),
        detail: oldest ?? '',
      }),
    ),
    ...account.expected.map(
      ({ day, state, subject, since, solvedAt }): Row => ({
        record: 'expected',
        day,
        state,
        detail: `${subject === '' ? '' : `${subject}, `}since ${since}${solvedAt === null ? '' : `, over ${solvedAt}`}`,
      }),
    ),
  ];
  for (const file of account.files)
    for (const segment of file.segments ?? []) rows.push(segmentRow(segment, { day: account.day, file: file.name }));
  for (const step of [...exportsOf(account).map(exportRow), ...pushesOf(account).flatMap(pushRows)])
    rows.push({ day: account.day, ...step });
  const cells = rows.map((row) => {
    const whole: Row = { job: account.job, ...row };
    return HEADERS.map((header) => cellFor(String(whole[header] ?? '')));
  });
  return await writeToString(cells, {
    headers: [...HEADERS],
    alwaysWriteHeaders: true,
    rowDelimiter: '\r\n',
    includeEndRowDelimiter: true,
    // Without it Excel reads UTF-8 as the machine's own charset.
    writeBOM: true,
  });
}

function dayRows(record: 'day' | 'since', day: DayLine): Row[] {
  const { revised } = day;
  const remarks = [
    ...day.imbalances,
    ...day.halts.map((code) => `stopped early: ${code}`),
    ...(revised.files > 0 ? [`${revised.files} revised, last on ${revised.lastOn ?? ''}`] : []),
  ];
  return [
    {
      record,
      day: day.day,
      files: day.seen.files,
      ...day.counts,
      balanced: day.balanced ? 'yes' : 'NO',
      detail: remarks.join('; '),
    },
    ...day.events.flatMap((event) => eventRows(day.day, event)),
  ];
}

function eventRows(day: string, event: EventAccount): Row[] {
  const named = { day, event_name: event.eventName };
  const money = Object.entries(event.money).map(
    ([currency, totals]): Row => ({ record: 'money', ...named, currency, ...totals }),
  );
  return [{ record: 'event', ...named, ...event.counts }, ...money];
}
