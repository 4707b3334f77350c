import type { FileAccount } from '../model.ts';
import { exportSection, pushSection } from './after-html.ts';
import { balanceOfFile } from './balance.ts';
import { type DayMark, dayChart, hourChart, shareBar } from './charts.ts';
import { countsTable, eventTable, legend, moneyTable, name, stateBadge } from './html-parts.ts';
import { STYLE } from './html-style.ts';
import { groupCount } from './money.ts';
import type { DayLine, MorningAccount, ReasonCount } from './morning.ts';
import { MORNING_STYLE } from './morning-style.ts';
import {
  ageWords,
  expectedWords,
  type MorningVerdict,
  morningVerdict,
  needsPerson,
  waitingWords,
  weekdayOf,
} from './morning-words.ts';
import { segmentSection } from './segments-html.ts';
import { mergeEvents } from './totals.ts';
import { html } from './visible.ts';
import { COLUMN_WORDS, COLUMNS, clockTime, plural } from './words.ts';

/**
 * The morning report as one page that needs nothing else: no script, no network, and a policy that allows neither. What a
 * person has to do comes first, then the charts, then every number.
 */
export function morningHtml(account: MorningAccount): string {
  const verdict = morningVerdict(account);
  const title = `${verdict.balanced ? '' : 'DOES NOT BALANCE – '}${account.job}, ${account.day}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">
<title>${html(title)}</title><style>${STYLE}${MORNING_STYLE}</style></head><body>
${heading(account)}
<main>
${verdictPanel(verdict)}
${lastDay(account)}
${waiting(account)}
${expected(account)}
${byDay(account)}
${reasons(account)}
${hours(account)}
${files(account)}
${segmentSection(account)}
${exportSection(account)}
${pushSection(account)}
${amounts(account)}
</main>
${glossary()}
</body></html>
`;
}

function heading({ job, day, days, timezone, madeAt }: MorningAccount): string {
  const facts = [
    `${weekdayOf(day)} ${day} (${timezone})`,
    `${plural(days.length, 'day')} up to then`,
    `made ${clockTime(madeAt, timezone)}`,
  ];
  return `<header><h1>Morning report: ${name(job)}</h1><p class="facts">${facts.map((fact) => `<span>${name(fact)}</span>`).join('')}</p></header>`;
}

function verdictPanel({ balanced, headline, summary, imbalances, yours }: MorningVerdict): string {
  const mood = balanced ? (yours.length > 0 ? 'action' : 'calm') : 'fault';
  const items = [...imbalances.slice(1), ...yours].map((line) => `<li>${name(line)}</li>`);
  return (
    `<section class="verdict ${mood}" role="status"><p class="word" id="verdict">${html(headline)}</p><p class="next">${html(summary)}</p>` +
    `${items.length === 0 ? '' : `<ul>${items.join('')}</ul>`}</section>`
  );
}

/** The sum of the day: what came in on the left, what has become of it on the right. */
function lastDay({ days, since, day }: MorningAccount): string {
  const last = days.at(-1);
  if (last === undefined) return '';
  const cells = COLUMNS.map((column) => {
    const count = last.counts[column];
    const sign = column === 'read' ? '' : column === 'delivered' ? '= ' : '+ ';
    return `<li class="t-${column}${count === 0 ? ' none' : ''}"><b>${groupCount(count)}</b><span>${sign}${column}</span></li>`;
  });
  const more =
    since === null
      ? ''
      : `<p class="soft small">Since then: ${plural(since.seen.files, 'file')} with ${plural(since.counts.read, 'row')}${since.seen.open > 0 ? `, ${plural(since.seen.open, 'file')} open` : ''}. They are in the next report.</p>`;
  return `<ul class="sum" aria-label="Rows read on ${html(day)} and what has become of them">${cells.join('')}</ul>${more}`;
}

function waiting({ waiting, madeAt }: MorningAccount): string {
  const left = waiting.filter(({ count }) => count > 0);
  if (left.length === 0)
    return '<h2>What waits</h2><p>No file and no row is open, failed, held, refused or in conflict.</p>';
  const items = left.map((line) => {
    const you = needsPerson(line);
    const who = you ? 'Needs a person' : 'The next runs go on with it';
    return `<li class="${you ? 'you' : 'nobody'}"><b>${html(waitingWords(line))}</b><p>${who}; the oldest for ${html(ageWords(line, madeAt))}.</p></li>`;
  });
  return `<h2>What waits</h2><ul class="todo">${items.join('')}</ul><p class="soft small">As it was when this report was made. <code>referry status</code> says how it is now.</p>`;
}

