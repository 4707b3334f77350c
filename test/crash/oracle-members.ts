import type { ExpectedRow, InputFile } from './oracle.ts';
import { readCsv } from './oracle-csv.ts';

/** What must become of files of members: from the inputs alone. It imports nothing of the product. */
export interface MemberProphecy {
  /** By the file's name. */
  files: ReadonlyMap<string, readonly ExpectedRow[]>;
  /** Who is in each segment after each file, by segment. */
  after: ReadonlyMap<string, ReadonlySet<string>>[];
}

/**
 * Rows `id,segment`, and `id,segment,action` in a file of changes, then a trailer; `files` in the order in which they are worked on. Of a
 * snapshot, a segment that no row names stays as it is.
 */
export function foretellMembers(files: readonly InputFile[], segments: readonly string[]): MemberProphecy {
  let now = new Map(segments.map((segment): [string, ReadonlySet<string>] => [segment, new Set()]));
  const after: MemberProphecy['after'] = [];
  const result = new Map<string, ExpectedRow[]>();
  for (const { name, text } of files) {
    const [header, ...records] = readCsv(text, ',');
    const changes = header?.fields.includes('action') === true;
    const listed = new Map<string, Map<string, string>>();
    const rows: ExpectedRow[] = [];
    for (const { line, input, fields } of records) {
      const [id = '', segment = '', action = 'add'] = fields;
      if (id === 'TRAILER') continue;
      const its = listed.get(segment) ?? new Map<string, string>();
      const fate = fateOf(id, segment, segments, its);
      rows.push({ line, input, key: id, ...fate });
      if (fate.outcome !== 'delivered') continue;
      listed.set(segment, its.set(id, action));
    }
    result.set(name, rows);
    now = new Map([...now].map(([segment, members]) => [segment, changed(members, listed.get(segment), changes)]));
    after.push(now);
  }
  return { files: result, after };
}

function fateOf(
  id: string,
  segment: string,
  segments: readonly string[],
  before: ReadonlyMap<string, string>,
): Pick<ExpectedRow, 'outcome' | 'code'> {
  if (id === '') return { outcome: 'rejected', code: 'KEY_MISSING' };
  if (!segments.includes(segment)) return { outcome: 'rejected', code: 'SEGMENT_NOT_ALLOWED' };
  if (before.has(id)) return { outcome: 'duplicate', code: 'DUPLICATE_IN_FILE' };
  return { outcome: 'delivered', code: '' };
}

function changed(
  members: ReadonlySet<string>,
  listed: ReadonlyMap<string, string> | undefined,
  changes: boolean,
): ReadonlySet<string> {
  if (!listed) return members;
  if (!changes) return new Set(listed.keys());
  const now = new Set(members);
  for (const [id, action] of listed) {
    if (action === 'remove') now.delete(id);
    else now.add(id);
  }
  return now;
}
