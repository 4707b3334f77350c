import { afterEach, describe, expect, test } from 'vitest';
import { createHubspotList } from '../../src/destinations/hubspot/lists/lists.ts';
import { hubspotListSettings } from '../../src/destinations/hubspot/lists/settings.ts';
import type { MembershipTarget } from '../../src/destinations/membership.ts';
import type { HubspotOptions, HubspotStandIn } from '../../src/sandbox/hubspot/server.ts';
import { closeAll, patientIo, standIn as startStandIn } from './hubspot-setup.ts';
import { kinds, NEVER, SEGMENT, testMemberships } from './support/membership-suite.ts';

const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await closeAll();
});

interface At {
  provider: HubspotStandIn;
  secret: string;
}

async function standIn(options: Omit<HubspotOptions, 'io'> = {}): Promise<At> {
  const hubspot = await startStandIn({ ...options, limits: { windowMs: 50, ...options.limits } });
  const unique = { type: 'string', fieldType: 'text', groupName: 'contactinformation', hasUniqueValue: true };
  hubspot.contacts.define({ ...unique, name: 'customer_id', label: 'Customer' });
  for (let n = 0; n < 100; n += 1) hubspot.contacts.add({ email: member(n), customer_id: `c${n}` });
  return { provider: hubspot, secret: hubspot.token };
}

function targetTo({ provider, secret }: At, settings: object = {}): MembershipTarget {
  const quick = { patience: '20s', backoff: { first: '5ms', cap: '20ms' }, requestsPer10Seconds: 10_000 };
  const parsed = hubspotListSettings.parse({
    ...{ account: 'acme', token: secret, url: provider.url, ...quick },
    ...settings,
  });
  const target = createHubspotList(parsed, patientIo());
  opened.push(() => target.close());
  return target;
}

const member = (n: number): string => `p${n}@example.com`;
const members = (count: number): string[] => Array.from({ length: count }, (_, n) => member(n)).sort();

function stored(hubspot: HubspotStandIn, property = 'email'): string[] {
  const ids = hubspot.lists.all().flatMap((list) => [...list.members]);
  return ids.map((id) => hubspot.contacts.byId(id)?.properties[property] ?? '').sort();
}

const changes = (hubspot: HubspotStandIn): unknown[] =>
  hubspot.received.filter(({ path }) => path.endsWith('/add-and-remove')).map(({ body }) => body);

describe('what every target does', () => {
  testMemberships<HubspotStandIn>({
    standIn,
    targetTo,
    member,
    stored,
    faults: (hubspot, source) => hubspot.setFaults(source),
    fail(hubspot, ...faults) {
      hubspot.fail(...faults);
      hubspot.failLooks(...faults);
    },
    requests: (hubspot) => hubspot.received.length,
  });
});

test('of a list with more members than a page has it is said that there are more', async () => {
  const at = await standIn();
  const list = at.provider.lists.add(SEGMENT.name);
  for (let n = 0; n < 251; n += 1) list.members.add(String(n));
  expect(await targetTo(at).prepare(SEGMENT, NEVER)).toEqual({ targetId: list.listId, members: 250, more: true });
});

test('the list of the name is taken, and no second one is made where an answer was lost', async () => {
  const at = await standIn();
  const list = at.provider.lists.add('Another segment');
  expect(await targetTo(at).prepare({ ...SEGMENT, name: list.name }, NEVER)).toEqual({
    targetId: list.listId,
    members: 0,
  });
  at.provider.fail('resetpost');
  const { targetId } = await targetTo(at).prepare(SEGMENT, NEVER);
  expect(at.provider.lists.all().map(({ name }) => name)).toEqual(['Another segment', SEGMENT.name]);
  const earlier = { targetId, name: SEGMENT.name };
  await targetTo(at).prepare({ ...SEGMENT, name: 'Renamed', earlier }, NEVER);
  expect(at.provider.lists.all().map(({ name }) => name)).toEqual(['Another segment', 'Renamed']);
});

test('a list that works out its own members is refused before anything is sent', async () => {
  const at = await standIn();
  const { listId } = at.provider.lists.add('Active list', 'DYNAMIC');
  await expect(targetTo(at, { listId }).prepare(SEGMENT, NEVER)).rejects.toMatchObject({ code: 'LIST_NOT_STATIC' });
});

test('contacts are looked up, a hundred in a call, and change in one; people without a contact are rejected', async () => {
  const at = await standIn();
  for (let n = 100; n < 250; n += 1) at.provider.contacts.add({ email: member(n) });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const add = [...members(240), 'stranger@example.com'];
  const answers = await target.apply({ add, remove: [member(245), 'nobody@example.com'] }, NEVER);
  expect(answers.add.filter(({ kind }) => kind === 'accepted')).toHaveLength(240);
  expect(answers.add[240]).toMatchObject({ kind: 'rejected', code: 'MEMBER_UNKNOWN' });
  expect(answers.remove).toMatchObject([{ kind: 'accepted' }, { kind: 'accepted' }]);
  expect(changes(at.provider)).toHaveLength(1);
  expect(stored(at.provider)).toEqual(members(240));
});

