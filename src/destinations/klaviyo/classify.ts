import type { Answer } from '../../model.ts';
import { afterHandingIn, haltOf } from '../halt.ts';
import type { HandedIn } from '../jobs.ts';
import type { Asked, Reply } from '../patience.ts';
import { type JsonObject, jsonObject, objectOf } from '../reply-json.ts';
import { clean, impersonal } from '../words.ts';

export const PROVIDER = 'Klaviyo';

/** What the answer to a new import job means for its profiles. Total: every answer has a meaning. */
export function handedIn(asked: Asked): HandedIn {
  if ('stopped' in asked) return { answer: asked.stopped };
  const { reply } = asked;
  const { status } = reply;
  if (status >= 200 && status < 300 && status !== 204) {
    const id = objectOf(bodyOf(reply)?.data)?.id;
    if (typeof id === 'string' && /^[\w=.:-]{1,128}$/.test(id)) return { job: id };
    const reason = `${PROVIDER} answered ${status} and named no import job, so nobody knows what became of the profiles`;
    return { answer: { kind: 'unknown', code: 'BAD_ANSWER', reason, http: status } };
  }
  if (status === 400 || status === 409 || status === 413 || status === 422 || status === 431) {
    const { code, words } = errorOf(reply);
    const reason = words || `${PROVIDER} answered ${status}`;
    return { refused: { kind: 'rejected', code: code || `HTTP_${status}`, reason, http: status } };
  }
  return { answer: halted(reply) };
}

/** How far an import job is. `later`: not done, as far as this answer says. `failed`: absent where the answer does not say. */
export type Progress =
  | 'later'
  | { status: 'complete' | 'cancelled'; total: number | undefined; failed: number | undefined }
  | { stopped: Answer };

export function progressOf(asked: Asked): Progress {
  if ('stopped' in asked) return { stopped: afterHandingIn(asked.stopped) };
  const { reply } = asked;
  if (reply.status === 404) return 'later';
  if (reply.status !== 200) return { stopped: afterHandingIn(halted(reply)) };
  const attributes = objectOf(objectOf(bodyOf(reply)?.data)?.attributes);
  const status = attributes?.status;
  if (status !== 'complete' && status !== 'cancelled') return 'later';
  return { status, total: countOf(attributes?.total_count), failed: countOf(attributes?.failed_count) };
}

/** One error of an import job. */
export interface ImportError {
  code: string;
  words: string;
  /** The place of the profile in the job, as the pointer says. */
  index: number | undefined;
  /** Who the refused profile is of, as it was sent. */
  email: string | undefined;
  externalId: string | undefined;
}

/** A page of errors; `next`: the cursor of the page after it, empty where it is the last. */
export function importErrors(asked: Asked): { errors: ImportError[]; next: string } | { stopped: Answer } {
  if ('stopped' in asked) return { stopped: afterHandingIn(asked.stopped) };
  const { reply } = asked;
  if (reply.status !== 200) return { stopped: afterHandingIn(halted(reply)) };
  const { data, links } = bodyOf(reply) ?? {};
  if (!Array.isArray(data)) {
    const reason = `${PROVIDER} gave a list of errors that cannot be read, so nobody knows which profiles were refused`;
    return { stopped: { kind: 'unknown', code: 'RESULTS_INCOMPLETE', reason, http: 200 } };
  }
  return { errors: data.map((item) => importError(objectOf(item)?.attributes)), next: cursorOf(objectOf(links)?.next) };
}

/** `/data/attributes/profiles/data/17/attributes/phone_number`, and shorter forms of it. */
const POINTER = /(?:^|\/)(?:profiles\/data|profiles|data)\/(\d{1,6})(?:\/|$)/;

function importError(value: unknown): ImportError {
  const error = objectOf(value) ?? {};
  const pointer = objectOf(error.source)?.pointer;
  const index = typeof pointer === 'string' ? POINTER.exec(pointer)?.[1] : undefined;
  const payload = objectOf(error.original_payload) ?? {};
  const sent = objectOf(payload.attributes) ?? objectOf(objectOf(payload.data)?.attributes) ?? payload;
  return {
    code: codeOf(error.code),
    words: wordsOf(error),
    index: index === undefined ? undefined : Number(index),
    email: textOf(sent.email)?.toLowerCase(),
    externalId: textOf(sent.external_id),
  };
}

/** Only the cursor is taken of the link, so that the key goes nowhere else. */
export function cursorOf(next: unknown): string {
  if (typeof next !== 'string' || !URL.canParse(next, 'https://a.klaviyo.com')) return '';
  return new URL(next, 'https://a.klaviyo.com').searchParams.get('page[cursor]') ?? '';
}

export function halted(reply: Reply): Answer {
  const { code, words } = errorOf(reply);
  return haltOf(reply, {
    provider: PROVIDER,
    said: [code, words].filter((text) => text !== '').join(': '),
    unauthorized: 'the key is not accepted; check apiKey, which is a private key (pk_...)',
    forbidden: 'the key needs the scopes lists:write, profiles:read and profiles:write',
    where: 'url, revision',
    misrouted: {
      404: 'there is no such list, or the API is elsewhere; check listId and url',
      405: 'import jobs are not taken there; check url and revision',
      410: 'this revision is no longer served; check revision',
    },
  });
}

/** The first of JSON:API's `errors`; empty where the body has none. */
export function errorOf(reply: Reply): { code: string; words: string } {
  const errors = bodyOf(reply)?.errors;
  const first = Array.isArray(errors) ? objectOf(errors[0]) : undefined;
  if (!first) return { code: '', words: '' };
  const pointer = objectOf(first.source)?.pointer;
  // The place in the call says nothing to whoever reads it later; the field does.
  const where = typeof pointer === 'string' ? ` (${clean(pointer.replace(/^.*\/data\/\d+(?=\/)/, ''))})` : '';
  return { code: codeOf(first.code), words: `${wordsOf(first)}${where}` };
}

function wordsOf({ title, detail }: JsonObject): string {
  const text = typeof detail === 'string' && detail !== '' ? detail : title;
  return typeof text === 'string' ? impersonal(clean(text)) : '';
}

function codeOf(value: unknown): string {
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? value : '';
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function bodyOf(reply: Reply): JsonObject | undefined {
  return reply.truncated ? undefined : jsonObject(reply.body);
}
