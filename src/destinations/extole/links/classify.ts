import { retryAfterMs } from '../../../delivery/backoff.ts';
import { type HttpReply, PRIVATE_ADDRESS } from '../../../delivery/http.ts';
import type { Answer } from '../../../model.ts';
import { clean, errorOf } from '../classify.ts';
import { jsonObject } from '../reply-json.ts';

/** What came of one call about persons, links or reports. */
export type Said =
  /** A 200. */
  | { kind: 'ok'; body: string }
  /** A clear no to this call, by Extole's code; nothing was done. `parameters` as they came. */
  | { kind: 'refused'; code: string; reason: string; http: number; uniqueId: string; parameters: unknown }
  | Exclude<Answer, { kind: 'accepted' | 'rejected' }>;

type Reply = Extract<HttpReply, { kind: 'reply' }>;

/**
 * What Extole says of one person or link. It goes by the code: the status beside a code differs between Extole's
 * specification (403) and its guides (400, 404).
 */
const REFUSALS: ReadonlySet<string> = new Set([
  'blocked_content_url',
  'code_contains_reserved_word',
  'code_illegal_character',
  'code_out_of_range',
  'code_taken',
  'code_taken_by_promotion',
  'content_description_length_exceeded',
  'content_image_url_invalid',
  'content_url_length_out_of_range',
  'data_attribute_name_invalid',
  'data_attribute_name_length_out_of_range',
  'data_attribute_value_invalid',
  'data_attribute_value_length_out_of_range',
  'identity_key_value_already_taken',
  'invalid_content_url',
  'invalid_key_value',
  'person_not_found',
  'person_not_rewardable',
  'shareable_key_taken',
  'shareable_not_found',
]);

/** What is wrong with the settings: it would be said of everybody. */
const OF_SETTINGS: ReadonlyMap<string, string> = new Map([
  ['invalid_program', 'check programUrl and programUrlField'],
  ['label_is_missing', 'check label'],
  ['label_name_contains_illegal_character', 'check label'],
  ['label_name_length_out_of_range', 'check label'],
  ['program_domain_not_found', 'check programUrl'],
  ['unknown_program', 'check programUrl'],
]);

/** Total: every reply means something. `now`: milliseconds since 1970. */
export function classifyCall(reply: HttpReply, now: number): Said {
  if (reply.kind === 'not-sent') return notSent(reply);
  if (reply.kind === 'ambiguous') {
    const reason = `no clear answer: ${clean(reply.message)} (${clean(reply.code)})`;
    return { kind: 'unknown', code: 'NO_ANSWER', reason };
  }
  const { status } = reply;
  if (status === 200) return reply.truncated ? badAnswer('is too long') : { kind: 'ok', body: reply.body };
  const { code } = errorOf(reply);
  if (status === 429 || code === 'too_many_requests') return later(reply, 'THROTTLED', now);
  if (status === 408 || status === 425) return later(reply, `HTTP_${status}`, now);
  if (status >= 500 || status < 200 || code === 'software_error') {
    const reason = `Extole answered ${status}${said(reply)}; what was asked may have been done`;
    return { kind: 'unknown', code: 'SERVER_ERROR', reason, ...afterOf(reply, now), http: status };
  }
  if (status < 400) return misrouted(reply);
  if (REFUSALS.has(code)) return refused(reply);
  const hint = OF_SETTINGS.get(code);
  if (hint !== undefined) return halted(reply, code, hint);
  return byStatus(reply, code);
}

