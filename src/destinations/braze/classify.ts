import type { Answer } from '../../model.ts';
import { haltOf } from '../halt.ts';
import type { Asked, Reply } from '../patience.ts';
import { jsonObject, listOf, objectOf } from '../reply-json.ts';
import { all, type Called } from '../split.ts';
import { clean, impersonal } from '../words.ts';

export const PROVIDER = 'Braze';

/** A yes with errors in free text, which seem to be about the users at these places. Whether they are is found out by sending those alone. */
export interface Suspicion {
  suspects: ReadonlySet<number>;
  /** What follows where the suspicion is right. */
  answers: readonly Answer[];
  /** What follows where it is not. */
  refused: Answer;
}

/**
 * What the answer to tracked attributes means for the users of the call. Total: every answer has a meaning. A yes of Braze
 * means queued. Errors beside it are about single users, and name them by their place.
 */
export function classify(asked: Asked, users: readonly unknown[]): Called | Suspicion {
  if ('stopped' in asked) return all(users, asked.stopped);
  const { reply } = asked;
  const { status } = reply;
  if (status === 200 || status === 201 || status === 202) return tracked(reply, users);
  if (status === 400 || status === 413 || status === 422 || status === 431) {
    const reason = said(reply) || `${PROVIDER} answered ${status}`;
    return { refused: { kind: 'rejected', code: `HTTP_${status}`, reason, http: status } };
  }
  return all(users, halted(reply));
}

function tracked(reply: Reply, users: readonly unknown[]): Called | Suspicion {
  const http = reply.status;
  const object = reply.truncated ? undefined : jsonObject(reply.body);
  const processed = object?.attributes_processed;
  if (!object || (object.message !== 'success' && typeof processed !== 'number')) {
    const reason = `${PROVIDER} answered ${http} without "success", so the answer may come from something in between`;
    return all(users, { kind: 'unknown', code: 'BAD_ANSWER', reason, http });
  }
  const errors = listOf(object.errors).map((error) => placed(error, users.length));
  const refused = refusal(errors[0]?.words, http);
  const taken = typeof processed === 'number' ? processed : users.length;
  if (users.length === 1) return errors.length > 0 || taken < 1 ? { refused } : all(users, accepted(taken, http));

  const bad = new Map<number, string>();
  for (const { place, words } of errors) if (place !== undefined) bad.set(place, words);
  if (errors.some(({ place }) => place === undefined) || users.length - bad.size > taken) return { refused };
  const answers = users.map((_, i) => (bad.has(i) ? refusal(bad.get(i), http) : accepted(taken, http)));
  return errors.every(({ certain }) => certain) ? { answers } : { suspects: new Set(bad.keys()), answers, refused };
}

interface PlacedError {
  words: string;
  /** The user's place in the call, from 0. */
  place?: number;
  /** Said in a field of its own, not read out of a text. */
  certain: boolean;
}

const IN_TEXT = /\b(?:attributes?|index|object|user|position)\b[^\d\n]{0,12}(\d{1,3})\b/i;

function placed(error: unknown, users: number): PlacedError {
  const object = objectOf(error);
  const text = object ? (object.type ?? object.message) : error;
  const words = typeof text === 'string' ? impersonal(clean(text)) : '';
  const index = object ? object.index : Number(IN_TEXT.exec(words)?.[1] ?? Number.NaN);
  const known = typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < users;
  return { words, certain: object !== undefined, ...(known ? { place: index } : {}) };
}

function accepted(processed: number, http: number): Answer {
  return { kind: 'accepted', proof: { kind: 'batch_counts', eventId: `attributes_processed=${processed}` }, http };
}

function refusal(words: string | undefined, http: number): Answer {
  const reason = words || `${PROVIDER} did not process the user, and does not say why`;
  return { kind: 'rejected', code: 'ROW_REFUSED', reason, http };
}

function halted(reply: Reply): Answer {
  return haltOf(reply, {
    provider: PROVIDER,
    said: said(reply),
    unauthorized: 'the key is not accepted; check apiKey, and url: a key works at the instance of its workspace only',
    forbidden: 'the key lacks the permission users.track, or this address is not on its list',
  });
}

/** Braze's own words on an error: `{message, errors}`. */
function said(reply: Reply): string {
  const object = reply.truncated ? undefined : jsonObject(reply.body);
  const words = [object?.message, ...listOf(object?.errors)].map((error) => {
    const text = objectOf(error)?.type ?? error;
    return typeof text === 'string' ? text : '';
  });
  return impersonal(clean(words.filter((text) => text !== '').join('; ')));
}
