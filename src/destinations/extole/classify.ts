import { retryAfterMs } from '../../delivery/backoff.ts';
import { type HttpReply, PRIVATE_ADDRESS } from '../../delivery/http.ts';
import type { Answer, EventRecord } from '../../model.ts';
import { clean, impersonal, withoutValues } from '../words.ts';
import { idText, jsonObject } from './reply-json.ts';

export { clean, impersonal };

export type EventsApi = 'v5' | 'v6';

/**
 * What a reply to a posted event means for its row. Total: every reply has an answer. A 2xx of Extole means accepted, not
 * matched to a program; a 5xx may have been accepted (Extole's own error guide says so); nothing but a 200 that names the
 * event is a yes. `now`: milliseconds since 1970, for a Retry-After that gives a date.
 */
export function classify(reply: HttpReply, api: EventsApi, now: number): Answer {
  if (reply.kind === 'not-sent') return notSent(reply);
  if (reply.kind === 'ambiguous') {
    return {
      kind: 'unknown',
      code: 'NO_ANSWER',
      reason: `no clear answer: ${clean(reply.message)} (${clean(reply.code)})`,
    };
  }
  const { status } = reply;
  if (status === 200) return ok(reply, api);
  if (status >= 500 || status < 200) {
    const reason = `Extole answered ${status}${said(reply)}; the event may have been accepted`;
    return { kind: 'unknown', code: 'SERVER_ERROR', reason, ...afterOf(reply, now), http: status };
  }
  if (status < 400 || status === 404 || status === 405 || status === 421) return misrouted(reply);
  switch (status) {
    case 400:
    case 413:
    case 422:
    case 431:
      return rejected(reply);
    case 408:
    case 425:
    case 429:
      return later(reply, now);
    case 401:
      return halted(reply, 'UNAUTHORIZED', 'the token is not accepted; check the token setting');
    case 402:
      return halted(reply, 'PAYMENT_REQUIRED', 'the account is unpaid; ask Extole');
    case 403:
      return halted(
        reply,
        'FORBIDDEN',
        'the token may not send events; it needs a token of the account with that right',
      );
    case 415:
      return halted(reply, 'UNSUPPORTED_MEDIA_TYPE', 'JSON is not accepted there; check the URL and path settings');
    default:
      return halted(
        reply,
        'UNEXPECTED_STATUS',
        'Extole does not document this answer; check the URL settings and any proxy',
      );
  }
}

type Reply = Extract<HttpReply, { kind: 'reply' }>;

function notSent(reply: Extract<HttpReply, { kind: 'not-sent' }>): Answer {
  const detail = `${clean(reply.message)} (${clean(reply.code)})`;
  if (reply.tls) {
    const reason = `the server could not prove that it is Extole, so nothing was sent: ${detail}`;
    return { kind: 'halted', code: 'TLS', reason };
  }
  if (reply.code === PRIVATE_ADDRESS) {
    const reason = `nothing was sent: ${clean(reply.message)}; Extole is on the internet. Check the URL and DNS; allowPrivateAddresses allows it`;
    return { kind: 'halted', code: PRIVATE_ADDRESS, reason };
  }
  return { kind: 'retryable', code: 'NOT_SENT', reason: `nothing was sent: ${detail}` };
}

function ok(reply: Reply, api: EventsApi): Answer {
  const complaint = reply.header('x-extole-error-message');
  if (complaint !== undefined) {
    const reason = impersonal(clean(complaint)) || 'Extole answered with an empty error message';
    return { kind: 'rejected', code: 'EXTOLE_ERROR_MESSAGE', reason, http: 200 };
  }
  const object = reply.truncated ? undefined : jsonObject(reply.body);
  if (!object) return unreadable('is not a JSON object');
  const eventId =
    idText(object, 'event_id', reply.body) ?? (api === 'v5' ? idText(object, 'id', reply.body) : undefined);
  if (eventId === undefined) return unreadable('names no event');
  const personId = idText(object, 'person_id', reply.body);
  if (personId === undefined) return { kind: 'accepted', proof: { kind: 'event_id', eventId }, http: 200 };
  return { kind: 'accepted', proof: { kind: 'person_id', eventId, personId }, http: 200 };
}

function unreadable(what: string): Answer {
  const reason = `the answer 200 ${what}, so it may come from Extole or from something in between`;
  return { kind: 'unknown', code: 'BAD_ANSWER', reason, http: 200 };
}

/**
 * Extole's events API never answers so. A 204 is documented for requests that came to a wrong host; another 2xx is a yes to
 * somebody's ears, so whoever gave it may have passed the event on.
 */
function misrouted(reply: Reply): Answer {
  const { status } = reply;
  const doubtful = status > 200 && status < 300 && status !== 204;
  const hint = 'this is not the events API: check apiUrl, eventsUrl and paths';
  const reason = `the answer was ${status}${said(reply)}; ${hint}${doubtful ? '; the event may have been accepted' : ''}`;
  return { kind: 'halted', code: 'MISROUTED', reason, http: status, ...(doubtful ? { doubtful } : {}) };
}

function rejected(reply: Reply): Answer {
  const error = errorOf(reply);
  const reason = error.message || `Extole answered ${reply.status}`;
  return {
    kind: 'rejected',
    code: error.code || `HTTP_${reply.status}`,
    reason,
    http: reply.status,
    ...(error.uniqueId ? { uniqueId: error.uniqueId } : {}),
  };
}

/** What a Retry-After asks for, where there is one. */
function afterOf(reply: Reply, now: number): { afterMs?: number } {
  const after = retryAfterMs(reply.header('retry-after'), now);
  return after === undefined ? {} : { afterMs: after };
}

function later(reply: Reply, now: number): Answer {
  return {
    kind: 'retryable',
    code: reply.status === 429 ? 'THROTTLED' : `HTTP_${reply.status}`,
    reason: `Extole answered ${reply.status}${said(reply)}`,
    ...afterOf(reply, now),
    http: reply.status,
  };
}

function halted(reply: Reply, code: string, hint: string): Answer {
  return { kind: 'halted', code, reason: `Extole answered ${reply.status}${said(reply)}: ${hint}`, http: reply.status };
}

/** Extole's own words on an error, for a reason: ` method_unauthorized (Unauthorized access to this endpoint)`. */
function said(reply: Reply): string {
  const { code, message } = errorOf(reply);
  if (!code) return '';
  return message ? ` ${code} (${message})` : ` ${code}`;
}

/** Extole's error body `{unique_id, http_status_code, code, message, parameters}`; empty where the body is none. */
export function errorOf(reply: Reply): { code: string; message: string; uniqueId: string } {
  const object = reply.truncated ? undefined : jsonObject(reply.body);
  const code = object?.code;
  const message = object?.message;
  const uniqueId = object?.unique_id;
  return {
    code: typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : '',
    message: typeof message === 'string' ? impersonal(clean(message)) : '',
    uniqueId: typeof uniqueId === 'string' ? clean(uniqueId).slice(0, 64) : '',
  };
}

/** Fields of an event that say who somebody is, by their names: Extole's own, and what others are called. */
const WHO = /mail|phone|name|user|person|member|birth|address|street|city|zip|postal|customer/i;

/** What Extole says of a row, without what the row says of a person. */
export function withoutPerson(answer: Answer, { data }: Pick<EventRecord, 'data'>): Answer {
  if (answer.kind === 'accepted') return answer;
  return withoutValues(
    answer,
    Object.entries(data).flatMap(([name, value]) => (WHO.test(name) ? [value] : [])),
  );
}
