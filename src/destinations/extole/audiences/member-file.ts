import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import type { Answer } from '../../../model.ts';
import { notSentAfter } from '../../jobs.ts';
import type { Change } from '../../membership-calls.ts';

/** Why an id cannot stand in a file of Extole; `undefined` where it can. How quotes are to be written is not documented. */
export function unwritable({ id }: Change): Answer | undefined {
  if (id.trim() !== '' && !/["\\\p{Cc}]/u.test(id)) return undefined;
  const reason =
    'the id is empty, or has a quote, a backslash or a control character in it, and a file of Extole takes none';
  return { kind: 'rejected', code: 'MEMBER_UNWRITABLE', reason };
}

/**
 * Sends changes as files of at most `most` members each, adds first, one after the other; ids that no file can carry are refused. `send`: an
 * answer of each change, in order, or one of all where nothing can be said of each; nothing more is sent then. answers[i] is of changes[i].
 */
export async function changeInFiles(
  changes: readonly Change[],
  most: number,
  send: (part: readonly Change[], add: boolean) => Promise<readonly Answer[] | Answer>,
): Promise<Answer[]> {
  const answers = new Map<Change, Answer>();
  let stop: Answer | undefined;
  for (const change of changes) {
    const refused = unwritable(change);
    if (refused) answers.set(change, refused);
  }
  for (const add of [true, false]) {
    const good = changes.filter((change) => change.add === add && !answers.has(change));
    for (let at = 0; at < good.length; at += most) {
      const part = good.slice(at, at + most);
      const known = stop ?? (await send(part, add));
      const one = 'kind' in known ? known : undefined;
      for (const [i, change] of part.entries()) answers.set(change, 'kind' in known ? known : (known[i] ?? LOST));
      if (one && !stop) stop = notSentAfter(one);
    }
  }
  return changes.map((change) => answers.get(change) ?? LOST);
}

export const LOST: Answer = { kind: 'unknown', code: 'NO_ANSWER', reason: 'Extole said nothing of the member' };

/** The file of these members: a header and a line for each. */
export function memberFile(column: string, changes: readonly Change[]): string {
  const lines = changes.map(({ id }) => (/[,\s]/.test(id) ? `"${id}"` : id));
  return `${[column, ...lines].join('\n')}\n`;
}

/** The records of a CSV of Extole's; `undefined` where it is none. Lines may have other columns than the header. */
export function recordsOf(text: string): string[][] | undefined {
  try {
    return parse(text, { bom: true, skip_empty_lines: true, relax_column_count: true });
  } catch {
    return undefined;
  }
}

/** Says what is in the file, so that one of the same name is the same. */
export function contentName(audienceId: string, type: string, file: string): string {
  const hash = createHash('sha256').update(file).digest('hex').slice(0, 24);
  return `audience_${audienceId}_${type.toLowerCase()}_${hash}`;
}
