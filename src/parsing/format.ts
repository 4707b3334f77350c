import { FileRefused } from '../model.ts';
import type { FileSettings } from './settings.ts';

export type Format = 'csv' | 'psv' | 'tsv' | 'json' | 'jsonl';

const BY_NAME: Readonly<Record<string, Format>> = {
  csv: 'csv',
  psv: 'psv',
  tsv: 'tsv',
  tab: 'tsv',
  json: 'json',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
};

const DELIMITERS: Readonly<Record<Format, string>> = { csv: ',', psv: '|', tsv: '\t', json: '', jsonl: '' };

/** The characters that senders put between fields, in the order in which they are tried. */
export const CANDIDATES = [',', '|', '\t', ';'] as const;

/** How a delimiter is shown to people. */
export function shown(delimiter: string): string {
  return delimiter === '\t' ? 'a tab' : `"${delimiter}"`;
}

/**
 * The format and delimiter of a file: as the job says, else by its name without .gz, .zip or .pgp, else by `head`, the beginning of
 * its text. Throws `FileRefused` FORMAT_MISMATCH where name and contents contradict each other.
 */
export function formatOf(name: string, head: string, settings: FileSettings): { format: Format; delimiter: string } {
  const extension = /\.([a-z]+)$/i.exec(name.replace(/(?:\.(?:gz|zip|pgp|gpg|asc))+$/i, ''))?.[1]?.toLowerCase() ?? '';
  const named = settings.format === 'auto' ? BY_NAME[extension] : settings.format;
  const first = head.trimStart()[0] ?? '';
  if (named === undefined) return byContents(head, first, settings);
  refuseContradiction(named, first, head, settings);
  return { format: named, delimiter: DELIMITERS[named] && (settings.delimiter ?? DELIMITERS[named]) };
}

function byContents(head: string, first: string, settings: FileSettings): { format: Format; delimiter: string } {
  if (first === '[') return { format: 'json', delimiter: '' };
  if (first === '{') return { format: 'jsonl', delimiter: '' };
  const delimiter = settings.delimiter ?? mostFrequent(head) ?? ',';
  const format = delimiter === '|' ? 'psv' : delimiter === '\t' ? 'tsv' : 'csv';
  return { format, delimiter };
}

/** The candidate that occurs most often in the first line, outside quotes. */
function mostFrequent(head: string): string | undefined {
  const line = (/^\s*([^\r\n]*)/.exec(head)?.[1] ?? '').replace(/"[^"]*"/g, '');
  let best: string | undefined;
  let count = 0;
  for (const candidate of CANDIDATES) {
    const occurs = line.split(candidate).length - 1;
    if (occurs > count) [best, count] = [candidate, occurs];
  }
  return best;
}

function refuseContradiction(format: Format, first: string, head: string, settings: FileSettings): void {
  const by = settings.format === 'auto' ? `its name says ${format}` : `the job says file.format: ${format}`;
  const mismatch = (found: string, hint: string) =>
    new FileRefused({ code: 'FORMAT_MISMATCH', message: `${by}, but the file ${found}`, hint, line: 1 });
  if (format === 'json' && first !== '' && first !== '[') {
    const found = first === '{' ? 'starts with an object; an array of objects is expected' : 'does not start with "["';
    throw mismatch(
      found,
      first === '{'
        ? 'If it holds one object a line, set file.format: jsonl.'
        : 'Set file.format to what the sender writes.',
    );
  }
  if (format === 'jsonl' && first === '[') {
    throw mismatch('starts with "[", as a JSON array does', 'If it is one array, set file.format: json.');
  }
  if (DELIMITERS[format] && (first === '{' || first === '[') && /^\s*(\[\s*)?\{\s*("|\})/.test(head)) {
    throw mismatch('starts like JSON', `Set file.format: ${first === '[' ? 'json' : 'jsonl'}.`);
  }
}
