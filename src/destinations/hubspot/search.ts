import { TransferError } from '../../model.ts';
import { type HubspotApi, troubleOf } from './api.ts';
import { readBatch } from './batches.ts';
import { maySayNoProperty } from './classify.ts';
import type { HubspotSettings } from './settings.ts';

export interface FoundContact {
  /** HubSpot's record id. */
  id: string;
  /** Lower case; absent where the contact has none. */
  email?: string;
  /** Absent where it has none, or the settings name no property for it. */
  userId?: string;
  /** Of the properties that were asked for beside these, those that have a value. */
  properties: Readonly<Record<string, string>>;
}

export interface ContactsWithout {
  /** More properties to read. */
  properties?: readonly string[];
  /** Goes on after this record id, as an earlier search left off. */
  after?: string;
  /** Given where the property may not be there yet: then all contacts are without it, and this is called. */
  unknownProperty?: () => void;
}

/** The most that a page holds. */
const PAGE = 200;

/**
 * Pages by record id, not by HubSpot's cursor: that ends after 10,000 results. The end is a page without any contact, since one that
 * is not full may be followed by more. By a property that does not exist HubSpot refuses to search.
 */
export async function* contactsWithout(
  property: string,
  api: HubspotApi,
  settings: HubspotSettings,
  signal: AbortSignal,
  { properties: more = [], after = '0', unknownProperty }: ContactsWithout = {},
): AsyncGenerator<FoundContact> {
  const { paths, userIdProperty } = settings;
  const wanted = ['email', property, ...(userIdProperty === undefined ? [] : [userIdProperty]), ...more];
  const properties = [...new Set(wanted)];
  const without = { propertyName: property, operator: 'NOT_HAS_PROPERTY' };
  let byProperty = true;
  for (let last = BigInt(after); ; ) {
    const later = { propertyName: 'hs_object_id', operator: 'GT', value: String(last) };
    const body = {
      filterGroups: [{ filters: byProperty ? [without, later] : [later] }],
      sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
      properties,
      limit: PAGE,
    };
    const result = await api.search(`${paths.contacts}/search`, body, readBatch, signal);
    const first = last === BigInt(after);
    if (!('value' in result)) {
      const trouble = troubleOf(result);
      // After a page by it, the property is there.
      if (!first || !byProperty || !unknownProperty || !maySayNoProperty(trouble)) throw notSearched(property, trouble);
      byProperty = false;
      continue;
    }
    if (!byProperty && first) unknownProperty?.();
    const { contacts } = result.value;
    if (contacts.length === 0) return;
    const start = last;
    for (const contact of contacts) {
      const id = BigInt(contact.id);
      if (id > last) last = id;
      // The index is behind: it may show who has got a value meanwhile.
      if (id > start && contact.properties[property] === undefined) yield foundOf(contact, userIdProperty, more);
    }
    if (last === start) {
      const message = `the search for contacts without ${property} does not get past record ${start}`;
      throw new TransferError('BAD_ANSWER', message, { retryable: true });
    }
  }
}

function foundOf(
  { id, properties }: { id: string; properties: Readonly<Record<string, string>> },
  userIdProperty: string | undefined,
  more: readonly string[],
): FoundContact {
  const email = properties.email?.toLowerCase();
  const userId = userIdProperty === undefined ? undefined : properties[userIdProperty];
  return {
    id,
    ...(email === undefined ? {} : { email }),
    ...(userId === undefined ? {} : { userId }),
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => more.includes(name))),
  };
}

function notSearched(property: string, answer: { kind: string; code?: string; reason?: string }): TransferError {
  const { kind, code = 'BAD_ANSWER', reason = '' } = answer;
  return new TransferError(code, `contacts without ${property} could not be searched for: ${reason}`, {
    retryable: kind === 'retryable' || kind === 'unknown',
    hint: `check that the contact property ${property} exists, and that the token has the scope crm.objects.contacts.read`,
  });
}
