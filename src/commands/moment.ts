import { parseDuration } from '../mapping/duration.ts';
import { TransferError } from '../model.ts';

/** `6h` before `now`, or a moment in ISO 8601; milliseconds since 1970. Throws `USAGE`. */
export function momentOf(text: string, now: number): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new TransferError('USAGE', `--since: found "${text}"`, {
    hint: 'give a length of time such as 6h or 2d, or a moment such as 2026-11-20T06:00Z',
  });
}
