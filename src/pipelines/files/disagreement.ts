import type { Definition } from '../../jobs/definition.ts';
import { isMembers } from '../../mapping/compile.ts';
import { FileRefused, type RefusalDetail } from '../../model.ts';
import type { FileSettings } from '../../parsing/settings.ts';
import type { Seal } from './seal.ts';

/**
 * Whether a file that its trailer or manifest disagrees with is held, for a person to let it through: of members all rows are one list, which can
 * be right as it is. Of any other file it is refused.
 */
export const holds = ({ event }: Pick<Definition, 'event'>): boolean => isMembers(event);

/** How a file is read, under the definition that it was taken with. */
export function readingOf(definition: Pick<Definition, 'event' | 'file'>): FileSettings {
  return holds(definition) ? { ...definition.file, disagreement: 'tell' } : definition.file;
}

/** What a comparison with the manifest came to, where that holds the file. Throws whatever else it threw. */
export async function disagreementIn(
  definition: Pick<Definition, 'event'>,
  compare: () => void | Promise<void>,
): Promise<RefusalDetail | undefined> {
  try {
    await compare();
    return undefined;
  } catch (error) {
    if (!(error instanceof FileRefused) || error.code !== 'MANIFEST_MISMATCH' || !holds(definition)) throw error;
    return error;
  }
}

/** As a reason to hold the file. */
export function heldFor({ code, message, hint = '', line }: RefusalDetail): NonNullable<Seal['held']> {
  return {
    code,
    message: `${message}; nothing was sent`,
    hint: `${hint} Release the file only if it is known to be right as it is: it is then applied so.`.trim(),
    ...(line === undefined ? {} : { line }),
  };
}
