import { notReady } from '../../membership-calls.ts';
import type { HubspotApi } from '../api.ts';
import { type BatchReply, MOST_INPUTS, readBatch } from '../batches.ts';
import { answerOf, type ListCalls } from './calls.ts';
import type { HubspotListSettings } from './settings.ts';

const HINT = 'the app needs the scopes crm.lists.read and crm.objects.contacts.read';

/** The members of the list by the id that segments know them by. Throws `TransferError`, and the signal's reason. */
export async function* membersOf(
  listId: string,
  calls: ListCalls,
  api: HubspotApi,
  settings: HubspotListSettings,
  signal: AbortSignal,
): AsyncGenerator<string[]> {
  const property = settings.identifyBy === 'email' ? 'email' : (settings.userIdProperty ?? '');
  const seen = new Set<string>();
  let after = '';
  do {
    seen.add(after);
    const page = await calls.page(listId, after, signal);
    if ('answer' in page) throw notReady(`members of list ${listId} could not be read`, page.answer, HINT);
    for (let at = 0; at < page.found.ids.length; at += MOST_INPUTS) {
      const { contacts } = await contactsOf(page.found.ids.slice(at, at + MOST_INPUTS), property);
      const ids = contacts.map(({ properties }) => properties[property]?.trim() ?? '').filter((id) => id !== '');
      if (ids.length > 0) yield settings.identifyBy === 'email' ? ids.map((id) => id.toLowerCase()) : ids;
    }
    after = page.found.after;
    // A list that leads in a circle would never end.
  } while (after !== '' && !seen.has(after));

  async function contactsOf(records: readonly string[], name: string): Promise<BatchReply> {
    const body = { properties: [name], inputs: records.map((id) => ({ id })) };
    const result = await api.post(`${settings.paths.contacts}/batch/read`, body, readBatch, signal);
    if ('value' in result) return result.value;
    throw notReady(`members of list ${listId} could not be read`, answerOf(result), HINT);
  }
}
