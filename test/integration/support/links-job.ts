import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { PATIENT, type World } from './e2e-world.ts';
import { fromEnv, type Json, merged } from './usual-job.ts';

/** Customers as `email,member,first,last`. */
export const CUSTOMERS = { email: 'email', partnerUserId: 'member', columns: { first_name: 'first' } };

/** A job that makes share links at the stand-in of a world: quick to try again, and as fast as it can. */
export function linksJob(world: World, id: string, change: Json = {}): void {
  const job = {
    pipeline: 'export-share-links',
    source: { url: `file://${world.served}/inbox`, match: '*.csv', stable: { for: '0s' } },
    customers: CUSTOMERS,
    links: { label: 'refer-a-friend', patience: '5s', backoff: { first: '5ms', cap: '40ms' } },
    destination: {
      extole: {
        account: 'acme',
        requestsPerMinute: 1_000_000,
        token: fromEnv('EXTOLE_TOKEN'),
        apiUrl: world.extole.url,
      },
    },
    delivery: { ...PATIENT, backoff: { first: '5ms', cap: '40ms' } },
  };
  writeFileSync(join(world.jobs, `${id}.yaml`), JSON.stringify(merged(job, change), null, 2), { mode: 0o600 });
}

/** A file of customers; each is `email`, or `email,member`, and so on. */
export function customers(...rows: readonly string[]): string {
  return `email,member,first,last\n${rows.map((row) => `${row}\n`).join('')}`;
}

/** `ann0@example.com,m-0,Ann,Lee0`, and so on. */
export function people(prefix: string, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return `${prefix}${n}@example.com,${prefix}-${n},${prefix},Lee${n}`;
  });
}

export interface LedgerLink {
  person: string;
  email: string | null;
  partner_user_id: string | null;
  person_id: string;
  link: string;
  code: string;
  key: string;
  came_by: string;
}

/** The ledger's links, by person. */
export function ledgerLinks(world: World): LedgerLink[] {
  const db = new Database(world.ledger, { readonly: true });
  try {
    return db
      .prepare<[], LedgerLink>(
        'SELECT person, email, partner_user_id, person_id, link, code, key, came_by FROM links ORDER BY person',
      )
      .all();
  } finally {
    db.close();
  }
}

/** How many links of a label each person has at Extole; more than one is one too many. */
export function linksPerPerson(world: World): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { personId, label } of world.extole.links.shareables)
    counts.set(`${personId} ${label}`, (counts.get(`${personId} ${label}`) ?? 0) + 1);
  return counts;
}
