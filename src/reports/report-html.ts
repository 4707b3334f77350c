import type { FileAccount } from '../model.ts';
import { exportSection, pushSection } from './after-html.ts';
import { balanceOfFile } from './balance.ts';
import {
  countsTable,
  eventTable,
  legend,
  moneyTable,
  name,
  outcomeBar,
  reasonTable,
  segmentRowsTable,
  stateBadge,
} from './html-parts.ts';
import { STYLE } from './html-style.ts';
import { groupCount } from './money.ts';
import { segmentSection } from './segments-html.ts';
import { eventTotals } from './totals.ts';
import { type Concern, isDay, type ReportAccount, type Verdict, verdictOf } from './verdict.ts';
import { html } from './visible.ts';
import {
  COLUMN_WORDS,
  COLUMNS,
  clockTime,
  laneWords,
  MEMBER_WORDS,
  plural,
  proofWords,
  refusalWords,
} from './words.ts';

/**
 * The report as one page that needs nothing else: no script, no network, and a policy that allows neither. The verdict comes
 * first and large, then what a person has to do, then the figures.
 */
export function reportHtml(account: ReportAccount): string {
  const verdict = verdictOf(account);
  const title = `${verdict.balanced ? '' : 'DOES NOT BALANCE – '}${titleOf(account)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">
<title>${html(title)}</title><style>${STYLE}</style></head><body>
${heading(account)}
<main>
${verdictPanel(verdict)}
${sums(account)}
${concernLists(verdict.concerns)}
${chart(account)}
${fileTable(account)}
${eventSection(account)}
${segmentSection(account)}
${exportSection(account)}
${pushSection(account)}
${fileSections(account)}
${runSection(account)}
${notices(account)}
</main>
${glossary(account)}
</body></html>
`;
}

function titleOf(account: ReportAccount): string {
  return isDay(account)
    ? `${account.jobs.join(', ') || 'no runs'}, ${account.day}`
    : `${account.job}, run ${account.run}`;
}

function heading(account: ReportAccount): string {
  const { timezone } = account;
  const jobs = isDay(account) ? account.jobs : [account.job];
  const destinations = isDay(account) ? account.destinations : [account.destination];
  const facts = isDay(account)
    ? [`Day ${account.day} (${timezone})`, plural(account.runs.length, 'run')]
    : [`Run ${account.run}`, `${clockTime(account.startedAt, timezone)} to ${clockTime(account.endedAt, timezone)}`];
  for (const { provider, account: owner, container } of destinations)
    facts.push(`To ${provider}, account ${owner}, container ${container}`);
  return `<header><h1>Reconciliation report: ${jobs.map(name).join(', ') || 'no runs'}</h1><p class="facts">${facts
    .map((fact) => `<span>${name(fact)}</span>`)
    .join('')}</p></header>`;
}

function verdictPanel(verdict: Verdict): string {
  const { balanced, headline, summary, imbalances, concerns } = verdict;
  const mood = balanced ? (concerns.some((concern) => concern.for === 'you') ? 'action' : 'calm') : 'fault';
  const yours = concerns.filter((concern) => concern.for === 'you').map((concern) => `<li>${name(concern.title)}</li>`);
  const others = imbalances.slice(1).map((imbalance) => `<li>${name(imbalance)}</li>`);
  return (
    `<section class="verdict ${mood}" role="status"><p class="word" id="verdict">${html(headline)}</p><p class="next">${html(summary)}</p>` +
    `${others.length + yours.length === 0 ? '' : `<ul>${others.join('')}${yours.join('')}</ul>`}</section>`
  );
}

/** The sum itself: what came in on the left, what became of it on the right. */
function sums(account: ReportAccount): string {
  const carried = isDay(account) ? 0 : account.carriedIn;
  const cells = COLUMNS.map((column) => {
    const count = account.counts[column];
    const sign = column === 'read' ? (carried === 0 ? '' : '+ ') : column === 'delivered' ? '= ' : '+ ';
    return `<li class="t-${column}${count === 0 ? ' none' : ''}"><b>${groupCount(count)}</b><span>${sign}${column}</span></li>`;
  });
  const first = carried === 0 ? '' : `<li><b>${groupCount(carried)}</b><span>carried in</span></li>`;
  return `<ul class="sum" aria-label="Rows read and what became of them">${first}${cells.join('')}</ul>`;
}

