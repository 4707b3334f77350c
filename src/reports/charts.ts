import { groupCount } from './money.ts';
import type { DayLine } from './morning.ts';
import { html } from './visible.ts';
import { COLUMNS, plural } from './words.ts';

/**
 * Charts of the morning report: inline SVG without text in it, stretched to the width of its place, with its labels beside it
 * in HTML, so that they stay readable on a phone. Each has a title, a description and the same numbers as text.
 */

const STEP = 10;
const BAR = 8;
const HEIGHT = 100;
/** Three rejected rows among a million must still be seen. */
const SMALLEST_PART = 2;

/** A mark under a day's bar: colour is never the only signal. */
export type DayMark = 'unbalanced' | 'attention' | 'empty' | 'none';

const MARKS: Readonly<Record<DayMark, { sign: string; words: string }>> = {
  unbalanced: { sign: '✕', words: 'does not balance' },
  attention: { sign: '!', words: 'something held, refused, in conflict, late or missing' },
  empty: { sign: '·', words: 'no file' },
  none: { sign: '', words: '' },
};

/** Stacked bars, one for each day. */
export function dayChart(days: readonly DayLine[], markOf: (day: DayLine) => DayMark): string {
  const most = Math.max(1, ...days.map((day) => day.counts.read));
  const bars = days.map((day, i) => dayBar(day, i, most));
  const largest = days.find((day) => day.counts.read === most);
  const description = largest
    ? `${plural(days.length, 'day')}; most rows on ${largest.day}: ${groupCount(most)}. The table below has every number.`
    : `${plural(days.length, 'day')} without a row.`;
  const marks = days.map((day) => {
    const { sign, words } = MARKS[markOf(day)];
    return `<span class="m-${markOf(day)}"${words === '' ? '' : ` title="${day.day}: ${words}"`}>${sign}</span>`;
  });
  const used = new Set(days.map(markOf));
  const key = Object.entries(MARKS).filter(
    ([mark, { sign }]) => sign !== '' && [...used].some((each) => each === mark),
  );
  const explained = key.map(([mark, { sign, words }]) => `<span><b class="m-${mark}">${sign}</b> ${words}</span>`);
  return (
    `<figure class="bars${days.length > 45 ? ' many' : ''}"><p class="top">${groupCount(largest ? most : 0)} rows</p>` +
    `${figure('by-day', 'Outcomes by day', description, days.length, bars.join(''))}` +
    `<div class="marks" aria-hidden="true" style="grid-template-columns:repeat(${days.length},1fr)">${marks.join('')}</div>` +
    `<div class="ends"><span>${html(days[0]?.day ?? '')}</span><span>${html(days.at(-1)?.day ?? '')}</span></div>` +
    `<figcaption class="small soft">${explained.join('')}</figcaption></figure>`
  );
}

function dayBar({ day, counts }: DayLine, i: number, most: number): string {
  const parts = COLUMNS.filter((column) => column !== 'read' && counts[column] > 0);
  if (parts.length === 0) return '';
  const whole = Math.max((counts.read / most) * HEIGHT, SMALLEST_PART * parts.length);
  const wanted = parts.map((column) => Math.max(SMALLEST_PART, (counts[column] / counts.read) * whole));
  const scale = whole / wanted.reduce((sum, height) => sum + height, 0);
  let y = HEIGHT;
  const rects = parts.map((column, n) => {
    const height = (wanted[n] ?? 0) * scale;
    y -= height;
    return `<rect class="s-${column}" x="${i * STEP + 1}" y="${y.toFixed(2)}" width="${BAR}" height="${height.toFixed(2)}"/>`;
  });
  const words = parts.map((column) => `${groupCount(counts[column])} ${column}`).join(', ');
  return `<g><title>${html(day)}: ${words}</title>${rects.join('')}</g>`;
}

/** How many files came in each hour of the day. */
export function hourChart(hours: readonly number[], timezone: string): string {
  const most = Math.max(0, ...hours);
  const bars = hours.map((count, hour) => {
    if (count === 0) return '';
    const height = Math.max(SMALLEST_PART, (count / most) * HEIGHT);
    return `<rect class="s-file" x="${hour * STEP + 1}" y="${(HEIGHT - height).toFixed(2)}" width="${BAR}" height="${height.toFixed(2)}"><title>${hourWords(hour)}: ${plural(count, 'file')}</title></rect>`;
  });
  const busiest = hours.indexOf(most);
  const description = most === 0 ? 'No file came.' : `Most files came at ${hourWords(busiest)}: ${groupCount(most)}.`;
  const rows = hours.flatMap((count, hour) =>
    count === 0 ? [] : [`<tr><th scope="row">${hourWords(hour)}</th><td class="num">${groupCount(count)}</td></tr>`],
  );
  const table = `<table class="plain"><thead><tr><th scope="col">Hour (${html(timezone)})</th><th class="num" scope="col">Files</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  return (
    `<figure class="bars hours"><p class="top">${plural(most, 'file')}</p>` +
    `${figure('by-hour', 'Files by hour of arrival', description, 24, bars.join(''))}` +
    `<div class="ends">${[0, 6, 12, 18, 24].map((hour) => `<span>${hour}:00</span>`).join('')}</div></figure>` +
    (most === 0 ? '' : `<details><summary>Files by hour as a table</summary>${table}</details>`)
  );
}

function hourWords(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00 to ${String(hour + 1).padStart(2, '0')}:00`;
}

function figure(id: string, title: string, description: string, columns: number, content: string): string {
  return (
    `<svg viewBox="0 0 ${columns * STEP} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-labelledby="${id}-title ${id}-desc">` +
    `<title id="${id}-title">${title}</title><desc id="${id}-desc">${html(description)}</desc>${content}</svg>`
  );
}

/** A bar beside a number, as long as its share of the largest. */
export function shareBar(count: number, most: number, style: string): string {
  const width = Math.max(1, (count / Math.max(1, most)) * 100);
  return `<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="${style}" width="${width.toFixed(2)}" height="10"/></svg>`;
}
