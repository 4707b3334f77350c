import { afterEach, expect, test } from 'vitest';
import { createIterable } from '../../src/destinations/iterable/iterable.ts';
import { iterableSettings } from '../../src/destinations/iterable/settings.ts';
import type { Profile, ProfileSender } from '../../src/destinations/profile.ts';
import { createLog, realIo } from '../../src/io.ts';
import type { Answer } from '../../src/model.ts';
import { type IterableOptions, type IterableStandIn, startIterable } from '../../src/sandbox/iterable/server.ts';
import { testProfileTrouble } from './support/profile-suite.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];
const NEVER = new AbortController().signal;

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const UNLIMITED = { requests: Number.POSITIVE_INFINITY };
let keys = 0;

/** A key of its own for each test, since the pace of a key is shared in the process. */
async function standIn(
  options: Omit<IterableOptions, 'io'> = {},
): Promise<{ provider: IterableStandIn; secret: string }> {
  keys += 1;
  const key = `key-${keys}`;
  const iterable = await startIterable({ io, keys: [key], limits: UNLIMITED, ...options });
  opened.push(() => iterable.stop());
  return { provider: iterable, secret: key };
}

function senderTo(
  { provider, secret }: { provider: IterableStandIn; secret: string },
  settings: object = {},
): ProfileSender {
  const quick = { requestsPerSecond: 1000, patience: '20s', backoff: { first: '5ms', cap: '20ms' } };
  const sender = createIterable(
    iterableSettings.parse({ account: 'acme', apiKey: secret, url: provider.url, ...quick, ...settings }),
    io,
  );
  opened.push(() => sender.close());
  return sender;
}

const person = (
  n: number,
  fields: Record<string, string> = { share_link: `https://share.example.com/p${n}` },
): Profile => ({
  email: `p${n}@example.com`,
  fields,
});
const people = (count: number): Profile[] => Array.from({ length: count }, (_, n) => person(n));
const kinds = (answers: readonly Answer[]): string[] => answers.map(({ kind }) => kind);
const statuses = (iterable: IterableStandIn): number[] => iterable.received.map(({ status }) => status);

test('every user is stored under the e-mail address with our fields, and fields that are not sent keep their values', async () => {
  const at = await standIn({ project: { fields: { share_link: 'string', share_code: 'string' } } });
  const sender = senderTo(at);
  await sender.send([person(1, { share_code: 'ann01' })], NEVER);
  expect(kinds(await sender.send(people(3), NEVER))).toEqual(['accepted', 'accepted', 'accepted']);
  expect(Object.fromEntries(at.provider.project.users)).toEqual({
    'p0@example.com': { share_link: 'https://share.example.com/p0' },
    'p1@example.com': { share_link: 'https://share.example.com/p1', share_code: 'ann01' },
    'p2@example.com': { share_link: 'https://share.example.com/p2' },
  });
});

test('a batch goes in calls of bounded bytes, each user once, and answers stay in order', async () => {
  const at = await standIn({ limits: { ...UNLIMITED, bytes: 10_000 } });
  const sender = senderTo(at, { bytesPerCall: 10_000 });
  const batch = people(400).map((one, n) => (n === 200 ? person(n, { share_link: 'x'.repeat(9_980) }) : one));
  const answers = await sender.send(batch, NEVER);
  expect(kinds(answers)).toEqual(batch.map((_, n) => (n === 200 ? 'rejected' : 'accepted')));
  expect(answers[200]).toMatchObject({ code: 'PROFILE_TOO_LARGE' });
  expect(at.provider.project.users.size).toBe(399);
  expect(statuses(at.provider).every((status) => status === 200)).toBe(true);
  expect(at.provider.received.length).toBeGreaterThan(2);
});

test('failed users are found in whatever list, case and space they come back in; the others are accepted', async () => {
  const at = await standIn({
    project: {
      forgotten: ['p1@example.com'],
      fails: ({ email }) =>
        ({ 'p3@example.com': 'invalidDataEmails', 'p4@example.com': 'quarantinedEmails' })[email ?? ''],
      echo: (identifier) => ` ${identifier.toUpperCase()} `,
    },
  });
  const batch = [...people(5), { email: 'nobody', fields: { share_link: 'https://share.example.com/x' } }];
  const answers = await senderTo(at).send(batch, NEVER);
  expect(answers.map((answer) => ('code' in answer ? answer.code : answer.kind))).toEqual([
    'accepted',
    'forgottenEmails',
    'accepted',
    'invalidDataEmails',
    'quarantinedEmails',
    'invalidEmails',
  ]);
  expect([...at.provider.project.users.keys()]).toEqual(['p0@example.com', 'p2@example.com']);
  expect(at.provider.received).toHaveLength(1);
  expect(JSON.stringify(answers)).not.toMatch(/example\.com|nobody/i);
});

test('where fewer users are named than failed, the call is made in parts until each failed user stands alone', async () => {
  const at = await standIn({
    project: {
      fails: ({ email }) => (email === 'p5@example.com' ? 'invalidEmails' : undefined),
      echo: () => 'somebody',
    },
  });
  const answers = await senderTo(at).send(people(16), NEVER);
  expect(kinds(answers)).toEqual(people(16).map((_, n) => (n === 5 ? 'rejected' : 'accepted')));
  expect(answers[5]).toMatchObject({ code: 'ROW_REFUSED' });
  expect(at.provider.project.users.size).toBe(15);
  expect(at.provider.received.length - 1).toBeLessThanOrEqual(8);
});

