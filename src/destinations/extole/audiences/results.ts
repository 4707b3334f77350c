import type { Answer } from '../../../model.ts';
import { clean, impersonal } from '../classify.ts';
import { recordsOf } from './member-file.ts';
import type { AudienceSftpSettings } from './settings.ts';

/** What a results file of Extole says: of each member, or of the whole file. */
export type Results =
  | { members: ReadonlyMap<string, Answer> }
  | { refused: string }
  /** Nothing that could be understood, yet or ever. */
  | { unreadable: string };

/**
 * Reads results by their shape, since neither names nor columns are documented: a line for each row of ours with columns before it that say
 * what became of it; or, where the file failed as a whole, a line without our column.
 */
export function readResults(text: string, column: string, settings: AudienceSftpSettings['results']): Results {
  const records = recordsOf(text);
  const [header, ...rows] = records ?? [];
  if (!header) return { unreadable: 'it is empty or no CSV' };
  const own = header.length - 1;
  if (!alike(header[own] ?? '', column)) return wholeOf(records ?? []);
  const members = new Map<string, Answer>();
  for (const row of rows) {
    const id = row[own]?.trim() ?? '';
    if (row.length !== header.length || id === '') return { unreadable: 'a line has other columns than the header' };
    const answer = answerOf(header.slice(0, own), row, settings);
    if (!answer) return { unreadable: 'no column before ours says whether a row was accepted (setting results)' };
    members.set(id, answer);
  }
  return { members };
}

function wholeOf(records: readonly (readonly string[])[]): Results {
  const words = impersonal(clean((records.at(-1) ?? []).filter((cell) => cell.trim() !== '').join(': ')));
  // A file that is still being written has its header first.
  return records.length > 2 || words === '' ? { unreadable: 'it lacks our column' } : { refused: words };
}

function answerOf(
  leading: readonly string[],
  row: readonly string[],
  { statusColumn, messageColumn, success, failure }: AudienceSftpSettings['results'],
): Answer | undefined {
  const said = (at: number): string => row[at]?.trim().toLowerCase() ?? '';
  const known = [...success, ...failure, 'true', 'false'];
  const named = statusColumn === undefined ? -1 : leading.findIndex((name) => alike(name, statusColumn));
  const at = named === -1 ? leading.findIndex((_, i) => known.includes(said(i))) : named;
  if (at === -1 || !known.includes(said(at))) return undefined;
  if (success.includes(said(at)) || said(at) === 'true')
    return { kind: 'accepted', proof: { kind: 'row_result', eventId: clean(row[at] ?? '') } };
  const message = leading.findIndex((name, i) =>
    messageColumn === undefined ? i !== at && /message|error|reason/i.test(name) : alike(name, messageColumn),
  );
  const reason = impersonal(clean(row[message] ?? '')) || 'Extole gave no reason';
  return { kind: 'rejected', code: 'MEMBER_NOT_TAKEN', reason };
}

const alike = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();
