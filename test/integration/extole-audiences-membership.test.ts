import { afterEach, describe, expect, test } from 'vitest';
import { createAudience } from '../../src/destinations/extole/audiences/audiences.ts';
import { audienceApiSettings } from '../../src/destinations/extole/audiences/settings.ts';
import type { MembershipTarget } from '../../src/destinations/membership.ts';
import type { Fault, FaultSource } from '../../src/sandbox/extole/faults.ts';
import type { ExtoleOptions, ExtoleStandIn } from '../../src/sandbox/extole/server.ts';
import { closeAll, io, standIn as startStandIn } from './extole-setup.ts';
import { kinds, NEVER, SEGMENT, testMemberships } from './support/membership-suite.ts';

const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await closeAll();
});

interface At {
  provider: ExtoleStandIn;
  secret: string;
}

let tokens = 0;

/** A token of its own for each test, since the pace of a token is shared in the process. */
async function standIn(options: Partial<ExtoleOptions> = {}): Promise<At> {
  tokens += 1;
  const secret = `audience-token-${tokens}`;
  const extole = await startStandIn({ tokens: [secret], requestsPerMinute: Number.POSITIVE_INFINITY, ...options });
  for (let n = 0; n < 100; n += 1) extole.links.addPerson({ email: member(n) });
  return { provider: extole, secret };
}

function targetTo({ provider, secret }: At, settings: object = {}): MembershipTarget {
  const quick = { patience: '20s', backoff: { first: '5ms', cap: '20ms' }, poll: '20ms', requestsPerMinute: 1_000_000 };
  const parsed = audienceApiSettings.parse({
    ...{ account: 'acme', token: secret, apiUrl: provider.url, personsUpTo: 0, ...quick },
    ...settings,
  });
  const target = createAudience(parsed, io);
  opened.push(() => target.close());
  return target;
}

const member = (n: number): string => `p${n}@example.com`;
const members = (count: number): string[] => Array.from({ length: count }, (_, n) => member(n)).sort();
const stored = (extole: ExtoleStandIn): string[] =>
  extole.audiences
    .all()
    .flatMap((audience) => [...audience.members])
    .sort();
/** Each call like that is answered so. */
function answering({ provider }: At, like: string, fault: Fault): void {
  const pattern = new RegExp(like);
  const source: FaultSource = ({ method, path }) => (pattern.test(`${method} ${path}`) ? fault : undefined);
  provider.setFaults(source);
  provider.links.setFaults(source);
}

const calls = (extole: ExtoleStandIn): string[] => extole.received.map(({ method, path }) => `${method} ${path}`);

describe.each([
  ['by files', { personsUpTo: 0 }],
  ['person by person', { personsUpTo: 10 }],
])('what every target does, %s', (_how, how) => {
  testMemberships<ExtoleStandIn>({
    standIn,
    targetTo: (at, settings) => targetTo(at, { ...how, ...settings }),
    member,
    stored,
    faults(extole, source) {
      extole.setFaults(source);
      extole.links.setFaults(source);
    },
    fail(extole, ...faults) {
      extole.fail(...faults);
      extole.failLooks(...faults);
      extole.links.failLooks(...faults);
    },
    requests: (extole) => extole.received.length,
  });
});

test('the audience of the name is taken, and its members are counted; none is made a second time', async () => {
  const at = await standIn();
  const audience = at.provider.audiences.make(SEGMENT.name);
  at.provider.audiences.set(audience.id, member(1), true);
  at.provider.audiences.make(SEGMENT.name);
  expect(await targetTo(at).prepare(SEGMENT, NEVER)).toEqual({ targetId: audience.id, members: 1 });
  expect(at.provider.audiences.all()).toHaveLength(2);
});

test('an audience whose making got no answer is looked for before another one is made', async () => {
  const at = await standIn();
  at.provider.fail('resetpost');
  await targetTo(at).prepare(SEGMENT, NEVER);
  expect(at.provider.audiences.all()).toHaveLength(1);
});

