import type { Answer } from '../../model.ts';
import type { Profile } from '../profile.ts';
import { splitRefused } from '../split.ts';
import type { BatchCalls } from './api.ts';
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
  await by('email', rows, ({ email }) => email, api, settings, signal);
  const { userIdProperty } = settings;
  if (userIdProperty === undefined) return;
  const left = rows.filter(({ contactId, answer }) => contactId === undefined && answer === undefined);
  await by(userIdProperty, left, ({ userId }) => userId, api, settings, signal);
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
    if (!('value' in result)) row.answer = 'refused' in result ? result.refused : result.failed;
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

async function by(
  property: string,
  rows: readonly Row[],
  idOf: (profile: Profile) => string | undefined,
  api: BatchCalls,
  settings: HubspotSettings,
  signal: AbortSignal,
): Promise<void> {
  const asked = rows.filter(({ profile }) => (idOf(profile) ?? '') !== '');
  const value = ({ profile }: Row): string => (idOf(profile) ?? '').toLowerCase();
  const path = `${settings.paths.contacts}/batch/read`;
  const properties = property === 'email' ? ['email', 'hs_additional_emails'] : [property];

  const answers = await splitRefused(
    asked,
    async (part) => {
      const inputs = part.map((row) => ({ id: idOf(row.profile) }));
      const result = await api.post(path, { properties, idProperty: property, inputs }, readBatch, signal);
      if ('refused' in result) return { refused: result.refused };
      if ('failed' in result) return { answers: part.map(() => result.failed) };
      return { answers: found(part, result.value, property, value, result.http) };
    },
    signal,
  );
  for (const [i, row] of asked.entries()) {
    const answer = answers[i];
    if (answer && answer.kind !== 'accepted') row.answer = answer;
  }
}

/** Sets the ids that are there. A row is accepted where HubSpot said of it whether it knows it. */
function found(
  part: readonly Row[],
  { contacts, errors }: BatchReply,
  property: string,
  value: (row: Row) => string,
  http: number,
): Answer[] {
  const ids = new Map<string, string>();
  for (const contact of contacts) {
    const names = property === 'email' ? emailsOf(contact) : [(contact.properties[property] ?? '').toLowerCase()];
    for (const name of names) if (!ids.has(name)) ids.set(name, contact.id);
  }
  const trouble = errors.find((error) => !isNotFound(error));
  const absent = new Set(errors.filter(isNotFound).flatMap((error) => error.ids.map((id) => id.toLowerCase())));
  return part.map((row): Answer => {
    const id = ids.get(value(row));
    if (id !== undefined) row.contactId = id;
    if (trouble && id === undefined && !absent.has(value(row))) {
      const reason = `HubSpot could not look for the contact: ${trouble.message || trouble.code}`;
      return { kind: 'retryable', code: 'LOOKUP_FAILED', reason, http };
    }
    return { kind: 'accepted', proof: { kind: 'person_id', eventId: id ?? '' }, http };
  });
}
