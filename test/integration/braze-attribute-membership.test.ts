import { afterEach, describe, expect, test } from 'vitest';
import { createBrazeMembership } from '../../src/destinations/braze/cohorts/open.ts';
import { brazeMembershipSettings } from '../../src/destinations/braze/cohorts/settings.ts';
import type { MembershipTarget } from '../../src/destinations/membership.ts';
import { createLog, realIo } from '../../src/io.ts';
import { type BrazeOptions, type BrazeStandIn, startBraze } from '../../src/sandbox/braze/server.ts';
import type { Fault, FaultName, FaultSource } from '../../src/sandbox/extole/faults.ts';
import { kinds, NEVER, SEGMENT, testMemberships } from './support/membership-suite.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface At {
  provider: BrazeStandIn;
  secret: string;
}

let keys = 0;
const KNOWN = Array.from({ length: 100 }, (_, n) => `external_id u${n}`);

/** A key of its own for each test, since the pace of a key is shared in the process. */
async function standIn(options: Omit<BrazeOptions, 'io'> = {}): Promise<At> {
  keys += 1;
  const secret = `rest-key-${keys}`;
  const braze = await startBraze({ io, keys: [secret], known: KNOWN, groups: ['group-1'], ...options });
  opened.push(() => braze.stop());
  return { provider: braze, secret };
}

function open({ provider }: At, settings: object): MembershipTarget {
  const quick = { patience: '20s', backoff: { first: '5ms', cap: '20ms' } };
  const parsed = brazeMembershipSettings.parse({ account: 'acme', url: provider.url, ...quick, ...settings });
  const target = createBrazeMembership(parsed, io);
  opened.push(() => target.close());
  return target;
}

const attributeAt = (at: At, settings: object = {}, attribute: object = {}): MembershipTarget =>
  open(at, { ...settings, attribute: { apiKey: at.secret, ...attribute } });
const groupAt = (at: At, settings: object = {}): MembershipTarget =>
  open(at, { ...settings, subscription: { apiKey: at.secret, groupId: 'group-1', requestsPerMinute: 1_000_000 } });

const usual = {
  standIn,
  preparesAlone: true,
  member: (n: number): string => `u${n}`,
  faults: (braze: BrazeStandIn, source: FaultSource | undefined) => braze.setFaults(source),
  fail: (braze: BrazeStandIn, ...faults: (Fault | FaultName)[]) => braze.fail(...faults),
  requests: (braze: BrazeStandIn): number => braze.received.length,
} as const;

const named = (names: Iterable<string>): string[] => [...names].map((name) => name.replace(/^\w+ /, '')).sort();

/** Users of whom the attribute says that they are members. */
function withAttribute(braze: BrazeStandIn, isMember: (attributes: Readonly<Record<string, unknown>>) => boolean) {
  return named([...braze.users].flatMap(([name, attributes]) => (isMember(attributes) ? [name] : [])));
}

describe('a boolean attribute', () => {
  testMemberships<BrazeStandIn>({
    ...usual,
    targetTo: attributeAt,
    stored: (braze) => withAttribute(braze, ({ segment_lapsed }) => segment_lapsed === true),
  });
});

describe('an array attribute', () => {
  testMemberships<BrazeStandIn>({
    ...usual,
    targetTo: (at, settings) => attributeAt(at, settings, { form: 'array' }),
    stored: (braze) => withAttribute(braze, ({ segments }) => Array.isArray(segments) && segments.includes('lapsed')),
  });
});

describe('a subscription group', () => {
  testMemberships<BrazeStandIn>({
    ...usual,
    targetTo: groupAt,
    stored: (braze) => named(braze.groups.get('group-1') ?? []),
  });
});

test('an array keeps the other segments that a person is in', async () => {
  const at = await standIn();
  for (const id of ['lapsed', 'vip']) {
    const target = attributeAt(at, {}, { form: 'array' });
    await target.prepare({ ...SEGMENT, id }, NEVER);
    await target.apply({ add: ['u1', 'u2'], remove: [] }, NEVER);
  }
  const target = attributeAt(at, {}, { form: 'array' });
  await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: [], remove: ['u1'] }, NEVER);
  expect(at.provider.users.get('external_id u1')).toEqual({ segments: ['vip'] });
  expect(at.provider.users.get('external_id u2')).toEqual({ segments: ['lapsed', 'vip'] });
});

test('no user is made for an attribute, whatever names it', async () => {
  const at = await standIn({ known: ['email ann@example.com', 'alias crm a-1'] });
  const byEmail = attributeAt(at, { identifyBy: 'email' }, { name: 'in_{segment}' });
  expect(await byEmail.prepare(SEGMENT, NEVER)).toEqual({ targetId: 'in_lapsed' });
  await byEmail.apply({ add: ['ann@example.com', 'nobody@example.com'], remove: [] }, NEVER);
  const byAlias = attributeAt(at, { identifyBy: 'alias', aliasLabel: 'crm' });
  await byAlias.prepare(SEGMENT, NEVER);
  await byAlias.apply({ add: ['a-1', 'a-2'], remove: [] }, NEVER);
  expect([...at.provider.users]).toEqual([
    ['email ann@example.com', { email: 'ann@example.com', in_lapsed: true }],
    ['alias crm a-1', { segment_lapsed: true }],
  ]);
});

test('a call to a group has users of one state, no more than Braze takes, and a bad address stands alone', async () => {
  const at = await standIn();
  const target = groupAt(at, { identifyBy: 'email' });
  await target.prepare(SEGMENT, NEVER);
  const add = [...Array.from({ length: 60 }, (_, n) => `p${n}@example.com`), 'no address'];
  const answers = kinds(await target.apply({ add, remove: ['q@example.com'] }, NEVER));
  expect(answers).toEqual([[...Array(60).fill('accepted'), 'rejected'], ['accepted']]);
  expect(at.provider.groups.get('group-1')?.size).toBe(60);
});

test('settings without a way, with two, or with ids that the way does not take, are refused', () => {
  const usualSettings = { account: 'acme', url: 'https://rest.iad-01.braze.com' };
  const [attribute, subscription] = [{ apiKey: 'key' }, { apiKey: 'key', groupId: 'g' }];
  const cohort = { partner: 'heap', partnerApiKey: 'a', clientSecret: 'b' };
  for (const [settings, problem] of [
    [{}, 'exactly one of cohort, attribute and subscription'],
    [{ attribute, subscription }, 'exactly one of cohort, attribute and subscription'],
    [{ cohort, identifyBy: 'email' }, 'cohorts take external_ids and user aliases only'],
    [{ subscription, identifyBy: 'alias', aliasLabel: 'crm' }, 'subscription groups take external_ids'],
    [{ attribute, identifyBy: 'alias' }, 'needs the label of the aliases'],
  ] as const) {
    const { error } = brazeMembershipSettings.safeParse({ ...usualSettings, ...settings });
    expect(error?.issues.map(({ message }) => message).join()).toContain(problem);
  }
});