test('one value of a wrong type is found with at most 2 log2 n calls more, and its value is nowhere in the answer', async () => {
  const at = await standIn({ project: { fields: { share_link: 'string', since: 'date' } } });
  const batch = people(100).map((_, n) => person(n, { since: n === 37 ? 'a while ago' : '2026-11-21' }));
  const answers = await senderTo(at).send(batch, NEVER);
  expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(99);
  expect(answers[37]).toEqual({
    kind: 'rejected',
    code: 'RequestFieldsTypesMismatched',
    reason: 'the field "since" is of type date in the project for good, and this value is not',
    http: 400,
  });
  expect(at.provider.project.users.size).toBe(99);
  expect(at.provider.received.length - 1).toBeLessThanOrEqual(2 * Math.log2(100));
});

test('where one user after the other is refused and none taken, it is the settings: the destination stops', async () => {
  const at = await standIn({ project: { fields: { share_link: 'long' } } });
  const answers = await senderTo(at).send(people(200), NEVER);
  expect(answers).toEqual(Array(200).fill(answers[0]));
  expect(answers[199]).toMatchObject({ kind: 'halted', code: 'EVERY_PROFILE_REFUSED' });
  expect(answers[199]).toMatchObject({ reason: expect.stringContaining('"share_link" is of type long') });
  expect(at.provider.received.length).toBeLessThan(120);
});

test('bad users that stand together at the beginning stop nothing', async () => {
  const at = await standIn({ project: { fields: { share_link: 'string', since: 'date' } } });
  const batch = people(120).map((_, n) => person(n, { since: n < 60 ? 'a while ago' : '2026-11-21' }));
  const answers = await senderTo(at).send(batch, NEVER);
  expect(kinds(answers)).toEqual(batch.map((_, n) => (n < 60 ? 'rejected' : 'accepted')));
  expect(at.provider.project.users.size).toBe(60);
});

test('a project that drops our field stops the destination loudly, and createNewFields makes the field', async () => {
  const at = await standIn({ project: { fields: {}, dropUnrecognized: true } });
  const [first, second] = await senderTo(at, { usersPerCall: 1 }).send(people(2), NEVER);
  expect(first).toMatchObject({ kind: 'halted', code: 'FIELD_DROPPED' });
  expect(first).toMatchObject({ reason: expect.stringContaining('"Drop Unrecognized User Fields"') });
  expect(second).toEqual(first);
  expect(at.provider.received).toHaveLength(1);
  expect(kinds(await senderTo(at, { createNewFields: true }).send(people(1), NEVER))).toEqual(['accepted']);
  expect(at.provider.project.fields.get('share_link')).toBe('string');
});

test('users go by userId where the settings say so, and are made only where preferUserId says so', async () => {
  const at = await standIn({ project: { userIds: ['007'] } });
  const batch: Profile[] = ['007', '008'].map((userId) => ({
    userId,
    email: `${userId}@example.com`,
    fields: { share_link: 'https://x.example' },
  }));
  const careful = await senderTo(at, { identifyBy: 'userId' }).send([...batch, person(1)], NEVER);
  expect(careful).toMatchObject([
    { kind: 'accepted' },
    { kind: 'rejected', code: 'notFoundUserIds' },
    { kind: 'rejected', code: 'NO_IDENTIFIER' },
  ]);
  expect(kinds(await senderTo(at, { identifyBy: 'userId', preferUserId: true }).send(batch, NEVER))).toEqual([
    'accepted',
    'accepted',
  ]);
  expect([...at.provider.project.users.keys()]).toEqual(['007', '008']);
});

test('calls keep the pace of the project, whoever makes them, so that no 429 is provoked', async () => {
  // Any 700 ms instead of any second: a busy machine may hold a call up.
  const at = await standIn({ limits: { requests: 5, windowMs: 700 } });
  const settings = { requestsPerSecond: 5, usersPerCall: 1 };
  const [one, two] = [senderTo(at, settings), senderTo(at, settings)];
  const started = performance.now();
  const answers = await Promise.all([one.send(people(6), NEVER), two.send(people(6), NEVER)]);
  expect(kinds(answers.flat())).toEqual(Array(12).fill('accepted'));
  expect(statuses(at.provider)).toEqual(Array(12).fill(200));
  expect(performance.now() - started).toBeGreaterThanOrEqual(11 * 200);
});

test('a 400 that names the rate limit is waited for like a 429', async () => {
  const at = await standIn();
  at.provider.fail({
    kind: 'status',
    status: 400,
    body: '{"code":"RateLimitExceeded","msg":"slow down","params":null}',
  });
  expect(kinds(await senderTo(at).send(people(2), NEVER))).toEqual(['accepted', 'accepted']);
  expect(at.provider.project.users.size).toBe(2);
  expect(at.provider.received.map(({ status }) => status)).toEqual([400, 200]);
});

test.each([
  [400, 'BadApiKey', 'UNAUTHORIZED'],
  [403, 'Forbidden', 'FORBIDDEN'],
  [400, 'UniqueFieldsLimitExceeded', 'FORBIDDEN'],
] as const)('a %d %s stops the destination with %s, without a second call', async (status, code, expected) => {
  const at = await standIn();
  at.provider.fail({
    kind: 'status',
    status,
    body: JSON.stringify({ code, msg: `not for ${at.secret}`, params: null }),
  });
  const answers = await senderTo(at, { usersPerCall: 1 }).send(people(2), NEVER);
  expect(answers).toMatchObject([
    { kind: 'halted', code: expected },
    { kind: 'halted', code: expected },
  ]);
  expect(at.provider.received).toHaveLength(1);
  expect(at.provider.project.users.size).toBe(0);
  expect(JSON.stringify(answers)).not.toContain(at.secret);
});

testProfileTrouble({ standIn, senderTo, perCall: 'usersPerCall', person, stored: ({ project }) => project.users.size });
