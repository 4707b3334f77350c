import type { LinkAnswer, LinkPerson } from '../../destinations/extole/links/answers.ts';
import type { TellLink } from '../../ledger/links.ts';
import type { Answer, EventRecord } from '../../model.ts';

/** The customer of a row. */
export function personOf({ data }: Pick<EventRecord, 'data'>): LinkPerson {
  const { email, partner_user_id: partnerUserId, ...columns } = data;
  return {
    ...(email === undefined ? {} : { email }),
    ...(partnerUserId === undefined ? {} : { partnerUserId }),
    columns,
  };
}

/** What became of the row. Its proof is the link itself, which stands in the results file as `event_id`. */
export function answerOf(found: LinkAnswer): Answer {
  switch (found.kind) {
    case 'accepted':
      return { kind: 'accepted', proof: { kind: 'link', eventId: found.link, personId: found.personId } };
    case 'ambiguous':
      return { kind: 'held', code: found.code, reason: found.reason };
    default:
      return found;
  }
}

/** A link as a results file has it: with its row, and nothing of Extole's ids. */
export function linkOfResults({ event, eventId, at }: { event: EventRecord; eventId: string; at: number }): TellLink {
  const { email, partnerUserId } = personOf(event);
  const code = /[^/=?&#]*$/.exec(eventId)?.[0] ?? '';
  return { email, partnerUserId, link: eventId, code, cameBy: 'adopted', asOf: at };
}
