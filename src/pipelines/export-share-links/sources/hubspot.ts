import { createHubspot } from '../../../destinations/hubspot/hubspot.ts';
import { hubspotSettings } from '../../../destinations/hubspot/settings.ts';
import type { HubspotSource } from '../../../jobs/customer-sources.ts';
import type { Notice } from '../../../model.ts';
import type { Customers, GatherContext } from './gather.ts';
import { type Contact, pushAgain } from './given-again.ts';

/** Contacts that share a write. */
const BATCH = 200;

/**
 * Contacts without a share link. One without an e-mail and an id is a customer, too: its row is rejected, and names the
 * contact by its record id. One that a push of the job has given its link before is given it again.
 */
export function hubspotCustomers(
  ctx: Pick<GatherContext, 'io' | 'signal' | 'job' | 'ledger' | 'links'>,
  source: HubspotSource,
): Customers {
  const { property, properties, ...reach } = source;
  const names = Object.keys(properties);
  const wanted = Object.values(properties);
  const notices: Notice[] = [];
  const unknownProperty = (): void => {
    const message = `HubSpot does not know the contact property ${property} yet, so all its contacts are taken; the push of this job makes it`;
    notices.push({ code: 'PROPERTY_MISSING', message });
  };

  async function* batches(): AsyncGenerator<string[][]> {
    const { account, token } = reach;
    const hubspot = createHubspot({ ...hubspotSettings.parse({ account, token }), ...reach }, ctx.io);
    const again = pushAgain(ctx, source);
    try {
      let rows: string[][] = [];
      let contacts: Contact[] = [];
      const options = { properties: wanted, ...(madeLater(ctx, source) ? { unknownProperty } : {}) };
      for await (const contact of hubspot.contactsWithout(property, ctx.signal, options)) {
        const more = wanted.map((name) => contact.properties[name] ?? '');
        rows.push([contact.id, contact.email ?? '', contact.userId ?? '', ...more]);
        contacts.push(contact);
        if (rows.length < BATCH) continue;
        again(contacts);
        yield rows;
        [rows, contacts] = [[], []];
      }
      again(contacts);
      if (rows.length > 0) yield rows;
    } finally {
      await hubspot.close();
    }
  }

  return {
    stem: 'hubspot-contacts',
    columns: ['hubspot_id', 'email', 'partner_user_id', ...names],
    batches: batches(),
    notices,
    // Who has a link by the next time is no contact without one any more.
    taken: () => {},
  };
}

/** Whether a push of the job makes the property: then it need not be there at the first run. */
function madeLater({ job }: Pick<GatherContext, 'job'>, { account, property }: HubspotSource): boolean {
  return (job.push ?? []).some(
    (target) =>
      target.provider === 'hubspot' &&
      target.account === account &&
      target.createProperties &&
      Object.hasOwn(target.fields, property),
  );
}
