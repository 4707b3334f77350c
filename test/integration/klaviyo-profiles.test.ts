import { afterEach, expect, test } from 'vitest';
import { createKlaviyo } from '../../src/destinations/klaviyo/klaviyo.ts';
import { klaviyoSettings } from '../../src/destinations/klaviyo/settings.ts';
import type { Profile, ProfileSender } from '../../src/destinations/profile.ts';
import { createLog, realIo } from '../../src/io.ts';
import type { Answer } from '../../src/model.ts';
import { type KlaviyoOptions, type KlaviyoStandIn, startKlaviyo } from '../../src/sandbox/klaviyo/server.ts';
import { testProfileTrouble } from './support/profile-suite.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];
const signal = new AbortController().signal;

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** No limit where a test is not about limits. */
const FREE = { perSecond: 1_000_000, perMinute: 1_000_000 };

let keys = 0;

async function standIn(
  options: Omit<KlaviyoOptions, 'io' | 'apiKey'> = {},
): Promise<KlaviyoStandIn & { apiKey: string }> {
  // A pace belongs to a key, so each test has one.
  keys += 1;
  const apiKey = `pk_test_${keys}`;
  const klaviyo = await startKlaviyo({ io, apiKey, ...options, limits: { ...FREE, ...options.limits } });
  opened.push(() => klaviyo.stop());
  return { ...klaviyo, apiKey };
}

const quick = {
  ...{ poll: '10ms', requestsPerMinute: 600_000, requestsPerSecond: 10_000 },
  ...{ backoff: { first: '5ms', cap: '20ms' }, patience: '20s' },
};

function senderTo({ url, apiKey }: { url: string; apiKey: string }, settings: object = {}): ProfileSender {
  const sender = createKlaviyo(klaviyoSettings.parse({ account: 'acme', apiKey, url, ...quick, ...settings }), io);
  opened.push(() => sender.close());
  return sender;
}

function person(n: number, fields: Record<string, string> = {}): Profile {
  return { email: `p${n}@example.com`, fields: { share_link: `https://share.example.com/p${n}`, ...fields } };
}

const people = (count: number): Profile[] => Array.from({ length: count }, (_, n) => person(n));
const kinds = (answers: readonly Answer[]): string[] => answers.map(({ kind }) => kind);
const created = (klaviyo: KlaviyoStandIn): number => klaviyo.received.filter(({ method }) => method === 'POST').length;

test('profiles are created and brought up to date; custom properties keep exactly the spelling that they have', async () => {
  const klaviyo = await standIn();
  const sender = senderTo(klaviyo);
  const ann = {
    email: 'ann@example.com',
    userId: '007',
    fields: { first_name: 'Ann', Share_Link: 'old', tier: 'gold' },
  };
  await sender.send([ann], signal);
  expect(kinds(await sender.send([{ ...ann, fields: { share_link: 'new' } }], signal))).toEqual(['accepted']);
  expect(klaviyo.profiles.all()).toMatchObject([
    {
      email: 'ann@example.com',
      externalId: '007',
      attributes: { first_name: 'Ann' },
      properties: { Share_Link: 'old', share_link: 'new', tier: 'gold' },
    },
  ]);
});

test('profiles are added to the list that the settings name', async () => {
  const klaviyo = await standIn({ lists: ['Y6nRLr'] });
  await senderTo(klaviyo, { listId: 'Y6nRLr' }).send(people(3), signal);
  expect(klaviyo.lists.get('Y6nRLr')).toEqual(new Set(klaviyo.profiles.all().map(({ id }) => id)));
  expect(await senderTo(klaviyo, { listId: 'Gone' }).send(people(1), signal)).toMatchObject([
    { kind: 'halted', code: 'MISROUTED' },
  ]);
});

test('a job is bounded by profiles and by bytes, and a profile that is too large is not sent', async () => {
  const klaviyo = await standIn({ limits: { profiles: 20, bytes: 1500, bytesPerProfile: 400 } });
  const sender = senderTo(klaviyo, { profilesPerJob: 20, bytesPerJob: 1500, bytesPerProfile: 400 });
  const batch = people(50).map((profile, n) => (n % 10 === 3 ? person(n, { note: 'x'.repeat(400) }) : profile));
  const answers = await sender.send(batch, signal);
  expect(kinds(answers)).toEqual(batch.map((_, n) => (n % 10 === 3 ? 'rejected' : 'accepted')));
  expect(answers[3]).toMatchObject({ code: 'PROFILE_TOO_LARGE' });
  expect(klaviyo.profiles.all()).toHaveLength(45);
  expect(klaviyo.received.every(({ status }) => status < 400)).toBe(true);
});

