import type { Answer } from '../../model.ts';
import { haltOf } from '../halt.ts';
import { type Asked, type Reply, TOO_MANY } from '../patience.ts';
import type { Profile } from '../profile.ts';
import { type JsonObject, jsonObject, listOf, objectOf } from '../reply-json.ts';
import { all, type Called } from '../split.ts';
import { clean, impersonal } from '../words.ts';

export const PROVIDER = 'Iterable';

/** Codes of Iterable that no single user is the cause of, whatever the status. */
export const OF_THE_KEY: ReadonlySet<string> = new Set(['BadApiKey', 'BadAuthorizationHeader', 'Unauthorized']);
const OF_THE_PROJECT: ReadonlySet<string> = new Set(['UniqueFieldsLimitExceeded', 'Forbidden']);

/** What the lists of failed users mean. A list that is not named here refuses its users all the same. */
const LISTS: Readonly<Record<string, string>> = {
  conflictEmails: 'another user of the project has this e-mail address',
  conflictUserIds: 'another user of the project has this userId',
  forgottenEmails: 'the project was told to forget this person, and takes no data on them',
  forgottenUserIds: 'the project was told to forget this person, and takes no data on them',
  invalidDataEmails: 'Iterable does not take the fields of this user',
  invalidDataUserIds: 'Iterable does not take the fields of this user',
  invalidEmails: 'Iterable does not take this e-mail address',
  invalidUserIds: 'Iterable does not take this userId',
  notFoundEmails: 'the project has no user with this e-mail address',
  notFoundUserIds: 'the project has no user with this userId, and preferUserId does not say to make one',
};

/** Whether an answer that is no 429 asks to come back later. */
export function busy(reply: Reply): string | undefined {
  return reply.status >= 400 && errorOf(reply).code === 'RateLimitExceeded' ? TOO_MANY : undefined;
}

/**
 * What the answer to a bulk update means for its users. Total: every answer has a meaning. Iterable names failed users by
 * identifier only; where fewer are named than failed, the call is refused, so that it is made again in parts: doing so does no harm.
 */
export function classify(asked: Asked, users: readonly Profile[]): Called {
  if ('stopped' in asked) return all(users, asked.stopped);
  const { reply } = asked;
  const { status } = reply;
  if (status === 200) return updated(reply, users);
  const error = errorOf(reply);
  if (OF_THE_KEY.has(error.code)) return all(users, halted(reply, 401));
  if (OF_THE_PROJECT.has(error.code)) return all(users, halted(reply, 403));
  if (status === 400 || status === 409 || status === 413 || status === 422 || status === 431) {
    const reason = mismatch(reply) || error.message || `${PROVIDER} answered ${status}`;
    return { refused: { kind: 'rejected', code: error.code || `HTTP_${status}`, reason, http: status } };
  }
  return all(users, halted(reply));
}

function updated(reply: Reply, users: readonly Profile[]): Called {
  const object = reply.truncated ? undefined : jsonObject(reply.body);
  const [good, bad] = [object?.successCount, object?.failCount];
  if (!object || typeof good !== 'number' || typeof bad !== 'number') {
    const reason = `${PROVIDER} answered 200 without counts, so the answer may come from something in between`;
    return all(users, { kind: 'unknown', code: 'BAD_ANSWER', reason, http: 200 });
  }
  const dropped = droppedField(object, users);
  if (dropped !== undefined) return all(users, fieldDropped(dropped));
  const failed = failures(object, users);
  if (users.length - failed.size > good || bad > failed.size) {
    return { refused: { kind: 'rejected', code: 'ROW_REFUSED', reason: notUpdated(object), http: 200 } };
  }
  const accepted: Answer = {
    kind: 'accepted',
    proof: { kind: 'batch_counts', eventId: `successCount=${good}` },
    http: 200,
  };
  return { answers: users.map((_, i) => failed.get(i) ?? accepted) };
}

