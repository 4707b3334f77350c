import { afterEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import {
  HUBSPOT_TOKEN,
  type HubspotOptions,
  type HubspotStandIn,
  startHubspot,
} from '../../src/sandbox/hubspot/server.ts';
import { type IterableStandIn, startIterable } from '../../src/sandbox/iterable/server.ts';
import { pushTo } from '../crash/servers/tools.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { customerRows, customers, type LinksWorld, openLinksWorld } from './support/links-world.ts';

const io = realIo(createLog('silent'));
const FAR = 1_000_000;

describe('pushes of share links, where the tool fails', { timeout: 180_000 }, () => {
  let world: LinksWorld;
  const opened: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.stop();
    await world.close();
  });

  async function hubspot(options: Omit<HubspotOptions, 'io'> = {}): Promise<HubspotStandIn> {
    world = await openLinksWorld();
    const standIn = await startHubspot({
      ...options,
      io,
      limits: { requests: FAR, searches: FAR, daily: FAR, dailyLeft: FAR, ...options.limits },
    });
    opened.push(standIn);
    world.links({ push: [pushTo('hubspot', standIn.url)] });
    return standIn;
  }
  const linked = (standIn: HubspotStandIn): Map<string, string> =>
    new Map(
      standIn.contacts
        .all()
        .flatMap(({ properties: { email = '', share_link: link } }) => (link === undefined ? [] : [[email, link]])),
    );
  const expectAll = (standIn: HubspotStandIn): void => {
    const links = linked(standIn);
    for (const [email, [code]] of world.codes()) expect(links.get(email), email).toMatch(new RegExp(`/${code}$`));
    expect(standIn.contacts.all().length).toBe(world.codes().size);
  };
  /** Lines of the push's own results files, oldest first. */
  const told = (): string[] =>
    world
      .files('results')
      .filter((name) => name.startsWith('push-'))
      .flatMap((name) => fates(readResults(world.read(`results/${name}`))));

  it.each([
    ['as one error among ten yeses (207)', true],
    ['as a no to the whole batch', false],
  ] as const)(
    'what HubSpot refuses, %s, is that contact alone: the others get their links, and it is told which and why',
    async (_how, multiStatus) => {
      const message = 'the contact was deleted for privacy';
      const standIn = await hubspot({
        batches: {
          multiStatus,
          refuses: ({ email }) =>
            email === 'odd@people.example' ? { status: 400, category: 'VALIDATION_ERROR', message } : undefined,
        },
      });
      world.drop('a.csv', customerRows(...customers(5), 'odd@people.example,,Ana', ...customers(5, 'q')));
      await world.run('links');
      expect([...linked(standIn).keys()].sort()).toEqual(
        [...world.codes().keys()].filter((email) => !email.startsWith('odd')).sort(),
      );
      expect(world.codes().size).toBe(11);
      const fatesOfAll = told().map((line) => line.replace(/^\d+ /, ''));
      expect(fatesOfAll.filter((fate) => fate === 'delivered')).toHaveLength(10);
      expect(fatesOfAll.filter((fate) => fate.startsWith('rejected '))).toHaveLength(1);
      const calls = standIn.received.length;
      await world.run('links');
      // Who was refused is not sent again while nothing of them changed.
      expect(standIn.received.length).toBe(calls);
    },
  );

  it.each(['500post', 'resetpost', 'cut-body', 'timeout-post', '429', '503pre'] as const)(
    'a call that ends with %s is made again, and everybody has the right link once',
    async (fault) => {
      const standIn = await hubspot();
      let calls = 0;
      standIn.setFaults(() => (calls++ % 3 === 1 ? fault : undefined));
      world.drop('a.csv', customerRows(...customers(6)));
      const { run, stderr } = await world.run('links');
      expect(run, stderr).toMatchObject({ delivered: 6 });
      standIn.setFaults(undefined);
      await world.run('links');
      expectAll(standIn);
    },
  );

  it('a tool that is down costs nothing but its own push: links and exports are there, and it gets all of them later', async () => {
    world = await openLinksWorld();
    const project = { fields: { share_link: 'string' as const } };
    const first: IterableStandIn = await startIterable({ io, project });
    await first.stop();
    const target = { ...pushTo('iterable', first.url), patience: '200ms' };
    const exports = [
      {
        ...{ format: 'plain-csv', columns: { email: '{email}', link: '{link}' } },
        to: { url: `file://${world.served}/outbox` },
      },
    ];
    world.links({ push: [target], exports });
    world.drop('a.csv', customerRows(...customers(4)));
    const { run } = await world.run('links');
    expect(run).toMatchObject({ delivered: 4, balanced: true });
    expect(world.files('outbox').filter((name) => name.endsWith('.csv'))).toHaveLength(1);
    const again = await startIterable({ io, project, port: first.port });
    opened.push(again);
    await world.run('links');
    expect([...again.project.users.keys()].sort()).toEqual([...world.codes().keys()].sort());
  });

  it('contacts that move between the pages of a search all get a link, each one', async () => {
    world = await openLinksWorld();
    const standIn = await startHubspot({
      io,
      limits: { requests: FAR, searches: FAR, daily: FAR, dailyLeft: FAR },
    });
    opened.push(standIn);
    standIn.contacts.define({
      ...{ name: 'share_link', label: 'share_link', type: 'string', fieldType: 'text' },
      ...{ groupName: 'contactinformation', hasUniqueValue: false },
    });
    for (let i = 0; i < 230; i += 1) standIn.contacts.add({ email: `p${i}@people.example` });
    let searches = 0;
    standIn.setFaults(({ path }) => {
      if (!path.endsWith('/search')) return undefined;
      searches += 1;
      // Between the pages somebody is added, somebody gets a link by another way, and somebody goes.
      if (searches === 2) {
        standIn.contacts.add({ email: 'late@people.example' });
        const [one, other] = standIn.contacts.all();
        if (one) standIn.contacts.update(one, { share_link: 'https://elsewhere.example/one' });
        if (other) standIn.contacts.remove(other.id);
      }
      return undefined;
    });
    const hubspotCustomers = {
      account: 'acme',
      url: standIn.url,
      token: HUBSPOT_TOKEN,
      searchesPerSecond: 100,
      requestsPer10Seconds: 10_000,
    };
    world.links({
      customers: { from: 'hubspot', hubspot: hubspotCustomers },
      push: [pushTo('hubspot', standIn.url)],
    });
    await world.run('links');
    expect(searches).toBeGreaterThan(1);
    await world.run('links');
    const links = linked(standIn);
    expect(standIn.contacts.all().filter(({ properties }) => properties.share_link === undefined)).toEqual([]);
    expect(links.has('late@people.example')).toBe(true);
    expect([...world.codes().values()].every(({ length }) => length === 1)).toBe(true);
    expect(world.codes().size).toBeGreaterThanOrEqual(230);
  });
});
