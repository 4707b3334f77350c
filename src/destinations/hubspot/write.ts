import type { Answer } from '../../model.ts';
import { type Called, splitRefused } from '../split.ts';
import type { BatchCalls } from './api.ts';
import { type BatchReply, emailsOf, readBatch } from './batches.ts';
import { badAnswer, type HubspotError, isConflict, refusedFor } from './classify.ts';
import { confirm, type Row } from './look-up.ts';
import type { HubspotSettings } from './settings.ts';

/** Sets fields of known contacts, by record id, and answers the rows. */
export async function update(
  rows: readonly Row[],
  api: BatchCalls,
  settings: HubspotSettings,
  signal: AbortSignal,
): Promise<void> {
  const path = `${settings.paths.contacts}/batch/update`;
  // Two persons may be one contact of HubSpot, which refuses a contact twice in a call: the later one is written after the earlier.
  for (let left = rows; left.length > 0; ) {
    const now = left.filter((row, i) => left.findIndex(({ contactId }) => contactId === row.contactId) === i);
    left = left.filter((row) => !now.includes(row));
    const input = (row: Row): object => ({
      id: row.contactId,
      properties: fieldsOf(row),
      objectWriteTraceId: row.traceId,
    });
    await write(now, { path, input, api, signal });
  }
}

/**
 * Makes contacts, and answers the rows. Who exists already is brought up to date instead. Returns the rows to be looked up before
 * anything is made again: what should have made them was not taken just now, or may have been carried out.
 */
export async function create(
  rows: readonly Row[],
  api: BatchCalls,
  settings: HubspotSettings,
  signal: AbortSignal,
): Promise<Row[]> {
  const { userIdProperty } = settings;
  const known: Row[] = [];
  const input = (row: Row): object => {
    const { email = '', userId = '' } = row.profile;
    return {
      properties: {
        ...fieldsOf(row),
        ...(email === '' ? {} : { email }),
        ...(userIdProperty === undefined || userId === '' ? {} : { [userIdProperty]: userId }),
      },
      objectWriteTraceId: row.traceId,
    };
  };
  const adopt = (row: Row, existingId: string): void => {
    row.contactId = existingId;
    known.push(row);
  };
  await write(rows, { path: `${settings.paths.contacts}/batch/create`, input, once: true, adopt, api, signal });
  await confirm(known, api, settings, signal);
  await update(
    known.filter(({ answer }) => answer === ADOPTED),
    api,
    settings,
    signal,
  );
  return rows.filter(
    ({ answer, contactId }) => contactId === undefined && (answer?.kind === 'unknown' || answer?.kind === 'retryable'),
  );
}

/** Empty text would clear a property. */
export function fieldsOf({ profile }: Row): Record<string, string> {
  return Object.fromEntries(Object.entries(profile.fields).filter(([, value]) => value !== ''));
}

interface Writing {
  path: string;
  input(row: Row): object;
  once?: true;
  /** Takes a row whose contact exists already. */
  adopt?(row: Row, existingId: string): void;
  api: BatchCalls;
  signal: AbortSignal;
}

async function write(rows: readonly Row[], writing: Writing): Promise<void> {
  const answers = await splitRefused(rows, (part) => writePart(part, writing), writing.signal);
  for (const [i, row] of rows.entries()) {
    const answer = answers[i];
    if (answer) row.answer = answer;
  }
}

async function writePart(part: readonly Row[], writing: Writing): Promise<Called> {
  const { path, input, once, adopt, api, signal } = writing;
  const result = await (once ? api.postOnce : api.post)(path, { inputs: part.map(input) }, readBatch, signal);
  if ('failed' in result) return { answers: part.map(() => result.failed) };
  const [only] = part;
  if ('refused' in result) {
    const { error, refused } = result;
    if (part.length > 1 || !only || !adopt || !isConflict(error) || error.existingId === '') return { refused };
    adopt(only, error.existingId);
    return { answers: [ADOPTED] };
  }

  const answers = answersOf(part, result.value, result.http, adopt);
  const left = part.filter((row) => !answers.has(row));
  if (left.length === part.length && part.length > 1) {
    // An answer that speaks of none of them: one by one, it is clear whom it means.
    return { refused: badAnswer(result.http, 'names none of the profiles') };
  }
  if (left.length > 0 && left.length < part.length) {
    const later = await splitRefused(left, (rest) => writePart(rest, writing), writing.signal);
    for (const [i, row] of left.entries()) answers.set(row, later[i] ?? SILENT);
  }
  return { answers: part.map((row) => answers.get(row) ?? SILENT) };
}

/** Replaced by what becomes of the update. */
const ADOPTED: Answer = {
  kind: 'retryable',
  code: 'NOT_SENT',
  reason: 'the contact exists; it was not brought up to date yet',
};
const SILENT: Answer = badAnswer(207, 'does not say what became of the profile');

/** What a batch reply says of its rows; rows that it does not mention are absent. */
function answersOf(
  part: readonly Row[],
  { contacts, errors }: BatchReply,
  http: number,
  adopt: Writing['adopt'],
): Map<Row, Answer> {
  const answers = new Map<Row, Answer>();
  for (const contact of contacts) {
    const emails = new Set(emailsOf(contact));
    const row =
      part.find(({ traceId }) => traceId === contact.traceId) ??
      part.find(({ contactId }) => contactId === contact.id) ??
      part.find(({ profile }) => profile.email !== undefined && emails.has(profile.email.toLowerCase())) ??
      (part.length === 1 ? part[0] : undefined);
    if (row) answers.set(row, accepted(contact.id, http));
  }
  for (const error of errors) {
    for (const row of concerned(part, error)) {
      if (adopt && isConflict(error) && error.existingId !== '') {
        adopt(row, error.existingId);
        answers.set(row, ADOPTED);
      } else {
        answers.set(row, refusedFor(error, http));
      }
    }
  }
  return answers;
}

function concerned(part: readonly Row[], { traceIds, ids }: HubspotError): Row[] {
  const named = part.filter(
    ({ traceId, contactId, profile: { email } }) =>
      traceIds.includes(traceId) ||
      (contactId !== undefined && ids.includes(contactId)) ||
      (email !== undefined && ids.some((id) => id.toLowerCase() === email.toLowerCase())),
  );
  return named.length === 0 && part.length === 1 ? [...part] : named;
}

export function accepted(contactId: string, http?: number): Answer {
  const proof = { kind: 'person_id', eventId: contactId, personId: contactId } as const;
  return http === undefined ? { kind: 'accepted', proof } : { kind: 'accepted', proof, http };
}