test('two addresses of one contact: whoever is a member by one of them stays one', async () => {
  const at = await standIn();
  at.provider.contacts.add({ email: 'ann@example.com', hs_additional_emails: 'a.lee@example.com' });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: ['ann@example.com'], remove: [] }, NEVER);
  await target.apply({ add: ['a.lee@example.com'], remove: ['ann@example.com'] }, NEVER);
  expect(stored(at.provider)).toEqual(['ann@example.com']);
});

test('two addresses of one contact: it stays while the other one is to be a member, also where no call says so', async () => {
  const at = await standIn();
  at.provider.contacts.add({ email: 'ann@example.com', hs_additional_emails: 'a.lee@example.com' });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const both = ['a.lee@example.com', 'ann@example.com'];
  await target.apply({ add: both, remove: [] }, NEVER);
  const gone = (id: string) =>
    target.apply({ add: [], remove: [id] }, NEVER, (one) => one !== id && both.includes(one));
  for (const id of both) expect(kinds(await gone(id))).toEqual([[], ['accepted']]);
  expect(stored(at.provider)).toEqual(['ann@example.com']);
  expect(changes(at.provider)).toHaveLength(1);
  const read: unknown[] = [];
  for await (const page of target.members?.(NEVER) ?? []) read.push(...page);
  expect(read).toEqual([['ann@example.com', 'a.lee@example.com']]);
  await target.apply({ add: [], remove: ['a.lee@example.com'] }, NEVER, () => false);
  expect(stored(at.provider)).toEqual([]);
});

test('members by an id of your own, and read back by it', async () => {
  const at = await standIn();
  const target = targetTo(at, { identifyBy: 'userId', userIdProperty: 'customer_id' });
  await target.prepare(SEGMENT, NEVER);
  const add = Array.from({ length: 100 }, (_, n) => `c${n}`).sort();
  await target.apply({ add, remove: [] }, NEVER);
  expect(stored(at.provider, 'customer_id')).toEqual(add);
  const found: string[] = [];
  for await (const page of target.members?.(NEVER) ?? []) found.push(...page.flat());
  expect(found.sort()).toEqual(add);
});

test('members are read back over pages, without those who have no such id', async () => {
  const at = await standIn();
  for (let n = 100; n < 600; n += 1) at.provider.contacts.add({ email: member(n) });
  const target = targetTo(at);
  const { targetId } = await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: members(600), remove: [] }, NEVER);
  const list = at.provider.lists.all().find(({ listId }) => listId === targetId);
  list?.members.add(at.provider.contacts.add({ firstname: 'Nameless' }).id);
  const found: string[] = [];
  for await (const page of target.members?.(NEVER) ?? []) found.push(...page.flat());
  expect(found.sort()).toEqual(members(600));
});

test('a list that was deleted meanwhile stops the target', async () => {
  const at = await standIn();
  const target = targetTo(at, { listId: '4711' });
  await expect(target.prepare(SEGMENT, NEVER)).rejects.toMatchObject({ retryable: false });
  expect(await target.apply({ add: members(2), remove: [] }, NEVER)).toMatchObject({
    add: [
      { kind: 'halted', code: 'LIST_GONE' },
      { kind: 'halted', code: 'LIST_GONE' },
    ],
  });
});

test('where HubSpot asks for patience while contacts are looked up, each member is told when to come again', async () => {
  const at = await standIn();
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const asking = { kind: 'status', status: 429, headers: { 'retry-after': '600' }, body: '{}' } as const;
  at.provider.setFaults(({ path }) => (path.endsWith('/batch/read') ? asking : undefined));
  const { add } = await target.apply({ add: members(120), remove: [] }, NEVER);
  const later = add.filter((answer) => answer.kind === 'retryable' && (answer.afterMs ?? 0) > 500_000);
  expect(later).toHaveLength(120);
  expect(add[0]).toMatchObject({ code: 'THROTTLED' });
  expect(add[119]).toMatchObject({ code: 'NOT_SENT', reason: expect.stringContaining('THROTTLED') });
});

test('where contacts cannot be looked up, nothing is sent and nothing is in doubt', async () => {
  const at = await standIn();
  const target = targetTo(at, { patience: '60ms' });
  await target.prepare(SEGMENT, NEVER);
  at.provider.setFaults(({ path }) => (path.endsWith('/batch/read') ? 'resetpost' : undefined));
  expect(kinds(await target.apply({ add: members(120), remove: [] }, NEVER))[0]).toEqual(Array(120).fill('retryable'));
  expect(changes(at.provider)).toEqual([]);
});
