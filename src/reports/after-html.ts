import type { ExportAccount, PushAccount } from '../accounts.ts';
import { type AfterRows, codesWords, exportsOf, leftOutOf, pushesOf } from './after-rows.ts';
import { balanceOf } from './balance.ts';
import { countsTable, name, reasonTable } from './html-parts.ts';
import { groupCount } from './money.ts';
import { plural } from './words.ts';

/** `jobs`: whose they may be; absent where there is one only. */
export type AfterShown = AfterRows & { jobs?: readonly string[] };

/** Files for import: what is in each, where it is, and what is not in it. */
export function exportSection(account: AfterShown): string {
  const exports = exportsOf(account);
  if (exports.length === 0) return '';
  const cell = (label: string, n: number): string =>
    `<td class="num${n === 0 ? ' zero' : ''}" data-label="${label}">${groupCount(n)}</td>`;
  const rows = exports.map((each) => {
    const numbers = [cell('links', each.read), cell('rows', each.rows), cell('left out', leftOutOf(each))].join('');
    return `<tr><th scope="row">${labelOf(account, each)}</th>${numbers}<td class="wide">${whereabouts(each)}</td></tr>`;
  });
  const head = ['links', 'rows', 'left out'].map((word) => `<th class="num" scope="col">${word}</th>`).join('');
  return (
    '<h2>Files for import</h2><p class="soft small">links = rows + left out</p>' +
    `<table><thead><tr><th scope="col">Export</th>${head}<th scope="col">Where it is</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
  );
}

function whereabouts(each: ExportAccount): string {
  const lines = [exportBadge(each), ...each.files.map((path) => `<span class="id">${name(path)}</span>`)];
  if (each.why !== undefined) lines.push(name(each.why.message));
  if (leftOutOf(each) > 0) lines.push(`left out: ${name(codesWords(each.leftOut))}`);
  if (Object.keys(each.refused ?? {}).length > 0)
    lines.push(`refused by the import: ${name(codesWords(each.refused ?? {}))}`);
  return `<ul class="examples">${lines.map((line) => `<li>${line}</li>`).join('')}</ul>`;
}

function exportBadge({ state, kind, balanced }: ExportAccount): string {
  if (!balanced) return '<span class="badge bad">does not balance</span>';
  if (state === 'published') return `<span class="badge good">in place</span> ${kind}`;
  return `<span class="badge warn">${state === 'held' ? 'held' : 'not in place'}</span> ${kind}`;
}

/** Profiles at CRM and e-mail tools. */
export function pushSection(account: AfterShown): string {
  const pushes = pushesOf(account);
  if (pushes.length === 0) return '';
  const rows = pushes.map((each) => ({ label: labelOf(account, each), counts: each.counts, extra: remarks(each) }));
  const reasons = pushes.map((each) => {
    const table = reasonTable(each.reasons);
    return table === '' ? '' : `<h3>Reasons at ${name(each.target)}</h3>${table}`;
  });
  return `<h2>Profiles at other tools</h2>${countsTable('Push', rows, undefined, 'Remarks')}${reasons.join('')}`;
}

function remarks(each: PushAccount): string {
  const good = each.balanced && balanceOf(each.counts).balanced;
  const state = !good
    ? '<span class="badge bad">does not balance</span>'
    : each.state === 'done'
      ? '<span class="badge good">balanced</span>'
      : `<span class="badge warn">${plural(each.counts.open, 'profile')} open</span>`;
  const lines = [`${state} ${name(each.provider)}, account ${name(each.account)}`];
  if (each.why !== undefined) lines.push(`${name(each.why.code)}: ${name(each.why.message)}`);
  if (each.resultsPath !== undefined) lines.push(`<span class="id">${name(each.resultsPath)}</span>`);
  return `<ul class="examples">${lines.map((line) => `<li>${line}</li>`).join('')}</ul>`;
}

function labelOf({ jobs = [] }: AfterShown, { target, job }: { target: string; job: string }): string {
  return `${name(target)}${jobs.length > 1 ? ` <span class="soft small">${name(job)}</span>` : ''}`;
}