test('errors of a job are mapped to their profiles over all pages', async () => {
  const klaviyo = await standIn({
    limits: { pageSize: 2 },
    refuses: ({ email }) =>
      /^p(?:3|11|12|29|30)@/.test(String(email))
        ? { code: 'invalid', detail: `Bad ${email} and +31612345678.` }
        : undefined,
  });
  const answers = await senderTo(klaviyo).send(people(40), signal);
  expect(answers.flatMap((answer, n) => (answer.kind === 'accepted' ? [] : [n]))).toEqual([3, 11, 12, 29, 30]);
  expect(answers[29]).toEqual({
    kind: 'rejected',
    code: 'invalid',
    reason: 'Bad (not shown) and (not shown).',
    http: 200,
  });
  expect(klaviyo.profiles.all()).toHaveLength(35);
  expect(klaviyo.received.filter(({ path }) => path.includes('/import-errors'))).toHaveLength(3);
});

test('an error that names nobody for certain makes no profile accepted, and only those that it names rejected', async () => {
  const klaviyo = await standIn({
    refuses: ({ email }) => (email === 'p1@example.com' ? { code: 'invalid', detail: 'no' } : undefined),
  });
  const sender = senderTo(klaviyo);
  const errorOf = (pointer: string, email: string): object => ({
    attributes: { code: 'invalid', detail: 'no', source: { pointer }, original_payload: { email } },
  });
  const play = (...errors: object[]): void =>
    klaviyo.setFaults(({ path }) =>
      path.includes('/import-errors')
        ? { kind: 'body', accept: false, body: JSON.stringify({ data: errors }) }
        : undefined,
    );
  const unknown = { kind: 'unknown', code: 'RESULTS_INCOMPLETE' };

  play(errorOf('/data/attributes/profiles/data/0', 'p1@example.com'));
  expect(await sender.send(people(3), signal)).toMatchObject([unknown, unknown, unknown]);
  play(errorOf('/elsewhere', 'stranger@example.com'));
  expect(await sender.send(people(3), signal)).toMatchObject([unknown, unknown, unknown]);
  play(errorOf('/data/attributes/profiles/data/1', 'p1@example.com'), errorOf('/x', 'P2@example.com'));
  expect(await sender.send(people(3), signal)).toMatchObject([unknown, { kind: 'rejected' }, { kind: 'rejected' }]);
  play(errorOf('/data/attributes/profiles/data/1', 'p1@example.com'), errorOf('/x', 'stranger@example.com'));
  expect(await sender.send(people(3), signal)).toMatchObject([unknown, { kind: 'rejected' }, unknown]);
  play(errorOf('/elsewhere', 'p1@example.com'));
  expect(kinds(await sender.send(people(3), signal))).toEqual(['accepted', 'rejected', 'accepted']);
});

test('a job refused because of one profile is split until it stands alone, with at most 2 log2 n calls more', async () => {
  const klaviyo = await standIn({ limits: { bytesPerProfile: 300 } });
  const batch = people(128).map((profile, n) => (n === 77 ? person(n, { note: 'x'.repeat(400) }) : profile));
  const answers = await senderTo(klaviyo).send(batch, signal);
  expect(answers.flatMap((answer, n) => (answer.kind === 'accepted' ? [] : [[n, answer.kind]]))).toEqual([
    [77, 'rejected'],
  ]);
  expect(klaviyo.profiles.all()).toHaveLength(127);
  expect(created(klaviyo)).toBeLessThanOrEqual(1 + 2 * 7);
});

test('the documented windows are never overstepped, however many senders share the key', async () => {
  const limits = { perSecond: 3, perMinute: 12, secondMs: 150, minuteMs: 1500 };
  const klaviyo = await standIn({ limits });
  const settings = { requestsPerMinute: 360, requestsPerSecond: 20, profilesPerJob: 2, poll: '1ms' };
  const senders = [senderTo(klaviyo, settings), senderTo(klaviyo, settings)];
  const sent = await Promise.all(senders.map((sender, i) => sender.send(people(8 + i), signal)));
  expect(new Set(sent.flatMap(kinds))).toEqual(new Set(['accepted']));
  expect(created(klaviyo)).toBe(9);
  expect(klaviyo.throttled()).toBe(0);
});

test('where others used up the window, nothing leaves until it ends: no 429 is provoked', async () => {
  const klaviyo = await standIn({ limits: { perMinute: 20, minuteMs: 1200 } });
  const sender = senderTo(klaviyo, { profilesPerJob: 1 });
  klaviyo.spend(18);
  expect(kinds(await sender.send(people(1), signal))).toEqual(['accepted']);
  expect(kinds(await sender.send(people(3), signal))).toEqual(['accepted', 'accepted', 'accepted']);
  expect(klaviyo.throttled()).toBe(0);
});

