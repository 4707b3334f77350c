import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCsv } from './oracle-csv.ts';
import type { LoggedRequest } from './servers/open.ts';

/** A file in the folder from which a person uploads, by its cells. */
export interface HandFile {
  name: string;
  delimiter: string;
  header: string[];
  rows: { input: string; fields: string[] }[];
}

export const handFolder = (root: string): string => join(root, 'by-hand');

export function handFiles(root: string): HandFile[] {
  const folder = handFolder(root);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names.sort().map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const delimiter = name.endsWith('.psv') ? '|' : ',';
    const [header, ...rows] = name.endsWith('.psv') ? linesOf(text) : readCsv(text, delimiter);
    return { name, delimiter, header: header?.fields ?? [], rows };
  });
}

/** Separated by bars, a file has no quotes. */
const linesOf = (text: string): { input: string; fields: string[] }[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((input) => ({ input, fields: input.split('|') }));

/** What Extole gets once the person has uploaded it all. */
export function handArrivals(root: string): LoggedRequest[] {
  return handFiles(root).flatMap(({ name, header, rows }) =>
    rows.map(({ fields }): LoggedRequest => {
      const cells = Object.fromEntries(header.map((column, i) => [column, fields[i] ?? '']));
      const { event_name = '', event_time = '', ...rest } = cells;
      const data = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== ''));
      return {
        ...{ seq: 0, at: '', method: 'HAND', path: name, requestId: '', status: 200, eventId: '' },
        ...{ accepted: true, duplicate: false, body: { event_name, event_time, data } },
      };
    }),
  );
}
