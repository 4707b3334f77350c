import type { SegmentAccount } from '../accounts.ts';
import type { FileAccount } from '../model.ts';
import { name } from './html-parts.ts';
import { groupCount } from './money.ts';
import { plural } from './words.ts';

const NUMBERS = ['before', 'desired', 'added', 'removed', 'unchanged', 'rejected', 'open', 'after'] as const;

/** What the files did to each segment, and how many members it has had. `jobs`: whose they may be; absent where there is one only. */
export function segmentSection(account: { files: readonly FileAccount[]; jobs?: readonly string[] }): string {
  const rows = account.files.flatMap((file) => (file.segments ?? []).map((segment) => ({ file, segment })));
  if (rows.length === 0) return '';
  const head = NUMBERS.map((word) => `<th class="num" scope="col">${word}</th>`).join('');
  const body = rows.map(({ file, segment }) => {
    const cells = NUMBERS.map((word) => {
      const n = segment[word];
      return `<td class="num${n === 0 ? ' zero' : ''}" data-label="${word}">${n === undefined ? '' : groupCount(n)}</td>`;
    });
    const job = account.jobs !== undefined ? `${name(file.job)}: ` : '';
    return `<tr><th scope="row">${job}${name(segment.segment)} ${badge(segment)}</th>${cells.join('')}<td class="wide">${memberLine(segment)}</td></tr>`;
  });
  return (
    '<h2>Segments</h2><p class="soft small">before + added - removed = after, in confirmed members</p>' +
    `<table><thead><tr><th scope="col">Segment</th>${head}<th scope="col">Members</th></tr></thead><tbody>${body.join('')}</tbody></table>`
  );
}

function badge({ state }: SegmentAccount): string {
  if (state === 'done') return '';
  if (state === 'held') return '<span class="badge warn">held</span>';
  return `<span class="badge">${state === 'running' ? 'not through yet' : 'superseded'}</span>`;
}

const WIDTH = 120;
const HEIGHT = 24;

/** A small line: how many members there were after each sync. From nobody at the bottom to the most at the top. */
export function memberLine({ history }: Pick<SegmentAccount, 'history'>): string {
  const [first, last] = [history[0], history.at(-1)];
  if (!first || !last) return '';
  const most = Math.max(1, ...history.map(([, members]) => members));
  const step = history.length > 1 ? WIDTH / (history.length - 1) : 0;
  const points = history.map(
    ([, members], i) => `${(i * step).toFixed(1)},${(HEIGHT - (members / most) * (HEIGHT - 2) - 1).toFixed(1)}`,
  );
  const only = points[0] ?? '';
  const line = points.length > 1 ? points.join(' ') : `${only} ${WIDTH},${only.split(',')[1] ?? '0'}`;
  const words = `${groupCount(last[1])} now, ${groupCount(most)} at most, over ${plural(history.length, 'sync', 'syncs')} since ${first[0].slice(0, 10)}`;
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${words}"><title>${words}</title>` +
    `<polyline points="${line}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>`
  );
}
