import { visible } from '../reports/visible.ts';
import type { Waits } from './collect-held.ts';
import type { FileLine } from './list-files.ts';
import { age, count, say, table } from './print.ts';

const COUNTS = ['read', 'delivered', 'duplicate', 'conflict', 'rejected', 'failed', 'held', 'open'] as const;

export function printFiles(files: readonly FileLine[]): void {
  if (files.length === 0) {
    say('no such file is known');
    return;
  }
  const several = new Set(files.map(({ job }) => job)).size > 1;
  const head = ['', 'taken (UTC)', 'file', 'state', ...COUNTS, 'results'];
  const rows = files.map((file) => [
    file.file,
    file.takenAt?.slice(0, 16).replace('T', ' ') ?? '-',
    several ? `${file.job}: ${file.name}` : file.name,
    [file.state, file.repeatOf === null ? file.code : `of ${file.repeatOf}`].filter((part) => part !== null).join(' '),
    ...COUNTS.map((name) => (file.counts[name] === 0 ? '-' : file.counts[name].toLocaleString('en-US'))),
    file.resultsPath ?? '-',
  ]);
  for (const line of table([head, ...rows])) say(line);
}

const TITLES: Readonly<Record<Waits['kind'], string>> = {
  file: 'held as a whole',
  export: 'held',
  rows: 'held',
  'failed-too-long': 'failed for too long',
  'conflict-in-file': 'in conflict within the file',
  'conflict-with-earlier': 'in conflict with a row that has the key already',
};

export function printHeld(waits: readonly Waits[], now: number): void {
  if (waits.length === 0) {
    say('Nothing waits for a person.');
    return;
  }
  for (const it of waits) {
    const since = it.since === null ? '' : `, for ${age(now - Date.parse(it.since))}`;
    say(visible(`${it.file}  ${it.name}  (job ${it.job})`));
    say(visible(`  ${count(it.rows, 'row')} ${TITLES[it.kind]}: ${it.code}${since}`));
    say(
      visible(
        `  ${it.key === null ? '' : `key ${it.key}, `}${it.lines.length !== 1 ? '' : `line ${it.lines[0]}: `}${it.reason}`,
      ),
    );
    if (it.advice !== null) say(visible(`  what to do: ${it.advice}`));
    for (const command of it.commands) say(visible(`    ${command}`));
    say();
  }
}
