import { deliverySettings } from '../../src/delivery/settings.ts';
import type { LinkAnswer, LinkPerson } from '../../src/destinations/extole/links/answers.ts';
import { createLinks, type Links, type LinksOptions } from '../../src/destinations/extole/links/links.ts';
import { type LinksSettings, linksSettings } from '../../src/destinations/extole/links/settings.ts';
import type { LinkOptions } from '../../src/sandbox/extole/link-api.ts';
import { type ExtoleOptions, type ExtoleStandIn, SANDBOX_TOKEN } from '../../src/sandbox/extole/server.ts';
import { closeAll, io, standIn } from './extole-setup.ts';

export { io };

const opened: (() => Promise<void>)[] = [];

/** Call after each test. */
export async function closeLinks(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
  await closeAll();
}

export function linkStandIn(links: LinkOptions = {}, options: Partial<ExtoleOptions> = {}): Promise<ExtoleStandIn> {
  return standIn({ links, ...options });
}

let tokens = 0;

/** A token of its own for each test, since the pace of a token is shared in the process. */
export function linkSettings(server: ExtoleStandIn, input: object = {}): LinksSettings {
  tokens += 1;
  const token = `${SANDBOX_TOKEN}-links-${tokens}`;
  server.setTokens([token]);
  return linksSettings.parse({
    account: 'acme',
    token,
    apiUrl: server.url,
    requestsPerMinute: 600_000,
    label: 'refer-a-friend',
    backoff: { first: '10ms', cap: '40ms' },
    patience: '5s',
    ...input,
  });
}

export function openLinks(
  settings: LinksSettings,
  { timeout, ...options }: LinksOptions & { timeout?: { headers: string; total: string } } = {},
): Links {
  const timeouts = deliverySettings.parse(timeout ? { timeout } : {});
  const links = createLinks(settings, io, { timeouts, ...options });
  opened.push(() => links.close());
  return links;
}

export const ANN: LinkPerson = {
  email: 'ann.lee@example.com',
  columns: { email: 'ann.lee@example.com', first_name: 'Ann', employee_id: '0173' },
};

export function create(links: Links, person: LinkPerson = ANN): Promise<LinkAnswer> {
  return links.create(person, new AbortController().signal);
}

/** Method and path of each request, without the base and the query. */
export function calls(server: ExtoleStandIn): string[] {
  return server.received.map(({ method, path }) => `${method} ${path.replace(/\?.*$/, '')}`);
}
