import type { Called } from '../split.ts';
import type { BrazeApi } from './api.ts';
import { classify } from './classify.ts';

/**
 * Sends the attributes of users in one call. Where Braze says yes and names users in free text, whether they are meant is found out by
 * sending those alone. Throws the signal's reason only.
 */
export async function trackUsers(
  users: readonly { json: string }[],
  api: BrazeApi,
  signal: AbortSignal,
): Promise<Called> {
  const judged = classify(await api.track(trackBody(users), signal), users);
  if (!('suspects' in judged)) return judged;
  const suspects = users.filter((_, place) => judged.suspects.has(place));
  const alone = classify(await api.track(trackBody(suspects), signal), suspects);
  if ('suspects' in alone) return alone.suspects.size === suspects.length ? judged : { refused: judged.refused };
  if ('refused' in alone) return judged;
  return alone.answers.every(({ kind }) => kind === 'rejected') ? judged : { refused: judged.refused };
}

export function trackBody(users: readonly { json: string }[]): string {
  return `{"attributes":[${users.map(({ json }) => json).join(',')}]}`;
}
