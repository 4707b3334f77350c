import { afterEach, describe, expect, test } from 'vitest';
import { createKlaviyoList } from '../../src/destinations/klaviyo/lists/lists.ts';
import { klaviyoListSettings } from '../../src/destinations/klaviyo/lists/settings.ts';
import type { MembershipTarget } from '../../src/destinations/membership.ts';
import { createLog, realIo } from '../../src/io.ts';
import { type KlaviyoOptions, type KlaviyoStandIn, startKlaviyo } from '../../src/sandbox/klaviyo/server.ts';
import { kinds, NEVER, SEGMENT, testMemberships } from './support/membership-suite.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface At {
  provider: KlaviyoStandIn;
  secret: string;
}

let keys = 0;
const UNLIMITED = { perSecond: Number.POSITIVE_INFINITY, perMinute: Number.POSITIVE_INFINITY };

/** A key of its own for each test, since the pace of a key is shared in the process. */
async function standIn(options: Omit<KlaviyoOptions, 'io'> = {}): Promise<At> {
  keys += 1;
  const secret = `pk_lists_${keys}`;
  const klaviyo = await startKlaviyo({ io, apiKey: secret, ...options, limits: { ...UNLIMITED, ...options.limits } });
  opened.push(() => klaviyo.stop());
  for (let n = 0; n < 100; n += 1) klaviyo.profiles.upsert({ email: member(n), external_id: `c${n}` });
  return { provider: klaviyo, secret };
}

function targetTo({ provider, secret }: At, settings: object = {}): MembershipTarget {
  const quick = { patience: '20s', backoff: { first: '5ms', cap: '20ms' }, poll: '20ms', requestsPerSecond: 10_000 };
  const fast = { requestsPerMinute: 600_000, lookUpsPerMinute: 100_000, countsPerMinute: 100_000 };
  const parsed = klaviyoListSettings.parse({
    ...{ account: 'acme', apiKey: secret, url: provider.url, ...quick, ...fast },
    ...settings,
  });
  const target = createKlaviyoList(parsed, io);
  opened.push(() => target.close());
  return target;
}

const member = (n: number): string => `p${n}@example.com`;
const members = (count: number): string[] => Array.from({ length: count }, (_, n) => member(n)).sort();

function stored(klaviyo: KlaviyoStandIn): string[] {
  const inLists = new Set([...klaviyo.lists.values()].flatMap((ids) => [...ids]));
  const found = klaviyo.profiles.all().filter(({ id }) => inLists.has(id));
  return found.map(({ email = '', externalId = '' }) => email || externalId).sort();
}

describe('what every target does', () => {
  testMemberships<KlaviyoStandIn>({
    standIn,
    targetTo,
    member,
    stored,
    faults: (klaviyo, source) => klaviyo.setFaults(source),
    fail(klaviyo, ...faults) {
      klaviyo.fail(...faults);
      klaviyo.failLooks(...faults);
    },
    requests: (klaviyo) => klaviyo.received.length,
  });
});

test('the list of the name is taken with its size, and no second one is made where an answer was lost', async () => {
  const at = await standIn();
  const id = at.provider.addList('Another "segment"');
  const other = { ...SEGMENT, name: 'Another "segment"' };
  expect(await targetTo(at).prepare(other, NEVER)).toEqual({ targetId: id, members: 0 });
  at.provider.fail('resetpost');
  await targetTo(at).prepare(SEGMENT, NEVER);
  expect([...at.provider.listNames.values()]).toEqual(['Another "segment"', SEGMENT.name]);
});

test('a list that is gone is refused with what to do', async () => {
  const at = await standIn();
  await expect(targetTo(at, { listId: 'Gone' }).prepare(SEGMENT, NEVER)).rejects.toMatchObject({
    code: 'LIST_GONE',
    retryable: false,
    message: expect.stringContaining('listId'),
  });
});

test('people whom Klaviyo does not know are rejected, and made with createProfiles; whoever leaves need not be known', async () => {
  const at = await standIn();
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const answers = await target.apply({ add: [member(1), 'new@example.com'], remove: ['nobody@example.com'] }, NEVER);
  expect(answers).toMatchObject({
    add: [{ kind: 'accepted' }, { kind: 'rejected', code: 'MEMBER_UNKNOWN' }],
    remove: [{ kind: 'accepted' }],
  });
  const making = targetTo(at, { createProfiles: true });
  await making.prepare(SEGMENT, NEVER);
  const made = await making.apply({ add: ['new@example.com', 'no address'], remove: [] }, NEVER);
  expect(kinds(made)).toEqual([['accepted', 'rejected'], []]);
  expect(JSON.stringify(made)).not.toContain('no address');
  expect(stored(at.provider)).toEqual(['new@example.com', member(1)]);
});

test('members are looked up so many in a call as the settings say, change in one, and are read back over pages', async () => {
  const at = await standIn();
  for (let n = 100; n < 250; n += 1) at.provider.profiles.upsert({ email: member(n) });
  const target = targetTo(at, { profilesPerLookUp: 100 });
  await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: members(240), remove: [] }, NEVER);
  const paths = at.provider.received.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`);
  expect(paths.filter((path) => path === 'GET /api/profiles')).toHaveLength(3);
  expect(paths.filter((path) => path.endsWith('/relationships/profiles'))).toHaveLength(1);
  const found: string[] = [];
  for await (const page of target.members?.(NEVER) ?? []) found.push(...page.flat());
  expect(found.sort()).toEqual(members(240));
});

test('members by external_id', async () => {
  const at = await standIn();
  const target = targetTo(at, { identifyBy: 'userId' });
  await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: ['c1', 'c2', 'c3'], remove: [] }, NEVER);
  await target.apply({ add: [], remove: ['c2'] }, NEVER);
  expect(stored(at.provider)).toEqual([member(1), member(3)]);
  const found: string[] = [];
  for await (const page of target.members?.(NEVER) ?? []) found.push(...page.flat());
  expect(found.sort()).toEqual(['c1', 'c3']);
});

test('where profiles cannot be looked up, nothing is sent and nothing is in doubt', async () => {
  const at = await standIn();
  const target = targetTo(at, { patience: '60ms', profilesPerLookUp: 10 });
  await target.prepare(SEGMENT, NEVER);
  at.provider.setFaults(({ path }) => (path.startsWith('/api/profiles') ? 'resetpost' : undefined));
  expect(kinds(await target.apply({ add: members(30), remove: [] }, NEVER))[0]).toEqual(Array(30).fill('retryable'));
  expect(at.provider.received.some(({ path }) => path.endsWith('/relationships/profiles'))).toBe(false);
});
