import type { FileAccount } from '../model.ts';
import { groupCount } from './money.ts';
import { isDay, type ReportAccount, verdictOf } from './verdict.ts';
import { shortened, visible } from './visible.ts';
import { COLUMNS, type Column, plural, refusalWords } from './words.ts';

export interface TableOptions {
  /** Columns of the terminal; at least 80. */
  width?: number;
  /** ANSI colours; none unless asked. */
  colour?: boolean;
  /** How many reasons to print for each file. */
  reasons?: number;
}

const SHORTEST_NAME = 24;
const BETWEEN = 2;

/** Files with their outcomes, what needs a person, and the first reasons, for a terminal. Ends with a line break. */
export function renderFileTable(account: ReportAccount, options: TableOptions = {}): string {
  const width = Math.max(80, options.width ?? 100);
  const paint = painter(options.colour ?? false);
  const lines: string[] = [
    ...countLines(account, width, paint),
    '',
    ...reasonLines(account.files, width, options.reasons ?? 5),
  ];
  const verdict = verdictOf(account);
  if (verdict.balanced) lines.push(paint('green', `Balanced: ${equation(account)}`));
  for (const imbalance of verdict.imbalances) lines.push(paint('red', `DOES NOT BALANCE: ${visible(imbalance)}`));
  for (const concern of verdict.concerns)
    if (concern.for === 'you') lines.push(paint('yellow', cut(`  needs you: ${concern.title}`, width)));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

type Paint = (name: keyof typeof ANSI, text: string) => string;

/** One line a file. Where the names would get too little room, they stand on a line of their own. */
function countLines(account: ReportAccount, width: number, paint: Paint): string[] {
  const everyCount = [account.counts, ...account.files.map((file) => file.counts)];
  const widths = COLUMNS.map((column) =>
    Math.max(column.length, ...everyCount.map((counts) => groupCount(counts[column]).length)),
  );
  const numbers = (text: (column: Column) => string) =>
    COLUMNS.map((column, i) => ' '.repeat(BETWEEN) + text(column).padStart(widths[i] ?? 0)).join('');
  const nameWidth = width - widths.reduce((sum, each) => sum + each + BETWEEN, 0);
  const beside = nameWidth >= SHORTEST_NAME;
  const row = (name: string, cells: string): string[] => {
    if (beside || name.length < nameWidth) return [shortened(name, nameWidth).padEnd(nameWidth) + cells];
    return [shortened(name, width), ' '.repeat(Math.max(0, nameWidth)) + cells];
  };

  const lines = row(
    '',
    numbers((column) => column),
  );
  for (const file of account.files) {
    lines.push(
      ...row(
        file.name,
        numbers((column) => groupCount(file.counts[column])),
      ),
    );
    for (const remark of remarks(file))
      lines.push(...wrapped(remark, width - 4, MOST_OF_REMARK).map((line) => paint('yellow', `    ${line}`)));
  }
  const carried = carriedIn(account);
  if (carried > 0) {
    const cells = numbers((column) => (column === 'read' ? groupCount(carried) : ''));
    lines.push(...row('carried in', cells));
  }
  if (account.files.length > 1 || carried > 0) {
    lines.push('-'.repeat(width));
    lines.push(
      ...row(
        'all',
        numbers((column) => groupCount(account.counts[column] + (column === 'read' ? carried : 0))),
      ),
    );
  }
  return lines;
}

function remarks(file: FileAccount): string[] {
  const told: string[] = [];
  if (file.refusal !== undefined) {
    told.push(`${file.state}: ${file.refusal.code}: ${refusalWords(file.refusal)}`);
    if (file.refusal.hint !== undefined) told.push(file.refusal.hint);
  } else if (file.waitsFor)
    told.push(`waits for ${file.waitsFor.processing} (${file.waitsFor.name}), which is held: referry held ${file.job}`);
  else if (file.state !== 'processed') told.push(file.state === 'open' ? 'not finished' : file.state);
  if (file.repeatOf !== undefined) told.push('the same contents as before; nothing was sent again');
  return told;
}

function reasonLines(files: readonly FileAccount[], width: number, most: number): string[] {
  const lines: string[] = [];
  for (const file of files) {
    const telling = file.reasons.filter((reason) => reason.outcome !== 'duplicate');
    if (telling.length === 0 || most === 0) continue;
    lines.push(shortened(file.name, width));
    for (const { outcome, code, count, examples } of telling.slice(0, most)) {
      const first = examples[0];
      const example = first === undefined ? '' : `line ${first.line}: ${first.reason}`;
      const lead = `${groupCount(count).padStart(6)} ${outcome.padEnd(8)} ${shortened(code, CODE).padEnd(CODE)} `;
      const [start = '', ...rest] = wrapped(example, width - lead.length);
      lines.push(lead + start, ...rest.map((line) => ' '.repeat(lead.length) + line));
    }
    if (telling.length > most) lines.push(`       and ${plural(telling.length - most, 'more reason')}, in the report`);
    lines.push('');
  }
  if (lines.some((line) => line.includes('found "'))) lines.push(MASKED, '');
  return lines;
}

/** Said where a value is shown: `found "Xxx-99"` reads as if the file had it so. */
const MASKED = 'Values are masked here (X a letter, 9 a digit); the results file has them.';
const CODE = 18;
const MOST_LINES = 2;
/** What is to be done stands at the end of a remark: none that we write is longer. */
const MOST_OF_REMARK = 8;

/** So many lines at most, broken between words where there are any. */
function wrapped(text: string, width: number, most = MOST_LINES): string[] {
  const lines: string[] = [];
  let rest = visible(text);
  while ([...rest].length > width && lines.length < most - 1) {
    const head = [...rest].slice(0, width + 1).join('');
    const space = head.lastIndexOf(' ');
    const at = space > width / 2 ? space : [...head].slice(0, width).join('').length;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, cut(rest, width)];
}

function cut(text: string, width: number): string {
  const characters = [...visible(text)];
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`;
}

function equation(account: ReportAccount): string {
  const { counts } = account;
  const parts = COLUMNS.filter((column) => column !== 'read' && counts[column] > 0);
  const became = parts.map((column) => `${groupCount(counts[column])} ${column}`).join(' + ') || '0';
  const carried = carriedIn(account) > 0 ? `${groupCount(carriedIn(account))} carried in + ` : '';
  return `${carried}${groupCount(counts.read)} read = ${became}`;
}

/** A day's files include what its runs took up again, so only a run has something carried in. */
function carriedIn(account: ReportAccount): number {
  return isDay(account) ? 0 : account.carriedIn;
}

const ANSI = { red: '31;1', green: '32', yellow: '33' } as const;

function painter(colour: boolean): Paint {
  return (name, text) => (colour ? `\u001b[${ANSI[name]}m${text}\u001b[0m` : text);
}
