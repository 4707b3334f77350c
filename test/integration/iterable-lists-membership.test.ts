import { afterEach, describe, expect, test } from 'vitest';
import { createIterableList } from '../../src/destinations/iterable/lists/lists.ts';
import { iterableListSettings } from '../../src/destinations/iterable/lists/settings.ts';
import type { MembershipTarget } from '../../src/destinations/membership.ts';
import { createLog, realIo } from '../../src/io.ts';
import { type IterableOptions, type IterableStandIn, startIterable } from '../../src/sandbox/iterable/server.ts';
import { kinds, NEVER, SEGMENT, testMemberships } from './support/membership-suite.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface At {
  provider: IterableStandIn;
  secret: string;
}

let keys = 0;
const UNLIMITED = { requests: Number.POSITIVE_INFINITY, readsPerMinute: Number.POSITIVE_INFINITY };

/** A key of its own for each test, since the pace of a key is shared in the process. */
async function standIn(options: Omit<IterableOptions, 'io'> = {}): Promise<At> {
  keys += 1;
  const secret = `list-key-${keys}`;
  const project = { emails: members(100), ...options.project };
  const iterable = await startIterable({ io, keys: [secret], limits: UNLIMITED, ...options, project });
  opened.push(() => iterable.stop());
  return { provider: iterable, secret };
}

function targetTo({ provider, secret }: At, settings: object = {}): MembershipTarget {
  const quick = {
    patience: '20s',
    backoff: { first: '5ms', cap: '20ms' },
    requestsPerSecond: 1000,
    readsPerMinute: 9000,
  };
  const parsed = iterableListSettings.parse({
    ...{ account: 'acme', apiKey: secret, url: provider.url, ...quick },
    ...settings,
  });
  const target = createIterableList(parsed, io);
  opened.push(() => target.close());
  return target;
}

const member = (n: number): string => `p${n}@example.com`;
const members = (count: number): string[] => Array.from({ length: count }, (_, n) => member(n)).sort();
const stored = (iterable: IterableStandIn): string[] =>
  iterable.lists
    .all()
    .flatMap((list) => [...list.members])
    .sort();

describe('what every target does', () => {
  testMemberships<IterableStandIn>({
    standIn,
    targetTo,
    member,
    stored,
    faults: (iterable, source) => iterable.setFaults(source),
    fail(iterable, ...faults) {
      iterable.fail(...faults);
      iterable.failLooks(...faults);
    },
    requests: (iterable) => iterable.received.length,
  });
});

test('the list of the name is taken, and no second one is made where an answer was lost', async () => {
  const at = await standIn();
  const { id } = at.provider.lists.add('Another segment');
  expect(await targetTo(at).prepare({ ...SEGMENT, name: 'Another segment' }, NEVER)).toEqual({
    targetId: String(id),
    members: 0,
  });
  at.provider.fail('resetpost');
  await targetTo(at).prepare(SEGMENT, NEVER);
  expect(at.provider.lists.all().map(({ name }) => name)).toEqual(['Another segment', SEGMENT.name]);
});

test('a list that is gone, and one that works out its own members, are refused before anything is sent', async () => {
  const at = await standIn();
  const { id } = at.provider.lists.add('Dynamic', 'Dynamic');
  await expect(targetTo(at, { listId: id }).prepare(SEGMENT, NEVER)).rejects.toMatchObject({ code: 'LIST_NOT_STATIC' });
  await expect(targetTo(at, { listId: 4711 }).prepare(SEGMENT, NEVER)).rejects.toMatchObject({ code: 'LIST_GONE' });
});

test('a list that was just made is not counted, and one that was there is, without reading who is in it', async () => {
  const at = await standIn();
  const { targetId } = await targetTo(at).prepare(SEGMENT, NEVER);
  const reads = () => at.provider.received.map(({ path }) => path).filter((path) => /size|getUsers/.test(path));
  expect(reads()).toEqual([]);
  at.provider.lists.all()[0]?.members.add(member(3));
  expect(await targetTo(at).prepare(SEGMENT, NEVER)).toEqual({ targetId, members: 1 });
  expect(reads()).toEqual([`/api/lists/${targetId}/size`]);
});