const GROUPS = [
  { for: 'you', title: 'Needs you' },
  { for: 'sender', title: 'For the sender of the file' },
  { for: 'nobody', title: 'Settles by itself' },
] as const;

function concernLists(concerns: readonly Concern[]): string {
  return GROUPS.map((group) => {
    const items = concerns
      .filter((concern) => concern.for === group.for)
      .map(({ title, detail, hint }) => {
        const next = hint === undefined ? '' : `<p class="hint">${name(hint)}</p>`;
        return `<li class="${group.for}"><b>${name(title)}</b><p>${name(detail)}</p>${next}</li>`;
      });
    return items.length === 0 ? '' : `<h2>${group.title}</h2><ul class="todo">${items.join('')}</ul>`;
  }).join('');
}

const MOST_BARS = 30;

function chart(account: ReportAccount): string {
  const files = account.files.filter((file) => file.counts.read > 0);
  if (files.length === 0) return '';
  const bars = files
    .slice(0, MOST_BARS)
    .map(
      (file) =>
        `<dt>${name(file.name)}</dt><dd class="bar">${outcomeBar(file.counts)}</dd><dd class="n">${plural(file.counts.read, 'row')}</dd>`,
    );
  const rest = files.length - MOST_BARS;
  const more = rest > 0 ? `<p class="soft small">${plural(rest, 'more file')} in the table below.</p>` : '';
  return `<h2>Outcomes by file</h2>${legend(account.counts)}<dl class="chart">${bars.join('')}</dl>${more}`;
}

function fileTable(account: ReportAccount): string {
  if (account.files.length === 0) return '';
  const rows = account.files.map((file) => ({
    label: `${name(file.name)}${isDay(account) && account.jobs.length > 1 ? ` <span class="soft small">${name(file.job)}</span>` : ''}`,
    counts: file.counts,
    extra: stateBadge(file, isBalanced(file)),
  }));
  const total = account.files.length > 1 && isDay(account) ? account.counts : undefined;
  const { seen } = account;
  const states = [
    `${seen.processed} processed`,
    ...(seen.held > 0 ? [`${seen.held} held`] : []),
    ...(seen.refused > 0 ? [`${seen.refused} refused`] : []),
    ...(seen.open > 0 ? [`${seen.open} open`] : []),
  ];
  return `<h2>Files</h2><p class="soft small">${plural(seen.files, 'file')} seen = ${states.join(' + ')}</p>${countsTable('File', rows, total, 'State')}`;
}

function eventSection(account: ReportAccount): string {
  const events = eventTotals(account.files);
  if (events.length === 0) return '';
  if (isOfMembers(account)) return `<h2>Rows by segment</h2>${segmentRowsTable(events)}`;
  return `<h2>Event names</h2>${eventTable(events, account.timezone)}${section('Amounts', moneyTable(events))}`;
}

const MOST_OPEN_DETAILS = 6;

function fileSections(account: ReportAccount): string {
  if (account.files.length === 0) return '';
  const provider = isDay(account) ? providerOfDay(account.destinations) : account.destination.provider;
  const sections = account.files.map((file) => {
    const troubled = file.state !== 'processed' || !isBalanced(file);
    const open = troubled || account.files.length <= MOST_OPEN_DETAILS ? ' open' : '';
    return `<details${open}><summary>${name(file.name)}${stateBadge(file, isBalanced(file))}</summary>${fileDetails(file, account, provider)}</details>`;
  });
  return `<h2>Each file</h2>${sections.join('')}`;
}

