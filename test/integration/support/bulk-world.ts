import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLog, realIo } from '../../../src/io.ts';
import { openLinkBook } from '../../../src/ledger/links.ts';
import { linksInOrder } from '../../../src/ledger/list-links.ts';
import { openLedger } from '../../../src/ledger/open.ts';
import { readResults } from './e2e-results.ts';
import { openWorld, type World, type WorldOptions } from './e2e-world.ts';
import { fromEnv, type Json, merged } from './usual-job.ts';

/** The event that the stand-in makes links of. */
export const EVENT = 'customer_listed';
export const LABEL = 'refer';

export interface BulkWorld {
  world: World;
  /** Writes the job `links` again, with parts replaced. */
  job(change?: Json): void;
  results(name?: string): ReturnType<typeof readResults>;
  /** Links in our ledger: person to link. */
  known(): Promise<Record<string, string>>;
  /** Links at the stand-in: e-mail to link, of everybody who has one. */
  atExtole(): Record<string, string>;
}

/** A world with a job `links` that makes links in bulk; it looks often, so that tests are quick. */
export async function openBulkWorld(
  options: WorldOptions & { job?: Json; lane?: 'batch' | 'sftp' } = {},
): Promise<BulkWorld> {
  const { job: first = {}, lane = 'batch', ...more } = options;
  const world = await openWorld({
    ...more,
    ...(lane === 'sftp' ? { extoleSftp: { hasty: true, ...more.extoleSftp } } : {}),
    extole: { ...more.extole, links: { onEvents: { [EVENT]: LABEL }, ...more.extole?.links } },
  });
  const upload = { wait: '5s', poll: '100ms', stable: '250ms' };
  const base: Json = {
    pipeline: 'export-share-links',
    source: { url: `file://${world.served}/inbox`, match: '*.csv', stable: { for: '0s' } },
    customers: { email: 'email', partnerUserId: 'id' },
    links: {
      label: LABEL,
      report: { type: 'SHAREABLES', linkPrefix: 'https://share.acme.example/', poll: '10ms' },
      bulk: {
        event: EVENT,
        lane,
        firstLook: '1ms',
        every: '1ms',
        upload,
        batch: { settle: '300ms' },
        ...(world.extoleSftp ? { sftp: world.extoleSftp.settings } : {}),
      },
    },
    destination: {
      extole: {
        account: 'acme',
        token: fromEnv('EXTOLE_TOKEN'),
        apiUrl: world.extole.url,
        requestsPerMinute: 60_000,
        allowPrivateAddresses: true,
      },
    },
  };
  const job = (change: Json = {}): void =>
    writeFileSync(join(world.jobs, 'links.yaml'), JSON.stringify(merged(base, change), null, 2), { mode: 0o600 });
  job(first);
  return {
    world,
    job,
    results: (name = 'a.csv.results.csv') => readResults(world.read(`results/${name}`)),
    async known() {
      const ledger = await openLedger(world.ledger, 'command', realIo(createLog('silent')));
      try {
        const place = { destinationId: 1, label: LABEL };
        return Object.fromEntries([...linksInOrder(ledger, place)].map(({ person, link }) => [person, link]));
      } finally {
        await ledger.close();
      }
    },
    atExtole: () =>
      Object.fromEntries(
        world.extole.links.shareables.map(({ personId, code }) => [
          world.extole.links.person(personId)?.identity ?? '',
          `https://share.acme.example/${code}`,
        ]),
      ),
  };
}

/** A customer file: everybody with an e-mail and an id. */
export const people = (...names: string[]): string =>
  ['email,id', ...names.map((name) => `${name}@example.com,C-${name}`)].join('\n').concat('\n');

/** A link comes into the ledger by itself, as a webhook brings it. */
export async function tellLink(
  { world }: BulkWorld,
  link: { email?: string; partnerUserId?: string; link: string },
): Promise<void> {
  const io = realIo(createLog('silent'));
  const ledger = await openLedger(world.ledger, 'command', io);
  try {
    const book = openLinkBook(ledger, { destinationId: 1, label: LABEL });
    book.record([{ ...link, code: '', cameBy: 'webhook', asOf: io.now() }], io.now());
  } finally {
    await ledger.close();
  }
}
