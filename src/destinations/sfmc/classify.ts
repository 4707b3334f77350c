import type { Answer } from '../../model.ts';
import { afterHandingIn, haltOf } from '../halt.ts';
import type { HandedIn } from '../jobs.ts';
import { type Asked, type Reply, TOO_MANY } from '../patience.ts';
import { type JsonObject, jsonObject, objectOf } from '../reply-json.ts';
import { clean, impersonal } from '../words.ts';

export const PROVIDER = 'Salesforce Marketing Cloud';

/** Error codes of Salesforce that mean too many calls, whatever the status. */
const BUSY: ReadonlySet<string> = new Set(['50100', '50200']);

export function busy(reply: Reply): string | undefined {
  return reply.status >= 400 && BUSY.has(errorOf(reply).code) ? TOO_MANY : undefined;
}

/** What the answer to rows that were handed in means for them. Total: every answer has a meaning. */
export function handedIn(asked: Asked): HandedIn {
  if ('stopped' in asked) return { answer: asked.stopped };
  const { reply } = asked;
  const { status } = reply;
  if (status >= 200 && status < 300 && status !== 204) {
    const requestId = bodyOf(reply)?.requestId;
    if (typeof requestId === 'string' && /^[\w-]{1,64}$/.test(requestId)) return { job: requestId };
    const reason = `${PROVIDER} answered ${status} and named no request, so nobody knows what became of the rows`;
    return { answer: { kind: 'unknown', code: 'BAD_ANSWER', reason, http: status } };
  }
  if (status === 400 || status === 413 || status === 422 || status === 431) {
    const { code, message } = errorOf(reply);
    const reason = message || `${PROVIDER} answered ${status}`;
    return { refused: { kind: 'rejected', code: code || `HTTP_${status}`, reason, http: status } };
  }
  return { answer: halted(reply) };
}

/** How far a request is. `later`: not done yet, as far as this answer says. */
export type Progress = 'later' | 'all-well' | 'with-errors' | { stopped: Answer };

/** The answer to a look. `status` is missing until the request is picked up. */
export function progressOf(asked: Asked): Progress {
  if ('stopped' in asked) return { stopped: afterHandingIn(asked.stopped) };
  const { reply } = asked;
  if (reply.status === 404) return 'later';
  if (reply.status !== 200) return { stopped: afterHandingIn(halted(reply)) };
  const status = objectOf(bodyOf(reply)?.status);
  if (!status) return 'later';
  const { requestStatus, resultStatus, hasErrors } = status;
  if (requestStatus !== 'Complete' && requestStatus !== 'Error') return 'later';
  return requestStatus === 'Complete' && hasErrors === false && resultStatus === 'OK' ? 'all-well' : 'with-errors';
}

/** A page of results. */
export interface ResultsPage {
  page: number;
  /** Of all pages. */
  count: number;
  items: readonly JsonObject[];
}

export function resultsPage(asked: Asked): ResultsPage | { stopped: Answer } {
  if ('stopped' in asked) return { stopped: afterHandingIn(asked.stopped) };
  const { reply } = asked;
  if (reply.status !== 200) return { stopped: afterHandingIn(halted(reply)) };
  const { page, count, items } = bodyOf(reply) ?? {};
  if (typeof page !== 'number' || typeof count !== 'number' || !Array.isArray(items)) return { stopped: unreadable() };
  const records = items.map(objectOf).filter((item) => item !== undefined);
  return records.length === items.length ? { page, count, items: records } : { stopped: unreadable() };
}

function unreadable(): Answer {
  const reason = `${PROVIDER} gave results that cannot be read, so nobody knows what became of the rows`;
  return { kind: 'unknown', code: 'RESULTS_INCOMPLETE', reason, http: 200 };
}

/** Deadlocks of the data extension, and a code that Salesforce says to try again. */
const AGAIN = /\bRerun the transaction\.?\s*$/i;

/** What an item of the results says of its row. `proof`: names the row's result. */
export function rowAnswer(item: JsonObject, proof: string): Answer {
  if (item.status === 'OK') return { kind: 'accepted', proof: { kind: 'row_result', eventId: proof }, http: 200 };
  const code = codeOf(item.errorCode);
  const message = typeof item.message === 'string' ? impersonal(clean(item.message)) : '';
  if (item.status !== 'Error') {
    const reason = `${PROVIDER} says neither OK nor Error of the row`;
    return { kind: 'unknown', code: 'BAD_ANSWER', reason, http: 200 };
  }
  if (AGAIN.test(typeof item.message === 'string' ? item.message : '') || code === '10006') {
    return { kind: 'retryable', code: 'DEADLOCK', reason: message || `${PROVIDER} asks to send it again`, http: 200 };
  }
  return { kind: 'rejected', code: code || 'ROW_REFUSED', reason: message || `${PROVIDER} refused the row`, http: 200 };
}

function halted(reply: Reply): Answer {
  const { code, message } = errorOf(reply);
  return haltOf(reply, {
    provider: PROVIDER,
    said: [code, message].filter((text) => text !== '').join(': '),
    unauthorized: 'a new token was refused, too; check the installed package and accountId',
    forbidden:
      'the installed package needs the right Data Extensions: Write; a token keeps the rights it was given with, for up to 20 minutes',
    where: 'subdomain, restUrl',
    misrouted: {
      404: 'there is no such data extension in this business unit; check dataExtension and accountId',
      405: 'rows are not taken there; check restUrl',
    },
  });
}

/** `{message, errorcode}`, or the first of `resultMessages`; empty where the body is neither. */
export function errorOf(reply: Reply): { code: string; message: string } {
  const object = bodyOf(reply);
  const first = Array.isArray(object?.resultMessages) ? objectOf(object.resultMessages[0]) : undefined;
  const message = object?.message ?? first?.message;
  return {
    code: codeOf(object?.errorcode ?? object?.errorCode ?? first?.resultCode),
    message: typeof message === 'string' ? impersonal(clean(message)) : '',
  };
}

function codeOf(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^[\w.-]{1,64}$/.test(text) ? text : '';
}

export function bodyOf(reply: Reply): JsonObject | undefined {
  return reply.truncated ? undefined : jsonObject(reply.body);
}