/** One of our fields that Iterable did not store. */
function droppedField(object: JsonObject, users: readonly Profile[]): string | undefined {
  const dropped = new Set(listOf(object.filteredOutFields).filter((name) => typeof name === 'string'));
  if (dropped.size === 0) return undefined;
  for (const { fields } of users) for (const name of Object.keys(fields)) if (dropped.has(name)) return name;
  return undefined;
}

function fieldDropped(name: string): Answer {
  const reason =
    `${PROVIDER} does not store the field "${name}": the project has no such field, and its setting "Drop Unrecognized User Fields" is on. ` +
    'Make the field in the project or switch that setting off, or set createNewFields: true, and run again';
  return { kind: 'halted', code: 'FIELD_DROPPED', reason, http: 200 };
}

/** The users that failed, by their place. */
function failures(object: JsonObject, users: readonly Profile[]): Map<number, Answer> {
  const found = new Map<number, Answer>();
  const places = placesOf(users);
  // Beside `failedUpdates` there are older lists of the same names.
  const older = Object.entries(object).filter(([list]) => Object.hasOwn(LISTS, list));
  for (const [list, identifiers] of [...Object.entries(objectOf(object.failedUpdates) ?? {}), ...older]) {
    const reason = LISTS[list] ?? `${PROVIDER} names this user under ${clean(list)}`;
    for (const identifier of listOf(identifiers)) {
      const name = typeof identifier === 'string' ? identifier.trim() : '';
      const place = places.get(name) ?? places.get(name.toLowerCase());
      if (place !== undefined) found.set(place, { kind: 'rejected', code: codeOf(list), reason, http: 200 });
    }
  }
  return found;
}

/** Identifiers as they were sent, and in lower case where that is nobody else's. */
function placesOf(users: readonly Profile[]): Map<string, number> {
  const places = new Map<string, number>();
  users.forEach(({ email, userId }, place) => {
    for (const identifier of [email, userId]) {
      const lower = identifier?.trim().toLowerCase();
      if (lower !== undefined && !places.has(lower)) places.set(lower, place);
    }
  });
  users.forEach(({ email, userId }, place) => {
    for (const identifier of [email, userId]) if (identifier !== undefined) places.set(identifier.trim(), place);
  });
  return places;
}

function codeOf(list: string): string {
  return /^[\w.-]{1,64}$/.test(list) ? list : 'ROW_REFUSED';
}

function notUpdated(object: JsonObject): string {
  return `${PROVIDER} did not update the user, and does not say why (successCount ${object.successCount}, failCount ${object.failCount})`;
}

/** An answer that no user is the cause of. `meant`: the status that would fit. */
export function halted(reply: Reply, meant?: number): Answer {
  const { code, message } = errorOf(reply);
  const words = {
    provider: PROVIDER,
    said: [code, message].filter((text) => text !== '').join(': '),
    unauthorized:
      'the API key is not accepted; check apiKey, and region: a key of a project in the EU works only there',
    forbidden:
      'the API key may not update users, or the project takes no more fields; a server-side key of the project is needed',
  };
  return haltOf(reply, words, meant);
}

/** Which field has another type in the project; never its value. */
function mismatch(reply: Reply): string {
  const errors = objectOf(objectOf(jsonObject(reply.body)?.params)?.validationErrors) ?? {};
  for (const [field, error] of Object.entries(errors)) {
    const expected = objectOf(error)?.expectedType;
    if (typeof expected !== 'string') continue;
    return clean(`the field "${field}" is of type ${expected} in the project for good, and this value is not`);
  }
  return '';
}

/** Iterable's error body `{code, msg, params}`; empty where the body is none. */
export function errorOf(reply: Reply): { code: string; message: string } {
  const object = reply.truncated ? undefined : jsonObject(reply.body);
  const code = object?.code;
  const message = object?.msg;
  return {
    code: typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : '',
    message: typeof message === 'string' ? impersonal(clean(message)) : '',
  };
}
