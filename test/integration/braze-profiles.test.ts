import { afterEach, expect, test } from 'vitest';
import { createBraze } from '../../src/destinations/braze/braze.ts';
import { brazeSettings } from '../../src/destinations/braze/settings.ts';
import type { Profile, ProfileSender } from '../../src/destinations/profile.ts';
import { createLog, realIo } from '../../src/io.ts';
import type { Answer } from '../../src/model.ts';
import { type BrazeOptions, type BrazeStandIn, startBraze } from '../../src/sandbox/braze/server.ts';
import { testProfileTrouble } from './support/profile-suite.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];
const NEVER = new AbortController().signal;

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

let keys = 0;

/** A key of its own for each test, since the pace of a key is shared in the process. */
async function standIn(options: Omit<BrazeOptions, 'io'> = {}): Promise<{ provider: BrazeStandIn; secret: string }> {
  keys += 1;
  const key = `key-${keys}`;
  const braze = await startBraze({ io, keys: [key], ...options });
  opened.push(() => braze.stop());
  return { provider: braze, secret: key };
}

function senderTo(
  { provider, secret }: { provider: BrazeStandIn; secret: string },
  settings: object = {},
): ProfileSender {
  const quick = { patience: '20s', backoff: { first: '5ms', cap: '20ms' } };
  const sender = createBraze(
    brazeSettings.parse({ account: 'acme', url: provider.url, apiKey: secret, ...quick, ...settings }),
    io,
  );
  opened.push(() => sender.close());
  return sender;
}

const person = (n: number): Profile => ({
  userId: `u${n}`,
  email: `p${n}@example.com`,
  fields: { share_link: `https://share.example.com/p${n}` },
});
const people = (count: number): Profile[] => Array.from({ length: count }, (_, n) => person(n));
const kinds = (answers: readonly Answer[]): string[] => answers.map(({ kind }) => kind);
const statuses = (braze: BrazeStandIn): number[] => braze.received.map(({ status }) => status);

test('every user is stored under the external_id with our attributes, and attributes that are not sent keep their values', async () => {
  const at = await standIn();
  const sender = senderTo(at);
  await sender.send([{ userId: 'u1', fields: { share_code: '007' } }], NEVER);
  expect(kinds(await sender.send(people(2), NEVER))).toEqual(['accepted', 'accepted']);
  expect(Object.fromEntries(at.provider.users)).toEqual({
    'external_id u0': { share_link: 'https://share.example.com/p0' },
    'external_id u1': { share_link: 'https://share.example.com/p1', share_code: '007' },
  });
});

test('a call takes 75 users and no more than its bytes; a longer batch goes in several', async () => {
  const at = await standIn({ limits: { bytes: 10_000 } });
  const long = (n: number): Profile => ({
    userId: `u${n}`,
    fields: { share_link: 'x'.repeat(n === 9 ? 10_000 : 900) },
  });
  const answers = await senderTo(at, { bytesPerCall: 10_000 }).send(
    Array.from({ length: 75 }, (_, n) => long(n)),
    NEVER,
  );
  expect(answers[9]).toMatchObject({ kind: 'rejected', code: 'PROFILE_TOO_LARGE' });
  expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(74);
  expect(at.provider.users.size).toBe(74);
  expect(senderTo(at).maxBatchSize).toBe(75);
  expect(statuses(at.provider).every((status) => status === 201)).toBe(true);
});

test('people without external_id go by alias or address where the settings say so, in calls of their own', async () => {
  const at = await standIn();
  const batch: Profile[] = [person(1), { email: 'p2@example.com', fields: { share_code: 'b' } }, person(3)];
  expect(await senderTo(at).send(batch, NEVER)).toMatchObject([
    { kind: 'accepted' },
    { kind: 'rejected', code: 'NO_IDENTIFIER' },
    { kind: 'accepted' },
  ]);
  const byAlias = senderTo(at, { withoutExternalId: 'alias', aliasLabel: 'shop' });
  expect(kinds(await byAlias.send(batch, NEVER))).toEqual(Array(3).fill('accepted'));
  expect(kinds(await senderTo(at, { withoutExternalId: 'email' }).send(batch, NEVER))).toEqual(
    Array(3).fill('accepted'),
  );
  const nobody = senderTo(at, { externalId: 'none', withoutExternalId: 'alias', aliasLabel: 'id' });
  expect(kinds(await nobody.send([{ userId: 'u9', fields: { share_code: 'z' } }], NEVER))).toEqual(['accepted']);
  expect(kinds(await senderTo(at, { externalId: 'email' }).send([person(4)], NEVER))).toEqual(['accepted']);
  expect([...at.provider.users.keys()].sort()).toEqual([
    'alias id u9',
    'alias shop p2@example.com',
    'email p2@example.com',
    'external_id p4@example.com',
    'external_id u1',
    'external_id u3',
  ]);
  const mixed = at.provider.received.filter(({ body }) => /external_id.*user_alias/.test(JSON.stringify(body)));
  expect(mixed).toEqual([]);
});

