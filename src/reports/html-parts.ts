import type { EventAccount, ReasonAccount } from '../accounts.ts';
import type { Counts, FileAccount } from '../model.ts';
import { groupAmount, groupCount } from './money.ts';
import { html } from './visible.ts';
import { COLUMNS, clockSpan, eventWords, groupExamples, plural } from './words.ts';

/** Pieces of the HTML report. Everything that comes from outside goes through `html`. */

/** Names from outside may be written right to left; isolation keeps them from turning their neighbours around. */
export function name(text: string): string {
  return `<bdi>${html(text)}</bdi>`;
}

const BAR = 1000;
/** Three rejected rows among a million must still be seen. */
const SMALLEST_PART = 6;

/** A bar of outcomes as inline SVG, as wide as its place. */
export function outcomeBar(counts: Counts): string {
  const parts = COLUMNS.filter((column) => column !== 'read' && counts[column] > 0);
  const total = parts.reduce((sum, column) => sum + counts[column], 0);
  const wanted = parts.map((column) => Math.max(SMALLEST_PART, (counts[column] / total) * BAR));
  const scale = BAR / wanted.reduce((sum, width) => sum + width, 0);
  let x = 0;
  const rects = parts.map((column, index) => {
    const width = (wanted[index] ?? 0) * scale;
    const rect = `<rect class="s-${column}" x="${x.toFixed(2)}" width="${width.toFixed(2)}" height="10"><title>${groupCount(counts[column])} ${column}</title></rect>`;
    x += width;
    return rect;
  });
  const label = parts.map((column) => `${groupCount(counts[column])} ${column}`).join(', ') || 'no rows';
  return `<svg viewBox="0 0 ${BAR} 10" preserveAspectRatio="none" role="img" aria-label="${label}">${rects.join('')}</svg>`;
}

export function legend(counts: Counts): string {
  const items = COLUMNS.filter((column) => column !== 'read' && counts[column] > 0).map(
    (column) =>
      `<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="s-${column}" width="1" height="1"/></svg>${column}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** Rows of counts under one head; `label` and `extra` are markup. */
export interface CountsRow {
  label: string;
  counts: Counts;
  extra?: string;
}

export function countsTable(what: string, rows: readonly CountsRow[], total?: Counts, extraHead = ''): string {
  const head = COLUMNS.map((column) => `<th class="num" scope="col">${column}</th>`).join('');
  const extraColumn = extraHead === '' ? '' : `<th scope="col">${extraHead}</th>`;
  const body = rows.map(({ label, counts, extra }) => {
    const extraCell = extraHead === '' ? '' : `<td class="wide">${extra ?? ''}</td>`;
    return `<tr><th scope="row">${label}</th>${countCells(counts)}${extraCell}</tr>`;
  });
  const foot =
    total === undefined
      ? ''
      : `<tfoot><tr><th scope="row">All</th>${countCells(total)}${extraHead === '' ? '' : '<td class="wide"></td>'}</tr></tfoot>`;
  return `<table><thead><tr><th scope="col">${what}</th>${head}${extraColumn}</tr></thead><tbody>${body.join('')}</tbody>${foot}</table>`;
}

function countCells(counts: Counts): string {
  return COLUMNS.map(
    (column) =>
      `<td class="num${counts[column] === 0 ? ' zero' : ''}" data-label="${column}">${groupCount(counts[column])}</td>`,
  ).join('');
}

export function eventTable(events: readonly EventAccount[], timezone: string, total?: Counts): string {
  const rows = events.map(
    (event): CountsRow => ({
      label: name(eventWords(event.eventName)),
      counts: event.counts,
      extra:
        event.firstEventTime === undefined || event.lastEventTime === undefined
          ? '<span class="soft">no event time</span>'
          : `<span class="small">${html(clockSpan(event.firstEventTime, event.lastEventTime, timezone))}</span>`,
    }),
  );
  return countsTable('Event name', rows, total, 'First and last event');
}

/** The same of members: an event's name is the segment's, and there is no time of it. */
export function segmentRowsTable(events: readonly EventAccount[], total?: Counts): string {
  const rows = events.map(({ eventName, counts }): CountsRow => ({ label: name(eventWords(eventName)), counts }));
  return countsTable('Segment', rows, total);
}

/** Empty where no row carries an amount. Columns that no currency uses are left out. */
export function moneyTable(events: readonly EventAccount[]): string {
  const paid = events.filter((event) => Object.keys(event.money).length > 0);
  const everyTotal = paid.flatMap((event) => Object.values(event.money));
  const columns = COLUMNS.filter((column) => everyTotal.some((totals) => totals[column] !== undefined));
  const lines = paid.flatMap((event) => [
    ...(paid.length > 1
      ? [
          `<tr class="group"><th scope="rowgroup" colspan="${columns.length + 1}">${name(eventWords(event.eventName))}</th></tr>`,
        ]
      : []),
    ...Object.entries(event.money).map(([currency, totals]) => {
      const cells = columns.map((column) => {
        const amount = totals[column];
        const none = amount === undefined;
        return `<td class="num${none ? ' zero none' : ''}" data-label="${column}">${none ? '–' : html(groupAmount(amount))}</td>`;
      });
      return `<tr><th scope="row">${name(currency)}</th>${cells.join('')}</tr>`;
    }),
  ]);
  if (lines.length === 0) return '';
  const head = columns.map((column) => `<th class="num" scope="col">${column}</th>`).join('');
  return (
    `<table class="money"><caption>Exact totals. A row that was rejected before its amount could be read adds none.</caption>` +
    `<thead><tr><th scope="col">Currency</th>${head}</tr></thead><tbody>${lines.join('')}</tbody></table>`
  );
}

/** Empty where every row was delivered. */
export function reasonTable(reasons: readonly ReasonAccount[]): string {
  if (reasons.length === 0) return '';
  const lines = mostTellingFirst(reasons).map(({ outcome, code, count, examples }) => {
    const shown = groupExamples(examples, count)
      .map(({ lines, reason }) => `<li>${lines}: ${name(reason)}</li>`)
      .join('');
    return `<tr><th scope="row"><span class="id">${name(code)}</span></th><td class="outcome">${outcome}</td><td class="num">${groupCount(count)}</td><td class="wide"><ul class="examples">${shown}</ul></td></tr>`;
  });
  return (
    '<table class="reasons"><thead><tr><th scope="col">Code</th><th scope="col">Outcome</th><th class="num" scope="col">Rows</th>' +
    `<th scope="col">First lines, values masked</th></tr></thead><tbody>${lines.join('')}</tbody></table>`
  );
}

/** Duplicates are no trouble, so they come last. */
function mostTellingFirst(reasons: readonly ReasonAccount[]): ReasonAccount[] {
  const isDuplicate = (reason: ReasonAccount) => reason.outcome === 'duplicate';
  return [...reasons.filter((reason) => !isDuplicate(reason)), ...reasons.filter(isDuplicate)];
}

export function stateBadge(file: FileAccount, balanced: boolean): string {
  if (!balanced) return '<span class="badge bad">does not balance</span>';
  switch (file.state) {
    case 'processed':
      return `<span class="badge good">balanced</span>`;
    case 'open':
      return `<span class="badge warn">${plural(file.counts.open, 'row')} open</span>`;
    case 'held':
      return '<span class="badge warn">held</span>';
    case 'refused':
      return '<span class="badge bad">refused</span>';
  }
}
