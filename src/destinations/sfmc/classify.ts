import type { Answer } from '../../model.ts';
import type { HandedIn } from '../jobs.ts';
import type { Asked, Reply } from '../patience.ts';
import { type JsonObject, jsonObject, objectOf } from '../reply-json.ts';
import { clean, impersonal } from '../words.ts';

export const PROVIDER = 'Salesforce Marketing Cloud';

/** Error codes of Salesforce that mean too many calls, whatever the status. */
const BUSY: ReadonlySet<string> = new Set(['50100', '50200']);

export function isBusy(reply: Reply): boolean {
  return reply.status >= 400 && BUSY.has(errorOf(reply).code);
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
  if ('stopped' in asked) return { stopped: doubtful(asked.stopped) };
  const { reply } = asked;
  if (reply.status === 404) return 'later';
  if (reply.status !== 200) return { stopped: doubtful(halted(reply)) };
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
  if ('stopped' in asked) return { stopped: doubtful(asked.stopped) };
  const { reply } = asked;
  if (reply.status !== 200) return { stopped: doubtful(halted(reply)) };
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

/** An answer that stops everything under these settings. */
function halted(reply: Reply): Answer {
  const { status } = reply;
  const { code, message } = errorOf(reply);
  const said = `${code === '' ? '' : ` ${code}`}${message === '' ? '' : ` (${message})`}`;
  const [why, hint] = WHY[status] ?? [
    status < 400 ? 'MISROUTED' : 'UNEXPECTED_STATUS',
    'this is not documented; check subdomain, restUrl and any proxy',
  ];
  return { kind: 'halted', code: why, reason: `${PROVIDER} answered ${status}${said}: ${hint}`, http: status };
}

const WHY: Readonly<Record<number, readonly [code: string, hint: string]>> = {
  401: ['UNAUTHORIZED', 'a new token was refused, too; check the installed package and accountId'],
  402: ['PAYMENT_REQUIRED', 'the account is unpaid; ask Salesforce'],
  403: [
    'FORBIDDEN',
    'the installed package needs the right Data Extensions: Write; a token keeps the rights it was given with, for up to 20 minutes',
  ],
  404: ['MISROUTED', 'there is no such data extension in this business unit; check dataExtension and accountId'],
  405: ['MISROUTED', 'rows are not taken there; check restUrl'],
  415: ['UNSUPPORTED_MEDIA_TYPE', 'JSON is not accepted there; check restUrl'],
};

/** What is asked after rows were handed in says nothing against their having been accepted. */
function doubtful(answer: Answer): Answer {
  if (answer.kind === 'halted') return { ...answer, doubtful: true };
  if (answer.kind !== 'retryable') return answer;
  const { code, reason, http } = answer;
  return { kind: 'unknown', code, reason, ...(http === undefined ? {} : { http }) };
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