function expected({ expected, timezone }: MorningAccount): string {
  if (expected.length === 0) return '';
  const rows = expected.toReversed().map((each) => {
    const state =
      each.solvedAt === null
        ? '<span class="badge warn">open</span>'
        : `<span class="badge good">over</span> <span class="soft small">${html(clockTime(each.solvedAt, timezone))}</span>`;
    return `<tr><th scope="row">${html(expectedWords(each))}</th><td data-label="since">${html(clockTime(each.since, timezone))}</td><td data-label="state">${state}</td></tr>`;
  });
  return `<h2>Expected files</h2><table class="plain wide3"><thead><tr><th scope="col">Day</th><th scope="col">Since</th><th scope="col">State</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function byDay(account: MorningAccount): string {
  const { days, counts } = account;
  const trouble = new Set(account.expected.filter((each) => each.state !== 'early').map((each) => each.day));
  const markOf = (day: DayLine): DayMark => {
    if (!day.balanced) return 'unbalanced';
    const { held, refused } = day.seen;
    if (held + refused + day.counts.conflict + day.counts.held > 0 || trouble.has(day.day)) return 'attention';
    return day.seen.files === 0 ? 'empty' : 'none';
  };
  const lines = [...(account.since ? [account.since] : []), ...days.toReversed()];
  const rows = lines.map((day) => dayRow(day));
  const recent = lines.findIndex((day) => day.day === days.at(-RECENT)?.day) + 1 || lines.length;
  const total = `<tr><th scope="row">All ${plural(days.length, 'day')}</th>${countCells(counts)}<td class="wide"></td></tr>`;
  const earlier = rows.slice(recent);
  const more =
    earlier.length === 0
      ? ''
      : `<details><summary>${plural(earlier.length, 'earlier day')}</summary>${dayTable(earlier, '')}</details>`;
  return (
    `<h2>Outcomes by day</h2>${legend(counts)}${dayChart(days, markOf)}` +
    `<h2>Each day</h2>${dayTable(rows.slice(0, recent), total)}${more}`
  );
}

/** Days that stand open on the page; the chart shows all. */
const RECENT = 10;

function dayTable(rows: readonly string[], total: string): string {
  const head = COLUMNS.map((column) => `<th class="num" scope="col">${column}</th>`).join('');
  const foot = total === '' ? '' : `<tfoot>${total}</tfoot>`;
  return `<table class="days"><thead><tr><th scope="col">Day</th>${head}<th scope="col">Balance and remarks</th></tr></thead><tbody>${rows.join('')}</tbody>${foot}</table>`;
}

function dayRow(day: DayLine): string {
  const label = `${html(day.day)} <span class="soft small">${weekdayOf(day.day)} ${plural(day.seen.files, 'file')}</span>`;
  if (day.seen.files === 0 && day.balanced && day.halts.length === 0)
    return `<tr class="empty"><th scope="row">${html(day.day)} <span class="soft small">${weekdayOf(day.day)} no file</span></th><td colspan="${COLUMNS.length + 1}"></td></tr>`;
  const { seen, revised } = day;
  const badge = day.balanced
    ? '<span class="badge good">balanced</span>'
    : '<span class="badge bad">✕ does not balance</span>';
  const remarks = [
    ...day.imbalances.map((imbalance) => `<span class="red">${name(imbalance)}</span>`),
    seen.refused > 0 ? `${plural(seen.refused, 'file')} refused` : '',
    seen.held > 0 ? `${plural(seen.held, 'file')} held` : '',
    seen.open > 0 ? `${plural(seen.open, 'file')} open` : '',
    day.halts.length > 0 ? `stopped early: ${day.halts.map(name).join(', ')}` : '',
    revised.files > 0
      ? `${plural(revised.files, 'results file')} revised${revised.lastOn === null ? '' : `, last on ${html(revised.lastOn)}`}`
      : '',
  ].filter(Boolean);
  return `<tr${day.balanced ? '' : ' class="unbalanced"'}><th scope="row">${label}</th>${countCells(day.counts)}<td class="wide">${badge} <span class="small">${remarks.join('; ')}</span></td></tr>`;
}

function countCells(counts: DayLine['counts']): string {
  return COLUMNS.map(
    (column) =>
      `<td class="num${counts[column] === 0 ? ' zero' : ''}" data-label="${column}">${groupCount(counts[column])}</td>`,
  ).join('');
}

const MOST_REASONS = 20;

function reasons({ reasons, day, days }: MorningAccount): string {
  if (reasons.all.length === 0)
    return '<h2>Rejects by reason</h2><p>No row was rejected, in conflict, failed or held.</p>';
  const ofDay = new Map(reasons.day.map((each) => [`${each.outcome} ${each.code}`, each.count]));
  const most = reasons.all[0]?.count ?? 1;
  const bars = reasons.all.slice(0, MOST_REASONS).map((each: ReasonCount) => {
    const today = ofDay.get(`${each.outcome} ${each.code}`) ?? 0;
    return (
      `<dt><span class="id">${name(each.code)}</span> <span class="soft small">${each.outcome}</span></dt>` +
      `<dd class="bar">${shareBar(each.count, most, `s-${each.outcome}`)}</dd>` +
      `<dd class="n">${groupCount(each.count)} <span class="soft small">(${groupCount(today)})</span></dd>`
    );
  });
  const rest = reasons.all.length - MOST_REASONS;
  const more = rest > 0 ? `<p class="soft small">${plural(rest, 'more code')} in the CSV and JSON forms.</p>` : '';
  return `<h2>Rejects by reason</h2><p class="soft small">Rows of ${plural(days.length, 'day')}; in parentheses those of ${html(day)}.</p><dl class="chart">${bars.join('')}</dl>${more}`;
}

function hours({ hours, timezone }: MorningAccount): string {
  return `<h2>Files by hour of arrival</h2>${hourChart(hours, timezone)}`;
}

const MOST_FILES = 40;

function files({ files, unread, day, counts, days }: MorningAccount): string {
  const last = days.at(-1);
  if (files.length + unread.length === 0) return `<h2>Files of ${html(day)}</h2><p>No file came.</p>`;
  const isTroubled = (file: FileAccount): boolean => file.state !== 'processed' || !isBalanced(file);
  const inOrder = [...files.filter(isTroubled), ...files.filter((file) => !isTroubled(file))];
  const rows = inOrder.map((file) => ({
    label: name(file.name),
    counts: file.counts,
    extra: `${stateBadge(file, isBalanced(file))}${file.refusal === undefined ? '' : ` <span class="id small">${name(file.refusal.code)}</span>`}${file.repeatOf === undefined ? '' : ' <span class="small soft">seen before</span>'}`,
  }));
  const total = files.length > 1 ? (last?.counts ?? counts) : undefined;
  const first = countsTable('File', rows.slice(0, MOST_FILES), total, 'State');
  const others = rows.slice(MOST_FILES);
  const more =
    others.length === 0
      ? ''
      : `<details><summary>${plural(others.length, 'more file')}</summary>${countsTable('File', others, undefined, 'State')}</details>`;
  const waiting =
    unread.length === 0
      ? ''
      : `<p>Not read yet: ${unread.slice(0, 10).map(name).join(', ')}${unread.length > 10 ? ` and ${plural(unread.length - 10, 'more file')}` : ''}.</p>`;
  return `<h2>Files of ${html(day)}</h2>${waiting}${files.length === 0 ? '' : first}${more}`;
}

function isBalanced(file: FileAccount): boolean {
  return file.balanced && balanceOfFile(file).balanced;
}

/** Event names with their money: exact, and never added up across currencies. */
function amounts({ days, events, timezone, day }: MorningAccount): string {
  const last = mergeEvents(days.at(-1)?.events ?? []);
  if (events.length === 0) return '';
  const ofDay = last.length === 0 ? '' : `<h3>${html(day)}</h3>${eventTable(last, timezone)}${moneyTable(last)}`;
  return `<h2>Event names and amounts</h2>${ofDay}<h3>All ${plural(days.length, 'day')}</h3>${eventTable(events, timezone)}${moneyTable(events)}`;
}

function glossary(): string {
  const words = Object.entries(COLUMN_WORDS).map(([word, meaning]) => `<dt>${word}</dt><dd>${meaning}</dd>`);
  return `<footer class="small soft"><dl class="about">${words.join('')}</dl><p>Made by Referry. Days and times are in the job's time zone; a file counts on the day on which it came, whenever its rows became final.</p></footer>`;
}