test('an audience that is not there is refused with its id and what to do', async () => {
  const at = await standIn();
  await expect(targetTo(at, { audienceId: '4711' }).prepare(SEGMENT, NEVER)).rejects.toMatchObject({
    code: 'AUDIENCE_REFUSED',
    message: expect.stringContaining('4711'),
    hint: expect.stringContaining('audienceId'),
    retryable: false,
  });
});

test('a change goes as one file and one operation, looked at until it is ready; adds before removes', async () => {
  const at = await standIn({ audiences: { operationMs: 150 } });
  const target = targetTo(at);
  const { targetId } = await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: members(3), remove: ['x@example.com'] }, NEVER);
  expect(stored(at.provider)).toEqual(members(3));
  const made = calls(at.provider).filter((call) => call.startsWith('POST'));
  const operation = `POST /v1/audiences/${targetId}/operations`;
  expect(made.slice(1)).toEqual(['POST /v6/files', operation, 'POST /v6/files', operation]);
  expect(at.provider.audiences.operations(targetId).map(({ type }) => type)).toEqual(['ADD', 'REMOVE']);
  expect(calls(at.provider).filter((call) => call.endsWith('/state')).length).toBeGreaterThan(3);
});

test('H26: an operation of somebody else is waited for', async () => {
  const at = await standIn({ audiences: { operationMs: 300 } });
  const target = targetTo(at);
  const { targetId } = await target.prepare(SEGMENT, NEVER);
  const theirs = { type: 'ADD', tags: [], dataSource: {} } as const;
  at.provider.audiences.start(targetId, theirs, { members: ['theirs@example.com'] });
  expect(kinds(await target.apply({ add: members(1), remove: [] }, NEVER))).toEqual([['accepted'], []]);
  expect(stored(at.provider)).toEqual([member(0), 'theirs@example.com']);
  expect(at.provider.received.filter(({ status }) => status === 400).length).toBeGreaterThan(0);
});

test('where the counts are not ours, the members are read back, and each gets its own answer', async () => {
  const at = await standIn({ audiences: { skips: (identity) => identity === member(7) } });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const add = [...members(20), 'no address'];
  const { add: answers } = await target.apply({ add, remove: [] }, NEVER);
  const bad = answers.flatMap((answer, n) => (answer.kind === 'accepted' ? [] : [[add[n], answer.kind]]));
  expect(bad).toEqual([
    [member(7), 'rejected'],
    ['no address', 'rejected'],
  ]);
  expect(answers.find(({ kind }) => kind === 'rejected')).toMatchObject({ code: 'MEMBER_NOT_TAKEN' });
  expect(JSON.stringify(answers)).not.toContain(member(7));
});

test('where the audience has fewer members than were added, they are read back, whatever else the counts say', async () => {
  const at = await standIn({ audiences: { loses: (identity) => identity === member(7) } });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const { add } = await target.apply({ add: members(20), remove: [] }, NEVER);
  const lost = add.filter(({ kind }) => kind !== 'accepted');
  expect(lost).toMatchObject([{ kind: 'unknown', code: 'RESULTS_INCOMPLETE' }]);
  expect(lost).toMatchObject([{ reason: expect.stringContaining('the audience has 19') }]);
  at.provider.audiences.behaviour.loses = () => false;
  const again = await target.apply({ add: members(20), remove: [] }, NEVER);
  expect(again.add.every(({ kind }) => kind === 'accepted')).toBe(true);
  expect(stored(at.provider)).toEqual(members(20));
});

test('a list that is behind the operation refuses nobody: more are missing than were not processed', async () => {
  const at = await standIn({ audiences: { skips: (identity) => identity === member(7) } });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const behind = `person_id,email,partner_user_id\n1,${member(0)},\n`;
  answering(at, 'GET /v1/audiences/.*/members/download', {
    kind: 'body',
    accept: false,
    body: behind,
    type: 'text/csv',
  });
  const { add } = await target.apply({ add: members(20), remove: [] }, NEVER);
  expect(add.map(({ kind }) => kind)).toEqual(['accepted', ...Array(19).fill('unknown')]);
  expect(add[1]).toMatchObject({ code: 'RESULTS_INCOMPLETE' });
  at.provider.setFaults(undefined);
  const again = await target.apply({ add: members(20), remove: [] }, NEVER);
  expect(again.add.filter(({ kind }) => kind !== 'accepted')).toMatchObject([{ kind: 'rejected' }]);
});

