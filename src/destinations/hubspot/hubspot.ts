import { backoffDelay } from '../../delivery/backoff.ts';
import type { Answer, Io } from '../../model.ts';
import type { Profile, ProfileSender } from '../profile.ts';
import { withoutProfile } from '../words.ts';
import { type BatchCalls, createApi, untilFailed } from './api.ts';
import { MOST_INPUTS } from './batches.ts';
import { createImports, type HubspotImports } from './imports.ts';
import { lookUp, type Row } from './look-up.ts';
import { type ContactProperty, ensureProperties } from './properties.ts';
import { type ContactsWithout, contactsWithout, type FoundContact } from './search.ts';
import type { HubspotSettings } from './settings.ts';
import { accepted, create, fieldsOf, update } from './write.ts';

/** Contacts of one HubSpot account. */
export interface Hubspot extends ProfileSender {
  /** Makes contact properties that do not exist; those that do are left as they are. Throws `TransferError`. */
  ensureProperties(
    properties: readonly ContactProperty[],
    signal: AbortSignal,
  ): Promise<{ made: string[]; present: string[] }>;
  /**
   * All contacts in which the property has no value, oldest record first. What was written within the last seconds may not show yet,
   * either way: the search index is behind. Throws `TransferError`.
   */
  contactsWithout(property: string, signal: AbortSignal, options?: ContactsWithout): AsyncGenerator<FoundContact>;
  /** Files of contacts, handed in as imports. */
  imports: HubspotImports;
}

/**
 * Brings contacts up to date: looks them up by e-mail (and by our own id), sets fields of known ones by record id, makes the missing ones.
 * Only the given fields are set; e-mail and id of a known contact stay as they are.
 */
export function createHubspot(settings: HubspotSettings, io: Io): Hubspot {
  const api = createApi(settings, io);

  async function send(batch: readonly Profile[], signal: AbortSignal): Promise<Answer[]> {
    const rows = batch.map((profile, i): Row => ({ profile, traceId: `row-${i + 1}` }));
    for (const row of rows) if (!findable(row.profile, settings)) row.answer = NO_IDENTITY;
    let open = rows.filter(({ answer }) => answer === undefined);
    const until = io.monotonic() + settings.patience;
    const calls = untilFailed(api);
    for (let tries = 1; ; tries += 1) {
      open = await pass(open, calls, signal);
      const wait = backoffDelay(tries, settings.backoff, io.random());
      if (open.length === 0 || io.monotonic() + wait > until) break;
      await io.sleep(wait, signal);
      for (const row of open) delete row.answer;
    }
    return rows.map(({ answer, profile }) => withoutProfile(answer ?? LOST, profile));
  }

  /** Takes rows as far as HubSpot lets it. Returns those that are to be taken up anew. */
  async function pass(rows: readonly Row[], calls: BatchCalls, signal: AbortSignal): Promise<Row[]> {
    await lookUp(rows, calls, settings, signal);
    if (stopped(rows)) return [];
    const looked = rows.filter(({ answer }) => answer === undefined);
    const known = looked.filter(({ contactId }) => contactId !== undefined);
    const nothingToSet = known.filter((row) => Object.keys(fieldsOf(row)).length === 0);
    for (const row of nothingToSet) row.answer = accepted(row.contactId ?? '');
    await update(
      known.filter((row) => !nothingToSet.includes(row)),
      calls,
      settings,
      signal,
    );
    if (stopped(rows)) return [];
    const missing = looked.filter(({ contactId }) => contactId === undefined);
    if (settings.createMissing) return await create(missing, calls, settings, signal);
    for (const row of missing) row.answer = NO_CONTACT;
    return [];
  }

  return {
    maxBatchSize: MOST_INPUTS,
    send,
    ensureProperties: (properties, signal) => ensureProperties(properties, api, settings, signal),
    contactsWithout: (property, signal, options) => contactsWithout(property, api, settings, signal, options),
    imports: createImports(api, settings, io),
    close: () => api.close(),
  };
}

function findable({ email = '', userId = '' }: Profile, { userIdProperty }: HubspotSettings): boolean {
  return email !== '' || (userId !== '' && userIdProperty !== undefined);
}

/** Whether nothing can be sent until a person has looked; then that is the answer of every row that has none. */
function stopped(rows: readonly Row[]): boolean {
  const halt = rows.map(({ answer }) => answer).find((answer) => answer?.kind === 'halted');
  if (halt?.kind !== 'halted') return false;
  const answer: Answer = { kind: 'halted', code: halt.code, reason: halt.reason };
  for (const row of rows) row.answer ??= answer;
  return true;
}

const NO_IDENTITY: Answer = {
  kind: 'rejected',
  code: 'NO_IDENTIFIER',
  reason:
    'the profile has no e-mail, and HubSpot is not looked through by your own id: there is no setting userIdProperty',
};

const NO_CONTACT: Answer = {
  kind: 'rejected',
  code: 'CONTACT_MISSING',
  reason: 'HubSpot knows no such contact, and createMissing is false',
};

const LOST: Answer = { kind: 'unknown', code: 'BAD_ANSWER', reason: 'HubSpot did not say what became of the profile' };