function byStatus(reply: Reply, code: string): Said {
  const { status } = reply;
  if (status === 401 || code === 'method_unauthorized' || code === 'missing_access_token') {
    const hint = 'the token is not accepted here; it needs the right to read and make persons and their links';
    return halted(reply, 'UNAUTHORIZED', hint);
  }
  if (status === 402 || code === 'payment_required') {
    return halted(reply, 'PAYMENT_REQUIRED', 'the account is unpaid; ask Extole');
  }
  if (status === 403) {
    return halted(reply, 'FORBIDDEN', 'the token needs the right to read and make persons and their links');
  }
  if (status === 415) {
    return halted(reply, 'UNSUPPORTED_MEDIA_TYPE', 'JSON is not accepted there; check apiUrl and paths');
  }
  if (status === 404 || status === 405 || status === 421) {
    // Extole's own words on an address that it does not have are none about a person.
    return ['', 'not_found', 'method_not_allowed'].includes(code) ? misrouted(reply) : refused(reply);
  }
  if (status === 400 || status === 409 || status === 413 || status === 422 || status === 431) return refused(reply);
  return halted(reply, 'UNEXPECTED_STATUS', 'Extole does not document this answer; check apiUrl and any proxy');
}

function notSent(reply: Extract<HttpReply, { kind: 'not-sent' }>): Said {
  const detail = `${clean(reply.message)} (${clean(reply.code)})`;
  if (reply.tls) {
    const reason = `the server could not prove that it is Extole, so nothing was sent: ${detail}`;
    return { kind: 'halted', code: 'TLS', reason };
  }
  if (reply.code === PRIVATE_ADDRESS) {
    const reason = `nothing was sent: ${clean(reply.message)}; Extole is on the internet. Check apiUrl and DNS; allowPrivateAddresses allows it`;
    return { kind: 'halted', code: PRIVATE_ADDRESS, reason };
  }
  return { kind: 'retryable', code: 'NOT_SENT', reason: `nothing was sent: ${detail}` };
}

/** A 200 that does not say what it should. */
export function badAnswer(what: string): Extract<Said, { kind: 'unknown' }> {
  const reason = `the answer 200 ${what}, so it may come from Extole or from something in between`;
  return { kind: 'unknown', code: 'BAD_ANSWER', reason, http: 200 };
}

/** A 2xx that Extole does not document is a yes to somebody's ears. */
function misrouted(reply: Reply): Said {
  const { status } = reply;
  const doubtful = status > 200 && status < 300 && status !== 204;
  const reason = `the answer was ${status}${said(reply)}; this is not the API: check apiUrl and paths`;
  return { kind: 'halted', code: 'MISROUTED', reason, http: status, ...(doubtful ? { doubtful } : {}) };
}

function refused(reply: Reply): Said {
  const { code, message, uniqueId } = errorOf(reply);
  return {
    kind: 'refused',
    code: code || `HTTP_${reply.status}`,
    reason: message || `Extole answered ${reply.status}`,
    http: reply.status,
    uniqueId,
    parameters: jsonObject(reply.body)?.parameters,
  };
}

/** What a Retry-After asks for, where there is one. */
function afterOf(reply: Reply, now: number): { afterMs?: number } {
  const after = retryAfterMs(reply.header('retry-after'), now);
  return after === undefined ? {} : { afterMs: after };
}

function later(reply: Reply, code: string, now: number): Said {
  const reason = `Extole answered ${reply.status}${said(reply)}`;
  return { kind: 'retryable', code, reason, ...afterOf(reply, now), http: reply.status };
}

function halted(reply: Reply, code: string, hint: string): Said {
  return { kind: 'halted', code, reason: `Extole answered ${reply.status}${said(reply)}: ${hint}`, http: reply.status };
}

/** Extole's own words on an error. */
function said(reply: Reply): string {
  const { code, message } = errorOf(reply);
  if (!code) return '';
  return message ? ` ${code} (${message})` : ` ${code}`;
}

/** A refusal as the answer for its person. */
export function asRejected({ code, reason, http, uniqueId }: Extract<Said, { kind: 'refused' }>): Answer & {
  kind: 'rejected';
} {
  return { kind: 'rejected', code, reason, http, ...(uniqueId === '' ? {} : { uniqueId }) };
}
