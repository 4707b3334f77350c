import { openWorld, PATIENT, type World, type WorldOptions } from '../../integration/support/e2e-world.ts';
import type { Json } from '../../integration/support/usual-job.ts';

export const LABEL = 'refer';

/** A world whose job makes share links of the rows `email,member,first_name`. */
export interface LinksWorld extends World {
  /** Links of the label, by address: the codes of each. */
  codes(): Map<string, string[]>;
  /** Writes the job `links`. */
  links(change?: LinksChange): void;
}

export interface LinksChange {
  /** In place of what the usual one has. */
  links?: Json;
  customers?: Json;
  exports?: readonly Json[];
  push?: readonly Json[];
  more?: Json;
}

export async function openLinksWorld(options: WorldOptions = {}): Promise<LinksWorld> {
  const world = await openWorld(options);
  const { extole } = world;
  return Object.assign(world, {
    codes() {
      const found = new Map<string, string[]>();
      for (const { personId, label, code } of extole.links.shareables) {
        const email = extole.links.person(personId)?.email ?? personId;
        if (label === LABEL) found.set(email, [...(found.get(email) ?? []), code]);
      }
      return found;
    },
    links({ links = {}, customers, exports = [], push = [], more = {} }: LinksChange = {}) {
      const quick = { first: '5ms', cap: '40ms' };
      world.job('links', {
        pipeline: 'export-share-links',
        event: null,
        customers: customers ?? { email: 'email', partnerUserId: 'member' },
        links: { label: LABEL, patience: '20s', backoff: quick, ...links },
        destination: { extole: { lane: null, eventsUrl: null, requestsPerSecondPerPerson: null } },
        delivery: { ...PATIENT, outageAfter: '2m' },
        exports,
        push,
        ...more,
      });
    },
  });
}

export const customerRows = (...rows: string[]): string => `email,member,first_name\n${rows.join('\n')}\n`;

/** Rows of so many customers, all with an address of their own. */
export const customers = (count: number, tag = 'p'): string[] =>
  Array.from({ length: count }, (_, i) => `${tag}${i}@people.example,,Ana`);