test('a 429 all the same is waited out as Retry-After says', async () => {
  const klaviyo = await standIn();
  klaviyo.fail({ kind: 'status', status: 429, headers: { 'retry-after': '1' } });
  const from = io.monotonic();
  expect(kinds(await senderTo(klaviyo).send(people(1), signal))).toEqual(['accepted']);
  expect(io.monotonic() - from).toBeGreaterThanOrEqual(990);
});

test('broken calls are made again, and no profile is stored twice or lost', async () => {
  const klaviyo = await standIn();
  klaviyo.fail('503pre', 'resetpre', 'resetpost', '500post');
  klaviyo.failLooks('resetpre', '500pre', 'badjson-pre');
  expect(kinds(await senderTo(klaviyo).send(people(5), signal))).toEqual(Array(5).fill('accepted'));
  expect(klaviyo.profiles.all()).toHaveLength(5);
});

test('a key that is not accepted, or lacks a scope, stops the destination and is not shown', async () => {
  const klaviyo = await standIn();
  const stranger = senderTo({ url: klaviyo.url, apiKey: 'pk_wrong' });
  klaviyo.setScopes(false);
  expect(await senderTo(klaviyo).send(people(2), signal)).toMatchObject([
    { kind: 'halted', code: 'FORBIDDEN' },
    { kind: 'halted', code: 'FORBIDDEN' },
  ]);
  expect(await stranger.send(people(1), signal)).toMatchObject([{ kind: 'halted', code: 'UNAUTHORIZED' }]);
  klaviyo.fail({ kind: 'status', status: 403, body: JSON.stringify({ errors: [{ detail: 'key pk_wrong is bad' }] }) });
  expect(JSON.stringify(await stranger.send(people(1), signal))).not.toContain('pk_wrong');
});

test('a key that is refused while a job is looked at leaves its profiles in doubt', async () => {
  const klaviyo = await standIn();
  klaviyo.failLooks({ kind: 'status', status: 401 });
  expect(await senderTo(klaviyo).send(people(1), signal)).toMatchObject([
    { kind: 'halted', code: 'UNAUTHORIZED', doubtful: true },
  ]);
});

test('a job that was cancelled or is never done leaves its profiles unknown', async () => {
  const klaviyo = await standIn({ limits: { workMs: 60_000 } });
  const sender = senderTo(klaviyo, { completeWithin: '50ms' });
  expect(await sender.send(people(1), signal)).toMatchObject([{ kind: 'unknown', code: 'STILL_WORKING' }]);
  klaviyo.setFaults(({ method }) => {
    if (method === 'GET') klaviyo.cancelJobs();
    return undefined;
  });
  expect(await sender.send(people(1), signal)).toMatchObject([{ kind: 'unknown', code: 'JOB_CANCELLED' }]);
});

test('a stop is heard while waiting, and nothing but its reason is thrown', async () => {
  const klaviyo = await standIn({ limits: { workMs: 60_000 } });
  const stop = new AbortController();
  const sending = senderTo(klaviyo).send(people(2), stop.signal);
  klaviyo.setFaults(({ method }) => {
    if (method === 'GET') stop.abort(new Error('stopped by a person'));
    return undefined;
  });
  await expect(sending).rejects.toThrow('stopped by a person');
});

test('a profile without what people are known by is rejected', async () => {
  const klaviyo = await standIn();
  const answers = await senderTo(klaviyo, { identifiers: 'userId' }).send(
    [person(1), { ...person(2), userId: '7' }],
    signal,
  );
  expect(answers).toMatchObject([{ kind: 'rejected', code: 'NO_IDENTIFIER' }, { kind: 'accepted' }]);
  expect(klaviyo.profiles.all()).toMatchObject([{ externalId: '7' }]);
  expect(klaviyo.profiles.all()[0]?.email).toBeUndefined();
});

testProfileTrouble<KlaviyoStandIn>({
  async standIn({ faults } = {}) {
    const klaviyo = await standIn(faults ? { faults } : {});
    return { provider: klaviyo, secret: klaviyo.apiKey };
  },
  senderTo: ({ provider: { url }, secret }, settings) => senderTo({ url, apiKey: secret }, settings),
  perCall: 'profilesPerJob',
  person,
  stored: ({ profiles }) => profiles.all().length,
  handedIn: ({ received }) => received.filter(({ method }) => method === 'POST'),
});
