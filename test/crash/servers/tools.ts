import type { Io } from '../../../src/model.ts';
import { startBraze } from '../../../src/sandbox/braze/server.ts';
import { HUBSPOT_TOKEN, startHubspot } from '../../../src/sandbox/hubspot/server.ts';
import { startIterable } from '../../../src/sandbox/iterable/server.ts';
import { startKlaviyo } from '../../../src/sandbox/klaviyo/server.ts';
import { startSfmc } from '../../../src/sandbox/sfmc/server.ts';
import type { StandIn } from '../../../src/sandbox/stand-in.ts';

export const TOOLS = ['hubspot', 'sfmc', 'klaviyo', 'iterable', 'braze'] as const;
/** A tool that is given profiles. */
export type PushName = (typeof TOOLS)[number];
/** Or the cohorts of Braze, which are given members. */
export type ToolName = PushName | 'cohorts';

/** Whom Braze knows: others it passes over without a word. */
const USERS = Array.from({ length: 100 }, (_, i) => `external_id user-${i}`);

/** The share link that a tool has of each person, by the lower-cased address, or our id where it knows no address. */
export type Stored = Record<string, string>;

export interface OpenTool {
  standIn: StandIn;
  stored(): Stored;
  /** Names of the files that were handed in to be imported. */
  imports?(): string[];
}

export interface ToolOptions {
  io: Io;
  log: { path: string; fsync: boolean };
}

const FAR = 1_000_000_000;
const TEXT = { type: 'string', fieldType: 'text', groupName: 'contactinformation', hasUniqueValue: false };

type Fields = Readonly<Record<string, unknown>>;

function byEmail(people: Iterable<{ email?: string | undefined; fields: Fields }>, field = 'share_link'): Stored {
  const found: Stored = {};
  for (const { email = '', fields } of people) {
    const link = fields[field];
    if (typeof link === 'string') found[email.includes('@') ? email.toLowerCase() : email] = link;
  }
  return found;
}

/** Each as strict as it is, and without limits of its own: those are for other tests. */
const STARTS: Readonly<Record<ToolName, (options: ToolOptions) => Promise<OpenTool>>> = {
  async hubspot(options) {
    const limits = { requests: FAR, searches: FAR, daily: FAR, dailyLeft: FAR };
    const standIn = await startHubspot({ ...options, limits });
    const people = () =>
      standIn.contacts.all().map(({ properties }) => ({ email: properties.email, fields: properties }));
    for (const name of ['share_link', 'share_code', 'company', 'extole_app_type'])
      standIn.contacts.define({ ...TEXT, name, label: name });
    const imports = () => standIn.imports.all.map(({ name }) => name);
    return { standIn, imports, stored: () => byEmail(people()) };
  },
  async sfmc(options) {
    const standIn = await startSfmc({ ...options, limits: { pickUpMs: 5, workMs: 5 } });
    const people = () => [...standIn.rows].map(([email, fields]) => ({ email, fields }));
    return { standIn, stored: () => byEmail(people(), 'extole_share_link') };
  },
  async klaviyo(options) {
    const standIn = await startKlaviyo({
      ...options,
      limits: { queueMs: 5, workMs: 5, perSecond: FAR, perMinute: FAR },
    });
    const people = () =>
      standIn.profiles
        .all()
        .map(({ email, externalId, properties }) => ({ email: email ?? externalId, fields: properties }));
    return { standIn, stored: () => byEmail(people()) };
  },
  async iterable(options) {
    const standIn = await startIterable({
      ...options,
      limits: { requests: FAR },
      project: { fields: { share_link: 'string' } },
    });
    const people = () => [...standIn.project.users].map(([email, fields]) => ({ email, fields }));
    return { standIn, stored: () => byEmail(people()) };
  },
  async cohorts(options) {
    const standIn = await startBraze({ ...options, limits: { requests: FAR }, known: USERS });
    // By segment and member: what a segment has of somebody is that it has them.
    const stored = (): Stored =>
      Object.fromEntries(
        [...standIn.cohorts].flatMap(([segment, { members }]) =>
          [...members].map((name) => [`${segment} ${name.replace('external_id ', '')}`, 'member']),
        ),
      );
    return { standIn, stored };
  },
  async braze(options) {
    const standIn = await startBraze({ ...options, limits: { requests: FAR } });
    const people = () => [...standIn.users].map(([name, fields]) => ({ email: name.split(' ')[1], fields }));
    return { standIn, stored: () => byEmail(people()) };
  },
};

export const openTool = (name: ToolName, options: ToolOptions): Promise<OpenTool> => STARTS[name](options);

/** `push` of a job: as quick to try again as Extole is. */
export function pushTo(name: PushName, url: string): Readonly<Record<string, unknown>> {
  const usual = {
    provider: name,
    account: 'acme',
    patience: '5s',
    backoff: { first: '5ms', cap: '40ms' },
    timeout: { headers: '400ms', total: '600ms' },
  };
  switch (name) {
    case 'hubspot':
      return { ...usual, url, token: HUBSPOT_TOKEN, requestsPer10Seconds: 10_000, fields: { share_link: '{link}' } };
    case 'sfmc':
      return {
        ...{ ...usual, subdomain: 'mc-acme', authUrl: url, clientId: 'sandbox-client', clientSecret: 'sandbox-secret' },
        ...{ dataExtension: { key: 'Extole_Share_Links' }, requestsPerMinute: 1_000_000, poll: '20ms' },
      };
    case 'klaviyo':
      return {
        ...{ ...usual, url, apiKey: 'pk_sandbox', poll: '20ms' },
        ...{ requestsPerSecond: 10_000, requestsPerMinute: 600_000 },
      };
    case 'iterable':
      return { ...usual, url, apiKey: 'sandbox-iterable-key', requestsPerSecond: 50, usersPerCall: 3 };
    case 'braze':
      return { ...usual, url, apiKey: 'sandbox-braze-key', externalId: 'email' };
  }
}

/** A server that never answers is given up soon. */
const IMPORT = { poll: '20ms', wait: '10s', uploadTimeout: '3s' };

/** `exports` of a job: files that HubSpot imports. */
export function importInto(url: string): Readonly<Record<string, unknown>> {
  const { provider, fields, ...hubspot } = pushTo('hubspot', url);
  return { name: 'imports', format: 'hubspot-csv', hubspot: { ...hubspot, import: IMPORT } };
}
