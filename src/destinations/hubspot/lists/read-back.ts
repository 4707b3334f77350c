import type { MemberThere } from '../../membership.ts';
import { notReady } from '../../membership-calls.ts';
import type { HubspotApi } from '../api.ts';
import { type BatchReply, type Contact, emailsOf, MOST_INPUTS, readBatch } from '../batches.ts';
import { answerOf, type ListCalls } from './calls.ts';
import type { HubspotListSettings } from './settings.ts';

const HINT = 'the app needs the scopes crm.lists.read and crm.objects.contacts.read';

/** The members of the list by the id that segments know them by: by e-mail, with additional addresses. Throws `TransferError`, and the signal's reason. */
export async function* membersOf(
  listId: string,
  calls: ListCalls,
  api: HubspotApi,
  settings: HubspotListSettings,
  signal: AbortSignal,
): AsyncGenerator<MemberThere[]> {
  const { identifyBy, userIdProperty = '' } = settings;
  const properties = identifyBy === 'email' ? ['email', 'hs_additional_emails'] : [userIdProperty];
  const idsOf = (contact: Contact): string[] =>
    identifyBy === 'email' ? emailsOf(contact) : [contact.properties[userIdProperty]?.trim() ?? ''];
  const seen = new Set<string>();
  let after = '';
  do {
    seen.add(after);
    const page = await calls.page(listId, after, signal);
    if ('answer' in page) throw notReady(`members of list ${listId} could not be read`, page.answer, HINT);
    for (let at = 0; at < page.found.ids.length; at += MOST_INPUTS) {
      const { contacts } = await contactsOf(page.found.ids.slice(at, at + MOST_INPUTS));
      const members = contacts.flatMap((contact): MemberThere[] => {
        const [id = '', ...others] = idsOf(contact);
        if (id === '') return [];
        return [others.length === 0 ? id : [id, ...others]];
      });
      if (members.length > 0) yield members;
    }
    after = page.found.after;
    // A list that leads in a circle would never end.
  } while (after !== '' && !seen.has(after));

  async function contactsOf(records: readonly string[]): Promise<BatchReply> {
    const body = { properties, inputs: records.map((id) => ({ id })) };
    const result = await api.post(`${settings.paths.contacts}/batch/read`, body, readBatch, signal);
    if ('value' in result) return result.value;
    throw notReady(`members of list ${listId} could not be read`, answerOf(result), HINT);
  }
}