test('a member that is still there after its removal was not processed is not taken for removed', async () => {
  const at = await standIn();
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: members(3), remove: [] }, NEVER);
  at.provider.audiences.behaviour.skips = (identity) => identity === member(1);
  const { remove } = await target.apply({ add: [], remove: members(3) }, NEVER);
  expect(remove.map(({ kind }) => kind)).toEqual(['accepted', 'unknown', 'accepted']);
  expect(remove[1]).toMatchObject({ code: 'RESULTS_INCOMPLETE' });
});

test.each([
  ['COLUMN_CONFIGURATION_ERROR', 'halted'],
  ['MEMORY_ERROR', 'unknown'],
])('an operation that fails with %s is %s, and nothing more is sent', async (code, kind) => {
  const at = await standIn({ audiences: { fails: () => code } });
  const target = targetTo(at);
  const { targetId } = await target.prepare(SEGMENT, NEVER);
  const answers = await target.apply({ add: members(2), remove: ['x@example.com'] }, NEVER);
  const failed = { kind, code: 'AUDIENCE_OPERATION_FAILED', reason: expect.stringContaining(code) };
  expect(answers.add).toMatchObject([failed, failed]);
  expect(answers.remove[0]?.kind).toBe(kind === 'halted' ? 'halted' : 'retryable');
  expect(at.provider.audiences.operations(targetId)).toHaveLength(1);
});

test('an operation that takes too long is unknown, and sent again it does no harm', async () => {
  const at = await standIn({ audiences: { operationMs: 400 } });
  const target = targetTo(at, { completeWithin: '50ms' });
  await target.prepare(SEGMENT, NEVER);
  expect((await target.apply({ add: members(2), remove: [] }, NEVER)).add).toMatchObject([
    { kind: 'unknown', code: 'STILL_WORKING' },
    { kind: 'unknown', code: 'STILL_WORKING' },
  ]);
  const later = targetTo(at);
  await later.prepare(SEGMENT, NEVER);
  expect(kinds(await later.apply({ add: members(2), remove: [] }, NEVER))).toEqual([['accepted', 'accepted'], []]);
  expect(stored(at.provider)).toEqual(members(2));
});

test('few changes go person by person, and people whom Extole does not know by a file', async () => {
  const at = await standIn();
  const target = targetTo(at, { personsUpTo: 5 });
  const { targetId } = await target.prepare(SEGMENT, NEVER);
  const answers = await target.apply({ add: [member(1), 'new@example.com'], remove: [member(2)] }, NEVER);
  expect(kinds(answers)).toEqual([['accepted', 'accepted'], ['accepted']]);
  expect(stored(at.provider)).toEqual(['new@example.com', member(1)]);
  expect(at.provider.audiences.operations(targetId).map(({ type }) => type)).toEqual(['ADD']);
  await target.apply({ add: [], remove: [member(1)] }, NEVER);
  expect(stored(at.provider)).toEqual(['new@example.com']);
  expect(at.provider.audiences.operations(targetId)).toHaveLength(1);
});

test.each([
  ['whom it does not take by itself', 'POST /v5/persons/.*/memberships', 'membership_not_allowed'],
  ['whom it cannot be asked for', 'GET /v5/persons', 'invalid_identity_key_value'],
])('a person %s does not stop the others: all of them go by a file', async (_who, like, code) => {
  const at = await standIn();
  const target = targetTo(at, { personsUpTo: 5 });
  const { targetId } = await target.prepare(SEGMENT, NEVER);
  answering(at, like, { kind: 'status', status: 400, code });
  expect(kinds(await target.apply({ add: members(2), remove: [] }, NEVER))).toEqual([['accepted', 'accepted'], []]);
  expect(stored(at.provider)).toEqual(members(2));
  expect(at.provider.audiences.operations(targetId).map(({ type }) => type)).toEqual(['ADD']);
});

