import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from '../model.ts';
import { SANDBOX_PARTNER } from './braze/cohorts.ts';
import { SANDBOX_KEY as BRAZE_KEY, type BrazeStandIn, startBraze } from './braze/server.ts';
import { closeAll } from './close-all.ts';
import { HUBSPOT_TOKEN, type HubspotStandIn, startHubspot } from './hubspot/server.ts';
import { SANDBOX_KEY as ITERABLE_KEY, type IterableStandIn, startIterable } from './iterable/server.ts';
import { closeAndKeep, readKept } from './kept-lists.ts';
import { type KlaviyoStandIn, startKlaviyo } from './klaviyo/server.ts';
import { type SfmcStandIn, startSfmc } from './sfmc/server.ts';

/** The CRM and e-mail tools of a sandbox, each on a free port. */
export interface Tools {
  hubspot: HubspotStandIn;
  sfmc: SfmcStandIn;
  klaviyo: KlaviyoStandIn;
  iterable: IterableStandIn;
  braze: BrazeStandIn;
  /** Addresses and credentials, under the names that the example jobs use. */
  env: Record<string, string>;
  close(): Promise<void>;
}

const KLAVIYO_KEY = 'pk_sandbox';
const SFMC_CLIENT = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' };

/** People whom the sandbox's HubSpot knows, and who have no share link yet. */
const CONTACTS = [
  { email: 'ana.diaz@example.com', firstname: 'Ana', lastname: 'Diaz' },
  { email: 'bo.lindqvist@example.org', firstname: 'Bo', lastname: 'Lindqvist' },
  { email: 'chidi.okafor@example.com', firstname: 'Chidi', lastname: 'Okafor' },
  { email: 'dana.weiss@mail.example.com', firstname: 'Dana', lastname: 'Weiss' },
  { email: 'ewa.nowak@example.org', firstname: 'Ewa', lastname: 'Nowak' },
];

/** Users whom the sandbox's Braze knows, by the numbers of members in the sample files. */
const USERS = Array.from({ length: 1000 }, (_, i) => `external_id M-${String(i + 1).padStart(6, '0')}`);

/**
 * Stand-ins for the five tools. Every request that one gets is kept in `<root>/<tool>/received.jsonl`; what it stores is forgotten
 * with it, but for the cohorts of Braze.
 */
export async function startTools({ io, root }: { io: Io; root: string }): Promise<Tools> {
  const opened: { close(): Promise<void> }[] = [];
  const close = (): Promise<void> => closeAll(opened);
  const logOf = async (tool: string): Promise<{ path: string }> => {
    await mkdir(join(root, tool), { recursive: true });
    return { path: join(root, tool, 'received.jsonl') };
  };
  const kept = <Tool extends { stop(): Promise<void> }>(tool: Tool): Tool => {
    opened.push({ close: () => tool.stop() });
    return tool;
  };
  try {
    const hubspot = kept(await startHubspot({ io, log: await logOf('hubspot') }));
    for (const contact of CONTACTS) hubspot.contacts.add(contact);
    const sfmc = kept(await startSfmc({ io, log: await logOf('sfmc'), package: SFMC_CLIENT }));
    const klaviyo = kept(await startKlaviyo({ io, log: await logOf('klaviyo'), apiKey: KLAVIYO_KEY }));
    const iterable = kept(await startIterable({ io, log: await logOf('iterable') }));
    const log = await logOf('braze');
    const path = join(root, 'braze', 'cohorts.json');
    const braze = await startBraze({ io, log, known: USERS, cohorts: { kept: await readKept(path) } });
    kept({
      stop: () =>
        closeAndKeep(braze.stop, path, () =>
          [...braze.cohorts].map(([id, cohort]) => ({ id, ...cohort, members: [...cohort.members] })),
        ),
    });
    const env = {
      HUBSPOT_URL: hubspot.url,
      HUBSPOT_TOKEN,
      SFMC_AUTH_URL: sfmc.url,
      SFMC_CLIENT_ID: SFMC_CLIENT.clientId,
      SFMC_CLIENT_SECRET: SFMC_CLIENT.clientSecret,
      KLAVIYO_URL: klaviyo.url,
      KLAVIYO_API_KEY: KLAVIYO_KEY,
      ITERABLE_URL: iterable.url,
      ITERABLE_API_KEY: ITERABLE_KEY,
      BRAZE_URL: braze.url,
      BRAZE_API_KEY: BRAZE_KEY,
      BRAZE_PARTNER_KEY: SANDBOX_PARTNER.partnerApiKey,
      BRAZE_IMPORT_KEY: SANDBOX_PARTNER.clientSecret,
    };
    return { hubspot, sfmc, klaviyo, iterable, braze, env, close };
  } catch (error) {
    await close();
    throw error;
  }
}
