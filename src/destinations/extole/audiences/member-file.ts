import { createHash } from 'node:crypto';
import type { Answer } from '../../../model.ts';
import type { Change } from '../../membership-calls.ts';

/** Why an id cannot stand in a file of Extole; `undefined` where it can. How quotes are to be written is not documented. */
export function unwritable({ id }: Change): Answer | undefined {
  if (id.trim() !== '' && !/["\\\p{Cc}]/u.test(id)) return undefined;
  const reason =
    'the id is empty, or has a quote, a backslash or a control character in it, and a file of Extole takes none';
  return { kind: 'rejected', code: 'MEMBER_UNWRITABLE', reason };
}

/** The file of these members: a header and a line for each. */
export function memberFile(column: string, changes: readonly Change[]): string {
  const lines = changes.map(({ id }) => (/[,\s]/.test(id) ? `"${id}"` : id));
  return `${[column, ...lines].join('\n')}\n`;
}

/** Says what is in the file, so that one of the same name is the same. */
export function contentName(audienceId: string, type: string, file: string): string {
  const hash = createHash('sha256').update(file).digest('hex').slice(0, 24);
  return `audience_${audienceId}_${type.toLowerCase()}_${hash}`;
}
