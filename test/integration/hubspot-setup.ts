import { createHubspot, type Hubspot } from '../../src/destinations/hubspot/hubspot.ts';
import { hubspotSettings } from '../../src/destinations/hubspot/settings.ts';
import type { Profile } from '../../src/destinations/profile.ts';
import { createLog, realIo } from '../../src/io.ts';
import type { Answer, Io } from '../../src/model.ts';
import type { Fault, FaultName } from '../../src/sandbox/extole/faults.ts';
import { type HubspotOptions, type HubspotStandIn, startHubspot } from '../../src/sandbox/hubspot/server.ts';

export const io = realIo(createLog('silent'));
export const signal = new AbortController().signal;

/** A clock that is put forward where somebody would wait for longer than a second, as after HubSpot's 429: ten. */
export function patientIo(): Io {
  let ahead = 0;
  return {
    ...io,
    monotonic: () => io.monotonic() + ahead,
    async sleep(ms, stop) {
      if (ms > 1000) ahead += ms;
      await io.sleep(ms > 1000 ? 0 : ms, stop);
    },
  };
}

const opened: (() => Promise<void>)[] = [];

/** Call after each test. */
export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

/** The limits are far away unless a test sets them. */
const WIDE = { requests: 100_000, searches: 100_000, daily: 1_000_000, dailyLeft: 1_000_000 };

let tokens = 0;

/** A token of its own for each, since the pace of a token is shared in the process. */
export async function standIn(options: Omit<HubspotOptions, 'io'> = {}): Promise<HubspotStandIn & { token: string }> {
  tokens += 1;
  const token = `token-${tokens}`;
  const server = await startHubspot({ io, token, ...options, limits: { ...WIDE, ...options.limits } });
  opened.push(() => server.stop());
  for (const name of ['share_link', 'share_code']) server.contacts.define({ ...text, name, label: name });
  return Object.assign(server, { token });
}

const text = { type: 'string', fieldType: 'text', groupName: 'contactinformation', hasUniqueValue: false };

export function hubspot(
  server: HubspotStandIn & { token: string },
  settings: object = {},
  over: Partial<Io> = {},
): Hubspot {
  const sender = createHubspot(
    hubspotSettings.parse({
      account: 'acme',
      token: server.token,
      url: server.url,
      requestsPer10Seconds: 10_000,
      searchesPerSecond: 100,
      patience: '5s',
      backoff: { first: '5ms', cap: '20ms' },
      ...settings,
    }),
    { ...io, ...over },
  );
  opened.push(() => sender.close());
  return sender;
}

export function person(n: number, fields: Record<string, string> = {}): Profile {
  return { email: `p${n}@example.com`, fields: { share_link: `https://share.example.com/p${n}`, ...fields } };
}

export const people = (count: number): Profile[] => Array.from({ length: count }, (_, n) => person(n + 1));

export const kinds = (answers: readonly Answer[]): string[] => answers.map(({ kind }) => kind);

/** The last parts of the paths called, in order. */
export const called = (server: HubspotStandIn): string[] =>
  server.received.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));

/** What is stored of everybody with an e-mail: e-mail to share link. */
export function links(server: HubspotStandIn): Record<string, string | undefined> {
  return Object.fromEntries(
    server.contacts.all().map(({ properties: { email = '', share_link } }) => [email, share_link]),
  );
}

/** Plays faults for the first calls of a path's end, one each. */
export function failOn(server: HubspotStandIn, end: string, ...faults: (Fault | FaultName)[]): void {
  server.setFaults(({ path }) => (path.endsWith(end) ? faults.shift() : undefined));
}
