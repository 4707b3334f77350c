import { createHubspot } from '../../../destinations/hubspot/hubspot.ts';
import { hubspotSettings } from '../../../destinations/hubspot/settings.ts';
import type { HubspotSource } from '../../../jobs/customer-sources.ts';
import type { Customers, GatherContext } from './gather.ts';

/** Contacts that share a write. */
const BATCH = 200;

/**
 * Contacts without a share link. One without an e-mail and an id is a customer, too: its row is rejected, and names the
 * contact by its record id.
 */
export function hubspotCustomers(ctx: Pick<GatherContext, 'io' | 'signal'>, source: HubspotSource): Customers {
  const { property, properties, ...reach } = source;
  const names = Object.keys(properties);
  const wanted = Object.values(properties);

  async function* batches(): AsyncGenerator<string[][]> {
    const { account, token } = reach;
    const hubspot = createHubspot({ ...hubspotSettings.parse({ account, token }), ...reach }, ctx.io);
    try {
      let rows: string[][] = [];
      for await (const contact of hubspot.contactsWithout(property, ctx.signal, { properties: wanted })) {
        const more = wanted.map((name) => contact.properties[name] ?? '');
        rows.push([contact.id, contact.email ?? '', contact.userId ?? '', ...more]);
        if (rows.length < BATCH) continue;
        yield rows;
        rows = [];
      }
      if (rows.length > 0) yield rows;
    } finally {
      await hubspot.close();
    }
  }

  return {
    stem: 'hubspot-contacts',
    columns: ['hubspot_id', 'email', 'partner_user_id', ...names],
    batches: batches(),
    notices: [],
    // Who has a link by the next time is no contact without one any more.
    taken: () => {},
  };
}
