import type { Answer } from '../../model.ts';
import type { Profile } from '../profile.ts';
import { splitRefused } from '../split.ts';
import { type BatchCalls, troubleOf } from './api.ts';
import { type BatchReply, type Contact, emailsOf, readBatch } from './batches.ts';
import { isNotFound } from './classify.ts';
import type { HubspotSettings } from './settings.ts';

/** A profile on its way. */
export interface Row {
  profile: Profile;
  /** Sent with the profile, and repeated beside what became of it. */
  traceId: string;
  /** The record id of its contact, once that is known. */
  contactId?: string;
  /** Its contact, where that was looked up. */
  contact?: Contact;
  /** What became of it, once that is known. */
  answer?: Answer;
}

/**
 * Finds the contacts of the rows: by e-mail, additional addresses included, then those that are left by the property that holds our own id.
 * Sets `contactId`, or `answer` where HubSpot gave none to go by; what has neither is unknown to HubSpot.
 */
export async function lookUp(
  rows: readonly Row[],
  api: BatchCalls,
  settings: HubspotSettings,
  signal: AbortSignal,
): Promise<void> {
  await by(EMAIL, rows, api, settings, signal);
  const { userIdProperty } = settings;
  if (userIdProperty === undefined) return;
  const left = rows.filter(({ contactId, answer }) => contactId === undefined && answer === undefined);
  await by(userIdKey(userIdProperty), left, api, settings, signal);
}

/**
 * Whether the contacts that HubSpot names as the ones that exist already are those of the rows: nobody's fields may come to somebody else,
 * whose e-mail or id merely stood in the way. Sets `answer` of those that are not, or cannot be read.
 */
export async function confirm(
  rows: readonly Row[],
  api: BatchCalls,
  settings: HubspotSettings,
  signal: AbortSignal,
): Promise<void> {
  if (rows.length === 0) return;
  const { userIdProperty, paths } = settings;
  const ids = [...new Set(rows.flatMap(({ contactId }) => contactId ?? []))];
  const properties = ['email', 'hs_additional_emails', ...(userIdProperty === undefined ? [] : [userIdProperty])];
  const body = { properties, inputs: ids.map((id) => ({ id })) };
  const result = await api.post(`${paths.contacts}/batch/read`, body, readBatch, signal);
  for (const row of rows) {
    if (!('value' in result)) row.answer = troubleOf(result);
    else if (!result.value.contacts.some((contact) => isOf(row, contact, userIdProperty))) row.answer = SOMEBODY_ELSE;
  }
}

function isOf({ contactId, profile }: Row, contact: Contact, userIdProperty: string | undefined): boolean {
  if (contact.id !== contactId) return false;
  const { email = '', userId = '' } = profile;
  if (email !== '' && emailsOf(contact).includes(email.toLowerCase())) return true;
  return userId !== '' && userIdProperty !== undefined && contact.properties[userIdProperty] === userId;
}

const SOMEBODY_ELSE: Answer = {
  kind: 'rejected',
  code: 'CONTACT_CONFLICT',
  reason: 'HubSpot refuses a contact for it because of another contact, which has neither its e-mail nor its id',
};

/** What contacts are looked for by. */
interface Key {
  property: string;
  /** The properties that have to be read to know a contact again. */
  properties: readonly string[];
  /** Empty where the profile has none. */
  of(profile: Profile): string;
  /** The values under which HubSpot knows a contact. */
  knownAs(contact: Contact): string[];
}

const EMAIL: Key = {
  property: 'email',
  properties: ['email', 'hs_additional_emails'],
  of: ({ email = '' }) => email.toLowerCase(),
  knownAs: emailsOf,
};

/** Whether HubSpot tells ids apart by upper and lower case is not documented; we do. */
function userIdKey(property: string): Key {
  return {
    property,
    properties: [property],
    of: ({ userId = '' }) => userId,
    knownAs: ({ properties }) => [properties[property] ?? ''],
  };
}

async function by(
  key: Key,
  rows: readonly Row[],
  api: BatchCalls,
  settings: HubspotSettings,
  signal: AbortSignal,
): Promise<void> {
  const { property, properties } = key;
  const asked = rows.filter(({ profile }) => key.of(profile) !== '');
  const path = `${settings.paths.contacts}/batch/read`;
  const answers = await splitRefused(
    asked,
    async (part) => {
      const inputs = part.map(({ profile }) => ({ id: key.of(profile) }));
      const result = await api.post(path, { properties, idProperty: property, inputs }, readBatch, signal);
      if ('refused' in result) return { refused: result.refused };
      if ('failed' in result) return { answers: part.map(() => result.failed) };
      return { answers: part.map((row) => found(row, result.value, key, result.http)) };
    },
    signal,
  );
  for (const [i, row] of asked.entries()) {
    const answer = answers[i];
    if (answer && answer.kind !== 'accepted') row.answer = answer;
  }
}

/** Sets the record id where there is one. Accepted where HubSpot said whether it knows the contact. */
function found(row: Row, { contacts, errors }: BatchReply, key: Key, http: number): Answer {
  const value = key.of(row.profile);
  const contact = contacts.find((one) => key.knownAs(one).includes(value));
  const trouble = errors.find((error) => !isNotFound(error));
  if (contact) {
    row.contactId = contact.id;
    row.contact = contact;
  } else if (trouble && !errors.some((error) => isNotFound(error) && error.ids.includes(value))) {
    const reason = `HubSpot could not look for the contact: ${trouble.message || trouble.code}`;
    return { kind: 'retryable', code: 'LOOKUP_FAILED', reason, http };
  }
  return { kind: 'accepted', proof: { kind: 'person_id', eventId: contact?.id ?? '' }, http };
}
