import type { Answer } from '../../model.ts';
import { haltOf } from '../halt.ts';
import type { Reply } from '../patience.ts';
import { type JsonObject, jsonObject, listOf, objectOf } from '../reply-json.ts';
import { clean, impersonal } from '../words.ts';

/** An error of HubSpot, of a whole call or of one input. Every field may be missing there; empty here. */
export interface HubspotError {
  /** The most exact code that it names, such as `INVALID_EMAIL`; else its category, such as `VALIDATION_ERROR`. */
  code: string;
  category: string;
  message: string;
  /** The contact that exists already. */
  existingId: string;
  /** What it is about: our trace ids; record ids, or the values that were asked for. */
  traceIds: readonly string[];
  ids: readonly string[];
}

/** Statuses of a call that is refused because of something in it. */
const REFUSALS: ReadonlySet<number> = new Set([400, 409, 413, 414, 422, 431]);

/**
 * What a whole answer that is no yes, and no trouble that passes, means for the profiles in the call. Total. `rejected` and `retryable`:
 * the call was refused because of something in it.
 */
export function classify(reply: Reply): Answer {
  const { status } = reply;
  if (status >= 200 && status < 300) return badAnswer(status, 'is not what this call is answered with');
  const error = errorOf(reply);
  if (REFUSALS.has(status) || (status === 404 && isNotFound(error))) return refusedFor(error, status);
  return haltOf(reply, {
    provider: 'HubSpot',
    said: [error.code, error.message].filter((word) => word !== '').join(': '),
    unauthorized: 'the token is not accepted; check the token setting',
    forbidden: 'the app may not do this; give it the scopes that the token setting names',
  });
}

/** Whether a 429 is of the account's day; any other one is over within seconds. */
export function isDailyLimit(reply: Reply): boolean {
  return reply.status === 429 && /daily/i.test(textOf(jsonObject(reply.body)?.policyName));
}

/** Whether HubSpot is busy with the contacts, and asks to come back. */
export function busy(reply: Reply): string | undefined {
  return reply.status === 423 ? 'it is locked while HubSpot works on it' : undefined;
}

const OBJECT_NOT_FOUND = 'OBJECT_NOT_FOUND';
/** Categories of what is HubSpot's own trouble, and passes. */
const PASSING = /RATE_LIMIT|INTERNAL|TIMEOUT|UNAVAILABLE|SERVER_ERROR|LOCKED/;
/** Codes of what is wrong with the properties that we set, whoever the contact is. */
const OF_SETTINGS = /^(?:PROPERTY_DOESNT_EXIST|READ_ONLY_VALUE|CANNOT_WRITE_CALCULATED_PROPERTY)$/;

const UNUSABLE = 'PROPERTY_UNUSABLE';

/** Whether a call that names a property was refused because there may be none of the name: HubSpot says so with a code, or in words only. */
export function maySayNoProperty(answer: Answer): boolean {
  return answer.kind === 'rejected' || (answer.kind === 'halted' && answer.code === UNUSABLE);
}

/** What an error about an input means for its profile. */
export function refusedFor(error: HubspotError, http: number): Answer {
  const { code, category } = error;
  const reason = error.message || `HubSpot answered ${http}`;
  if (OF_SETTINGS.test(code)) {
    const hint = 'make the property in HubSpot, or check its spelling and that it can be written';
    return { kind: 'halted', code: UNUSABLE, reason: `${reason}: ${hint}`, http };
  }
  if (category === OBJECT_NOT_FOUND) {
    const gone = 'the contact was deleted or merged meanwhile; the next try looks for it anew';
    return { kind: 'retryable', code: 'CONTACT_GONE', reason: gone, http };
  }
  if (PASSING.test(category)) return { kind: 'retryable', code: category, reason, http };
  return { kind: 'rejected', code: code || category || `HTTP_${http}`, reason, http };
}

export function isNotFound(error: HubspotError): boolean {
  return error.category === OBJECT_NOT_FOUND;
}

export function isConflict(error: HubspotError): boolean {
  return /^(?:CONFLICT|OBJECT_ALREADY_EXISTS)$/.test(error.category) || error.existingId !== '';
}

/** The error of a call; empty where the body is none. */
export function errorOf(reply: Reply): HubspotError {
  return readError(jsonObject(reply.body) ?? {});
}

const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;
/** Property errors come as JSON inside a message: `Property values were not valid: [{"error":"INVALID_EMAIL",...}]`. */
const INNER_CODE = /"(?:error|code)"\s*:\s*"([A-Z][A-Z0-9_]{1,63})"/;
const INNER_MESSAGE = /"message"\s*:\s*("(?:[^"\\]|\\.){1,500}")/;
const EXISTING = /existing id:\s*(\d{1,19})|(\d{1,19}) already has that value/i;

/** An error as HubSpot has it at the top of a refusal, and in the `errors` of a 207. */
export function readError(object: JsonObject): HubspotError {
  const message = textOf(object.message);
  const context = objectOf(object.context);
  const named = listOf(object.errors)
    .map((one) => textOf(objectOf(one)?.code))
    .find((code) => CODE.test(code));
  const category = CODE.exec(textOf(object.category))?.[0] ?? '';
  const existing = EXISTING.exec(message);
  return {
    code: INNER_CODE.exec(message)?.[1] ?? named ?? category,
    category,
    message: impersonal(clean(innerMessage(message) ?? message)),
    existingId: existing?.[1] ?? existing?.[2] ?? '',
    traceIds: [object.objectWriteTraceId, context?.objectWriteTraceId].flatMap(texts),
    ids: [context?.ids, context?.id].flatMap(texts),
  };
}

/** What people should read of such JSON. */
function innerMessage(message: string): string | undefined {
  const quoted = INNER_MESSAGE.exec(message)?.[1];
  if (quoted === undefined) return undefined;
  try {
    return textOf(JSON.parse(quoted));
  } catch {
    return undefined;
  }
}

function texts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map(textOf).filter((text) => text !== '');
}

export function badAnswer(status: number, what: string): Answer {
  const reason = `the answer ${status} ${what}, so it may come from HubSpot or from something in between`;
  return { kind: 'unknown', code: 'BAD_ANSWER', reason, http: status };
}

/** Ids come as text, and as numbers in places. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
