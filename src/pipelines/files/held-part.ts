import type { RefusalDetail } from '../../model.ts';

/** Why the rows of one segment of a held file wait; `undefined`: the file is held in part, and they do not. */
export function heldCode(
  { code, segments }: Pick<RefusalDetail, 'code' | 'segments'>,
  segment: string,
): string | undefined {
  if (segments === undefined) return code;
  return Object.hasOwn(segments, segment) ? segments[segment] : undefined;
}