test('two ids of one person that change together: she stays a member by the one that comes', async () => {
  const at = await standIn();
  const id = at.provider.links.addPerson({ email: 'ann@example.com' });
  const target = targetTo(at, { identifyBy: 'userId', personsUpTo: 5 });
  await target.prepare(SEGMENT, NEVER);
  answering(at, 'GET /v5/persons', { kind: 'body', accept: false, body: JSON.stringify([{ id }]) });
  expect(kinds(await target.apply({ add: ['c2'], remove: ['c1'] }, NEVER))).toEqual([['accepted'], ['accepted']]);
  expect(stored(at.provider)).toEqual(['ann@example.com']);
  await target.apply({ add: [], remove: ['c2'] }, NEVER);
  expect(stored(at.provider)).toEqual([]);
});

test('a list that gives the same page again and again is not read for ever, nor are audiences', async () => {
  const at = await standIn();
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const lines = Array.from({ length: 1000 }, (_, n) => `${n},many${n}@example.com,`);
  const page = ['person_id,email,partner_user_id', ...lines, ''].join('\n');
  answering(at, '/members/download', { kind: 'body', accept: false, body: page, type: 'text/csv' });
  const pages = target.members?.(NEVER)[Symbol.asyncIterator]();
  expect((await pages?.next())?.value).toHaveLength(1000);
  await expect(pages?.next()).rejects.toMatchObject({ code: 'BAD_ANSWER', message: expect.stringContaining('again') });
  const audiences = Array.from({ length: 1000 }, (_, n) => ({ id: `${n}`, name: `Audience ${n}` }));
  answering(at, 'GET /v1/audiences', { kind: 'body', accept: false, body: JSON.stringify(audiences) });
  await expect(targetTo(at).prepare(SEGMENT, NEVER)).rejects.toMatchObject({ code: 'BAD_ANSWER' });
});

test('nor where it leads back to a page that was given before the last one', async () => {
  const at = await standIn();
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const pageOf = (of: number): string => {
    const lines = Array.from({ length: 1000 }, (_, n) => `${n},many${of}.${n}@example.com,`);
    return ['person_id,email,partner_user_id', ...lines, ''].join('\n');
  };
  let asked = 0;
  at.provider.setFaults(({ path }) => {
    if (path.includes('/members/download')) {
      asked += 1;
      return { kind: 'body', accept: false, body: pageOf(asked % 2), type: 'text/csv' };
    }
    if (!path.startsWith('/v1/audiences')) return undefined;
    asked += 1;
    const audiences = Array.from({ length: 1000 }, (_, n) => ({ id: `${asked % 2}.${n}`, name: `Audience ${n}` }));
    return { kind: 'body', accept: false, body: JSON.stringify(audiences) };
  });
  const read = async (): Promise<void> => {
    for await (const _ of target.members?.(NEVER) ?? []) expect(asked).toBeLessThan(10);
  };
  await expect(read()).rejects.toMatchObject({ code: 'BAD_ANSWER', message: expect.stringContaining('again') });
  asked = 0;
  await expect(targetTo(at).prepare(SEGMENT, NEVER)).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  expect(asked).toBeLessThan(10);
});

test('members are read back in pages, whatever the column of addresses is called', async () => {
  const at = await standIn({ audiences: { columns: ['Person Id', 'Email Address'] } });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const add = Array.from({ length: 2300 }, (_, n) => `many${n}@example.com`);
  await target.apply({ add, remove: [] }, NEVER);
  const pages: string[][] = [];
  for await (const page of target.members?.(NEVER) ?? []) pages.push(page.flat());
  expect(pages.map(({ length }) => length)).toEqual([1000, 1000, 300]);
  expect(pages.flat().sort()).toEqual(add.sort());
});

test('a list of members without the column stops with the columns that it has', async () => {
  const at = await standIn({ audiences: { columns: ['person_id'] } });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  await expect(target.members?.(NEVER)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'BAD_ANSWER',
    message: expect.stringContaining('person_id'),
  });
});

test('ids that a file cannot carry are rejected here, and the others go', async () => {
  const at = await standIn();
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const answers = await target.apply({ add: ['a"b@example.com', member(1), 'c\nd@example.com'], remove: [] }, NEVER);
  expect(kinds(answers)).toEqual([['rejected', 'accepted', 'rejected'], []]);
  expect(stored(at.provider)).toEqual([member(1)]);
});
