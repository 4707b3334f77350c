import type { Reply } from '../patience.ts';
import { jsonObject, listOf, objectOf } from '../reply-json.ts';
import { type HubspotError, readError, textOf } from './classify.ts';

/** A contact as a batch call shows it. */
export interface Contact {
  id: string;
  /** What we sent with it, where HubSpot repeats that; else empty. */
  traceId: string;
  /** Those that were asked for and have a value. */
  properties: Readonly<Record<string, string>>;
}

/** The body of a batch call, also of a 207. */
export interface BatchReply {
  contacts: Contact[];
  errors: HubspotError[];
}

/** What HubSpot takes in one batch call. */
export const MOST_INPUTS = 100;

/** `undefined` where the body is not that of a batch call or a search. */
export function readBatch(reply: Reply): BatchReply | undefined {
  const body = jsonObject(reply.body);
  if (!body || !Array.isArray(body.results)) return undefined;
  const contacts = body.results.map(contactOf);
  if (contacts.includes(undefined)) return undefined;
  return {
    contacts: contacts.filter((contact) => contact !== undefined),
    errors: listOf(body.errors).map((error) => readError(objectOf(error) ?? {})),
  };
}

function contactOf(value: unknown): Contact | undefined {
  const object = objectOf(value);
  const id = textOf(object?.id);
  if (!/^\d{1,19}$/.test(id)) return undefined;
  const properties: Record<string, string> = {};
  for (const [name, one] of Object.entries(objectOf(object?.properties) ?? {})) {
    const text = textOf(one);
    if (text !== '') properties[name] = text;
  }
  return { id, traceId: textOf(object?.objectWriteTraceId), properties };
}

/** The addresses under which HubSpot knows a contact, in lower case: its own, then the additional ones. */
export function emailsOf({ properties }: Contact): string[] {
  const { email = '', hs_additional_emails: more = '' } = properties;
  return [email, ...more.split(';')].map((one) => one.trim().toLowerCase()).filter((one) => one !== '');
}