test('with updateExistingOnly nobody is made, and whom Braze knows is updated', async () => {
  const at = await standIn({ known: ['external_id u1'] });
  const answers = await senderTo(at, { updateExistingOnly: true }).send(people(3), NEVER);
  expect(kinds(answers)).toEqual(Array(3).fill('accepted'));
  expect([...at.provider.users.keys()]).toEqual(['external_id u1']);
});

test('a field that would name another user is not sent', async () => {
  const at = await standIn();
  const answers = await senderTo(at).send([{ userId: 'u1', fields: { external_id: 'u2' } }], NEVER);
  expect(answers).toMatchObject([{ kind: 'rejected', code: 'FIELD_RESERVED' }]);
  expect(at.provider.received).toHaveLength(0);
});

const BAD = new Set(['u3', 'u40']);

test.each([
  ['in a field', 'field', 1],
  ['in the text', 'text', 2],
  ['in the text, counted from 1', 'text-from-1', 30],
  ['not at all', 'nameless', 30],
] as const)(
  'users that are refused beside a yes, named %s, are the ones that are rejected',
  async (_how, errors, calls) => {
    const at = await standIn({
      errors,
      refuses: ({ external_id, share_link }) =>
        BAD.has(`${external_id}`) ? `bad share_link ${share_link} of ann@example.com` : undefined,
    });
    const answers = await senderTo(at).send(people(75), NEVER);
    expect(kinds(answers)).toEqual(people(75).map(({ userId }) => (BAD.has(userId ?? '') ? 'rejected' : 'accepted')));
    expect(answers[3]).toMatchObject({
      code: 'ROW_REFUSED',
      reason: expect.stringContaining('bad share_link (not shown) of (not shown)'),
    });
    expect(at.provider.users.size).toBe(73);
    expect(at.provider.received.length).toBeLessThanOrEqual(calls);
  },
);

test('a call refused whole because of one user is split, at most 2 log2 n calls more', async () => {
  const at = await standIn({ refusesCall: ({ external_id }) => (external_id === 'u61' ? 'Invalid value' : undefined) });
  const answers = await senderTo(at).send(people(75), NEVER);
  expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(74);
  expect(answers[61]).toMatchObject({ kind: 'rejected', code: 'HTTP_400', reason: 'Invalid value' });
  expect(at.provider.users.size).toBe(74);
  expect(at.provider.received.length - 1).toBeLessThanOrEqual(2 * Math.log2(75));
});

test('where fewer users are processed than sent and no error says which, they are found', async () => {
  const at = await standIn();
  at.provider.fail({
    kind: 'status',
    status: 201,
    accept: true,
    body: '{"message":"success","attributes_processed":2}',
  });
  expect(kinds(await senderTo(at).send(people(3), NEVER))).toEqual(Array(3).fill('accepted'));
  expect(at.provider.received.length).toBeGreaterThan(1);
});

test.each(['epoch', 'seconds'] as const)(
  'the limit that the answers name is kept (reset in %s), whoever calls, so that no 429 is provoked',
  async (reset) => {
    const at = await standIn({ reset, limits: { requests: 4, windowMs: 1000 } });
    const settings = { usersPerCall: 1 };
    const [one, two] = [senderTo(at, settings), senderTo(at, settings)];
    const answers = await Promise.all([one.send(people(4), NEVER), two.send(people(4), NEVER)]);
    expect(kinds(answers.flat())).toEqual(Array(8).fill('accepted'));
    expect(statuses(at.provider).filter((status) => status === 429)).toEqual([]);
    expect(at.provider.received).toHaveLength(8);
  },
);

test('a limit that is used up for longer than patience: nothing more is sent, and the answer says for how long', async () => {
  const at = await standIn();
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(io.now() / 1000) + 1800) };
  at.provider.fail({ kind: 'status', status: 429, headers });
  const sender = senderTo(at, { patience: '2s' });
  for (const answers of [
    await sender.send(people(2), NEVER),
    await senderTo(at, { patience: '2s' }).send(people(1), NEVER),
  ])
    expect(answers[0]).toMatchObject({ kind: 'retryable', code: 'THROTTLED', afterMs: expect.any(Number) });
  expect(at.provider.received).toHaveLength(1);
  expect(at.provider.users.size).toBe(0);
});

test('settings that cannot work are refused, with the field', () => {
  const base = { account: 'acme', url: 'https://rest.iad-01.braze.com', apiKey: 'k' };
  expect(brazeSettings.safeParse({ ...base, withoutExternalId: 'alias' }).error?.issues[0]?.path).toEqual([
    'aliasLabel',
  ]);
  expect(brazeSettings.safeParse({ ...base, externalId: 'none' }).error?.issues[0]?.path).toEqual([
    'withoutExternalId',
  ]);
  expect(brazeSettings.safeParse({ ...base, url: 'http://rest.iad-01.braze.com' }).success).toBe(false);
  expect(brazeSettings.safeParse({ ...base, usersPerCall: 76 }).success).toBe(false);
});

testProfileTrouble({ standIn, senderTo, perCall: 'usersPerCall', person, stored: ({ users }) => users.size });
