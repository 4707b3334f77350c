import { isObject, parsed } from '../json.ts';
import { type ErrorCode, errorReply, type Reply } from './errors.ts';

/** An event that the stand-in's rules let through. */
export interface SubmittedEvent {
  name: string;
  time: string;
  data: Readonly<Record<string, unknown>>;
}

/** Longest values in characters, from Extole's upload guide. */
const LIMITS = [
  ['partner_conversion_id', 38],
  ['partner_user_id', 38],
  ['first_name', 38],
  ['last_name', 38],
  ['email', 256],
] as const;

const ISO_8601 = /^\d{4}-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/**
 * A request body as an event, or the refusal that Extole documents. Stricter than it has to be: a top-level field that
 * the contract does not name is refused too, since it is a mistake of ours. `pathName`: the event's name, where the path
 * carries it; the body is the data then.
 */
export function readEvent(
  text: string,
  pathName: string | undefined,
  blocked: ReadonlySet<string>,
): SubmittedEvent | Reply {
  if (text === '') return errorReply('missing_request_body');
  const body = parsed(text);
  if (body === undefined) return errorReply('invalid_json');
  if (!isObject(body)) return errorReply('binding_error', { reason: 'the body is not an object' });
  return pathName === undefined ? wrapped(body, blocked) : checkEvent(pathName, undefined, body, blocked);
}

function wrapped(body: Readonly<Record<string, unknown>>, blocked: ReadonlySet<string>): SubmittedEvent | Reply {
  for (const field in body) {
    if (field !== 'event_name' && field !== 'event_time' && field !== 'data') {
      return errorReply('binding_error', { reason: `unknown field ${field}` });
    }
  }
  const { event_name, event_time, data } = body;
  if (typeof event_name !== 'string' || event_name.trim() === '') return errorReply('missing_event_name');
  if (data === undefined || data === null) return checkEvent(event_name, event_time, {}, blocked);
  if (!isObject(data)) return errorReply('binding_error', { reason: 'data is not an object' });
  return checkEvent(event_name, event_time, data, blocked);
}

/** An event's name, time and data by Extole's rules; `time` may stand in the data instead. */
export function checkEvent(
  name: string,
  time: unknown,
  data: Readonly<Record<string, unknown>>,
  blocked: ReadonlySet<string>,
): SubmittedEvent | Reply {
  const when = time ?? data.event_time;
  if (typeof when !== 'string' || !isTime(when)) return errorReply('invalid_event_time_format');
  for (const [field, limit] of LIMITS) {
    const value = data[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') return invalid(field, 'is not a string');
    if (value.length > limit && [...value].length > limit) return invalid(field, `is longer than ${limit} characters`);
  }
  const { email, person_id, container } = data;
  if (typeof email === 'string' && !email.includes('@')) return invalid('email', 'is not an e-mail address');
  if (person_id !== undefined && typeof person_id !== 'number') return invalid('person_id', 'is not an integer');
  if (container !== undefined && container !== 'production' && container !== 'test') {
    return invalid('container', 'is neither production nor test');
  }
  if (blocked.has(name)) return errorReply('event_blocked');
  return { name, time: when, data };
}

function invalid(field: string, what: string, code: ErrorCode = 'invalid_parameter'): Reply {
  return errorReply(code, { name: field, reason: `${field} ${what}` });
}

function isTime(text: string): boolean {
  const parts = ISO_8601.exec(text);
  if (!parts) return false;
  const [, month = '', day = '', hour = '', minute = '', second = '00'] = parts;
  // Two digits compare as text as they do as numbers.
  return (
    month >= '01' && month <= '12' && day >= '01' && day <= '31' && hour <= '23' && minute <= '59' && second <= '60'
  );
}