test('an answer that is longer than is read stops the target with that reason, and is not asked for again', async () => {
  const at = await standIn();
  const body = JSON.stringify({ lists: [{ id: 1, name: 'x'.repeat(9 * 1024 * 1024), listType: 'Standard' }] });
  at.provider.setFaults(() => ({ kind: 'body', accept: false, body }));
  const before = at.provider.received.length;
  const error = { code: 'BAD_ANSWER', retryable: false, message: expect.stringContaining('longer than is read') };
  await expect(targetTo(at).prepare(SEGMENT, NEVER)).rejects.toMatchObject(error);
  expect(at.provider.received).toHaveLength(before + 1);
});

test('people whom the project does not know are rejected, and made with createUsers; whoever leaves need not be known', async () => {
  const at = await standIn();
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const changes = { add: [member(1), 'new@example.com', 'no address'], remove: ['nobody@example.com'] };
  const answers = await target.apply(changes, NEVER);
  expect(answers).toMatchObject({
    add: [
      { kind: 'accepted' },
      { kind: 'rejected', code: 'notFoundEmails' },
      { kind: 'rejected', code: 'invalidEmails' },
    ],
    remove: [{ kind: 'accepted' }],
  });
  const making = targetTo(at, { createUsers: true });
  await making.prepare(SEGMENT, NEVER);
  expect(kinds(await making.apply({ add: ['new@example.com'], remove: [] }, NEVER))).toEqual([['accepted'], []]);
  expect(stored(at.provider)).toEqual(['new@example.com', member(1)]);
});

test('many people whom the project does not know stop nothing', async () => {
  const at = await standIn();
  const target = targetTo(at);
  const { targetId } = await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: [member(1)], remove: [] }, NEVER);
  const add = Array.from({ length: 200 }, (_, n) => `new${n}@example.com`);
  const answers = await target.apply({ add, remove: [] }, NEVER);
  expect(new Set(answers.add.map((answer) => answer.kind === 'rejected' && answer.code))).toEqual(
    new Set(['notFoundEmails']),
  );
  expect(kinds(await target.apply({ add, remove: [member(1)] }, NEVER))[1]).toEqual(['accepted']);
  expect(stored(at.provider)).toEqual([]);
  at.provider.lists.all()[0]?.members.add(member(3));
  expect(await targetTo(at).prepare(SEGMENT, NEVER)).toEqual({ targetId, members: 1 });
});

test('members by userId, which are made only where the settings say so', async () => {
  const at = await standIn({ project: { userIds: ['u1'] } });
  const target = targetTo(at, { identifyBy: 'userId' });
  await target.prepare(SEGMENT, NEVER);
  expect(kinds(await target.apply({ add: ['u1', 'u2'], remove: [] }, NEVER))).toEqual([['accepted', 'rejected'], []]);
  const making = targetTo(at, { identifyBy: 'userId', createUsers: true });
  await making.prepare(SEGMENT, NEVER);
  expect(kinds(await making.apply({ add: ['u2'], remove: ['u1'] }, NEVER))).toEqual([['accepted'], ['accepted']]);
  expect(stored(at.provider)).toEqual(['u2']);
});

test('no call has more members than the settings say, and members are read back', async () => {
  const at = await standIn();
  const target = targetTo(at, { membersPerCall: 30 });
  await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: members(100), remove: [] }, NEVER);
  expect(at.provider.received.filter(({ path }) => path === '/api/lists/subscribe')).toHaveLength(4);
  const found: string[] = [];
  for await (const page of target.members?.(NEVER) ?? []) found.push(...page.flat());
  expect(found.sort()).toEqual(members(100));
});