function fileDetails(file: FileAccount, account: ReportAccount, provider: string): string {
  const balance = balanceOfFile(file);
  const imbalance = balance.balanced
    ? file.balanced
      ? undefined
      : (file.imbalance ?? 'closed without a balance')
    : balance.imbalance;
  const facts: [string, string][] = [];
  if (file.lane !== undefined) facts.push(['Way to the destination', html(laneWords(file.lane))]);
  if (file.proof !== undefined) facts.push(['What "delivered" means', html(proofWords(file.proof, provider))]);
  if (file.repeatOf !== undefined)
    facts.push(['Seen before', `The same contents as ${name(file.repeatOf)}: nothing was sent again`]);
  if (file.resultsPath !== undefined) facts.push(['Results file', name(file.resultsPath)]);
  if (file.archivedAs !== undefined) facts.push(['Input moved to', name(file.archivedAs)]);
  facts.push(['Contents', `${plural(file.bytes, 'byte')}, sha256 <span class="id">${html(file.sha256)}</span>`]);
  return [
    imbalance === undefined ? '' : `<div class="box bad"><p><b>Does not balance:</b> ${name(imbalance)}</p></div>`,
    refusalBox(file),
    `<dl class="about">${facts.map(([term, text]) => `<dt>${term}</dt><dd>${text}</dd>`).join('')}</dl>`,
    file.byEvent.length > 0
      ? file.segments === undefined
        ? eventTable(file.byEvent, account.timezone, file.byEvent.length > 1 ? file.counts : undefined)
        : segmentRowsTable(file.byEvent, file.byEvent.length > 1 ? file.counts : undefined)
      : '',
    section('Amounts', moneyTable(file.byEvent)),
    section('Reasons', reasonTable(file.reasons)),
    noticeList(file.notices),
  ].join('');
}

function refusalBox({ refusal, state }: FileAccount): string {
  if (refusal === undefined) return '';
  const hint = refusal.hint === undefined ? '' : `<p class="hint">${name(refusal.hint)}</p>`;
  return `<div class="box${state === 'refused' ? ' bad' : ''}"><p><span class="id">${name(refusal.code)}</span></p><p>${name(refusalWords(refusal))}</p>${hint}</div>`;
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<h3>${title}</h3>${content}`;
}

function runSection(account: ReportAccount): string {
  if (!isDay(account) || account.runs.length === 0) return '';
  const rows = account.runs.map((run) => ({
    label: `${name(run.job)} <span class="soft small">${html(clockTime(run.startedAt, account.timezone))}, run ${name(run.run)}</span>`,
    counts: run.counts,
    extra: [
      run.carriedIn === 0 ? '' : `${groupCount(run.carriedIn)} carried in`,
      run.halted === undefined ? '' : `stopped: ${name(run.halted.code)}`,
      run.balanced ? '' : '<span class="badge bad">does not balance</span>',
    ]
      .filter(Boolean)
      .join('; '),
  }));
  return `<h2>Runs</h2>${countsTable('Run', rows, undefined, 'Remarks')}`;
}

function notices(account: ReportAccount): string {
  return account.notices.length === 0 ? '' : `<h2>Notices</h2>${noticeList(account.notices)}`;
}

function noticeList(all: ReportAccount['notices']): string {
  if (all.length === 0) return '';
  return `<ul class="small">${all.map(({ code, message }) => `<li><span class="id">${name(code)}</span> ${name(message)}</li>`).join('')}</ul>`;
}

/** All rows are members of segments, and no events. A file that was refused has none. */
const isOfMembers = ({ files }: ReportAccount): boolean =>
  files.some(({ segments }) => segments) && files.every(({ segments, counts }) => segments || counts.read === 0);

function glossary(account: ReportAccount): string {
  const words = Object.entries(isOfMembers(account) ? MEMBER_WORDS : COLUMN_WORDS).map(
    ([word, meaning]) => `<dt>${word}</dt><dd>${meaning}</dd>`,
  );
  return `<footer class="small soft"><dl class="about">${words.join('')}</dl><p>Made by Referry. Times are in the job's time zone.</p></footer>`;
}

function isBalanced(file: FileAccount): boolean {
  return file.balanced && balanceOfFile(file).balanced;
}

function providerOfDay(destinations: readonly { provider: string }[]): string {
  const providers = new Set(destinations.map((destination) => destination.provider));
  return providers.size === 1 ? [...providers].join('') : '';
}
