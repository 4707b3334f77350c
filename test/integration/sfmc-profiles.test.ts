import { afterEach, expect, test } from 'vitest';
import type { Profile, ProfileSender } from '../../src/destinations/profile.ts';
import { sfmcSettings } from '../../src/destinations/sfmc/settings.ts';
import { createSfmc } from '../../src/destinations/sfmc/sfmc.ts';
import { createLog, realIo } from '../../src/io.ts';
import type { Answer } from '../../src/model.ts';
import { type SfmcOptions, type SfmcStandIn, startSfmc } from '../../src/sandbox/sfmc/server.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];
const signal = new AbortController().signal;

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function standIn(options: Omit<SfmcOptions, 'io'> = {}): Promise<SfmcStandIn> {
  const sfmc = await startSfmc({ io, ...options });
  opened.push(() => sfmc.stop());
  return sfmc;
}

const quick = { poll: '10ms', requestsPerMinute: 1_000_000, backoff: { first: '5ms', cap: '20ms' }, patience: '20s' };

function senderTo(sfmc: SfmcStandIn, settings: object = {}): ProfileSender {
  const sender = createSfmc(
    sfmcSettings.parse({
      ...{ account: 'acme', subdomain: 'mc-acme', clientId: 'sandbox-client', clientSecret: 'sandbox-secret' },
      ...{ authUrl: sfmc.url, dataExtension: { key: 'Extole_Share_Links' }, ...quick, ...settings },
    }),
    io,
  );
  opened.push(() => sender.close());
  return sender;
}

function person(n: number, link = `https://share.example.com/p${n}`): Profile {
  return { email: `p${n}@example.com`, fields: { extole_share_link: link } };
}

const people = (count: number): Profile[] => Array.from({ length: count }, (_, n) => person(n));
const kinds = (answers: readonly Answer[]): string[] => answers.map(({ kind }) => kind);
const upserts = (sfmc: SfmcStandIn): number => sfmc.received.filter(({ method }) => method === 'PUT').length;
const looks = (sfmc: SfmcStandIn, what: string): string[] =>
  sfmc.received.filter(({ path }) => path.includes(`/${what}`)).map(({ path }) => path);

test('every row is stored under its primary key, and columns that are not sent keep their values', async () => {
  const sfmc = await standIn();
  const sender = senderTo(sfmc, { columns: { userId: 'SubscriberKey' } });
  await sender.send([{ email: 'p1@example.com', userId: '007', fields: { share_code: 'ann01' } }], signal);
  const answers = await sender.send(people(3), signal);
  expect(kinds(answers)).toEqual(['accepted', 'accepted', 'accepted']);
  expect(sfmc.rows.get('p1@example.com')).toEqual({
    EmailAddress: 'p1@example.com',
    SubscriberKey: '007',
    share_code: 'ann01',
    extole_share_link: 'https://share.example.com/p1',
  });
  expect(sfmc.rows.size).toBe(3);
});

test('a call is bounded by rows and by bytes, and answers stay in the order of the batch', async () => {
  const sfmc = await standIn({ limits: { rows: 20, bytes: 1500 } });
  const sender = senderTo(sfmc, { rowsPerCall: 20, bytesPerCall: 1500 });
  const batch = people(50).map((profile, n) => (n % 7 === 0 ? person(n, 'x'.repeat(501)) : profile));
  const answers = await sender.send(batch, signal);
  expect(kinds(answers)).toEqual(batch.map((_, n) => (n % 7 === 0 ? 'rejected' : 'accepted')));
  expect(answers[7]).toMatchObject({ code: 'VALUE_TOO_LONG' });
  expect(sfmc.rows.size).toBe(42);
  expect(upserts(sfmc)).toBeGreaterThan(2);
  expect(sfmc.received.every(({ status }) => status < 400)).toBe(true);
});

test('rows that are refused when worked off are told by their place in the pages of results', async () => {
  const sfmc = await standIn({
    limits: { pageSize: 10 },
    extension: {
      refuses: (row) =>
        row.EmailAddress === 'p13@example.com'
          ? { errorCode: 'UnexpectedError', message: 'Cannot convert p13@example.com and 0612345678 to int.' }
          : undefined,
    },
  });
  const answers = await senderTo(sfmc).send(people(25), signal);
  expect(kinds(answers).filter((kind) => kind === 'accepted')).toHaveLength(24);
  expect(answers[13]).toEqual({
    kind: 'rejected',
    code: 'UnexpectedError',
    reason: 'Cannot convert (not shown) and (not shown) to int.',
    http: 200,
  });
  expect(sfmc.rows.has('p13@example.com')).toBe(false);
  expect(looks(sfmc, 'results').map((path) => path.replace(/.*\?/, ''))).toEqual([
    'page=1&pageSize=1000',
    'page=2&pageSize=1000',
    'page=3&pageSize=1000',
  ]);
});

test('results of another number of rows are not taken for ours', async () => {
  const sfmc = await standIn({ extension: { refuses: () => ({ errorCode: 'X', message: 'no' }) } });
  const item = { status: 'Error', errorCode: 'X', message: 'no' };
  const sender = senderTo(sfmc);
  for (const results of [
    { page: 1, pageSize: 50, count: 1, items: [item] },
    { page: 1, pageSize: 50, count: 3, items: [item, item] },
    { page: 2, pageSize: 50, count: 2, items: [item, item] },
  ]) {
    sfmc.setFaults(({ path }) =>
      path.includes('/results') ? { kind: 'body', accept: false, body: JSON.stringify(results) } : undefined,
    );
    const answers = await sender.send(people(2), signal);
    expect(answers).toMatchObject(Array(2).fill({ kind: 'unknown', code: 'RESULTS_INCOMPLETE' }));
  }
});

test('a deadlocked row may be sent again, and then it is stored', async () => {
  let deadlocks = 1;
  const sfmc = await standIn({
    extension: {
      refuses: () => {
        deadlocks -= 1;
        return deadlocks < 0
          ? undefined
          : { errorCode: 'UnexpectedError', message: 'Deadlock. Rerun the transaction.' };
      },
    },
  });
  const sender = senderTo(sfmc);
  expect(await sender.send(people(1), signal)).toMatchObject([{ kind: 'retryable', code: 'DEADLOCK' }]);
  expect(kinds(await sender.send(people(1), signal))).toEqual(['accepted']);
  expect(sfmc.rows.size).toBe(1);
});

test('a call refused because of one row is split until it stands alone, with at most 2 log2 n calls more', async () => {
  const sfmc = await standIn({
    refusesCall: ({ EmailAddress }) =>
      EmailAddress === 'p77@example.com' ? 'Row of p77@example.com is bad.' : undefined,
  });
  const answers = await senderTo(sfmc).send(people(128), signal);
  expect(answers.flatMap((answer, n) => (answer.kind === 'accepted' ? [] : [[n, answer.kind]]))).toEqual([
    [77, 'rejected'],
  ]);
  expect(answers[77]).toMatchObject({ code: '10001', reason: 'Row of (not shown) is bad.', http: 400 });
  expect(sfmc.rows.size).toBe(127);
  expect(upserts(sfmc)).toBeLessThanOrEqual(1 + 2 * 7);
});

test('where every row is refused by itself the destination stops instead of asking for each', async () => {
  const sfmc = await standIn({ refusesCall: () => 'Column extole_share_link does not exist.' });
  const answers = await senderTo(sfmc).send(people(1000), signal);
  expect(new Set(kinds(answers))).toEqual(new Set(['halted']));
  expect(answers[0]).toMatchObject({ code: 'EVERY_PROFILE_REFUSED' });
  expect(upserts(sfmc)).toBeLessThan(150);
});

test('where no row of many is taken because a column is not there, none is rejected for good', async () => {
  const sfmc = await standIn();
  const batch = people(60).map((profile) => ({ ...profile, fields: { Share_Link: 'x' } }));
  const answers = await senderTo(sfmc).send(batch, signal);
  expect(new Set(kinds(answers))).toEqual(new Set(['halted']));
  expect(answers[0]).toMatchObject({ code: 'EVERY_PROFILE_REFUSED' });
  expect(JSON.stringify(answers[0])).toContain("Invalid column name 'Share_Link'.");
  expect(sfmc.rows.size).toBe(0);
});

test('one token serves every sender of the package, and a second is asked for only where it is refused', async () => {
  const sfmc = await standIn();
  const senders = [senderTo(sfmc), senderTo(sfmc), senderTo(sfmc)];
  await Promise.all(senders.map((sender) => sender.send(people(2), signal)));
  expect(sfmc.tokenRequests).toHaveLength(1);
  sfmc.revokeTokens();
  expect(kinds(await senderTo(sfmc).send(people(2), signal))).toEqual(['accepted', 'accepted']);
  expect(sfmc.tokenRequests).toHaveLength(2);
});

test('a token past its life is used until it is refused, as long as no other may be asked for', async () => {
  const sfmc = await standIn({ package: { lifeMs: 122_000 } });
  const hasty = await standIn({ package: { lifeMs: 122_000 } });
  const patient = senderTo(sfmc);
  const eager = senderTo(hasty, { tokenEvery: '1s' });
  await Promise.all([patient.send(people(1), signal), eager.send(people(1), signal)]);
  // The second that `expires_in` says.
  await io.sleep(1100);
  await Promise.all([patient.send(people(1), signal), eager.send(people(1), signal)]);
  expect([sfmc.tokenRequests.length, hasty.tokenRequests.length]).toEqual([1, 2]);
  sfmc.revokeTokens();
  expect(kinds(await patient.send(people(1), signal))).toEqual(['accepted']);
  expect(sfmc.tokenRequests).toHaveLength(2);
  expect(sfmc.received.filter(({ status }) => status === 401)).toHaveLength(1);
});

test('where a new token is refused, too, the destination stops and asks for no third', async () => {
  const sfmc = await standIn();
  sfmc.setFaults(({ method }) => (method === 'PUT' ? { kind: 'status', status: 401 } : undefined));
  const sender = senderTo(sfmc);
  expect(await sender.send(people(1), signal)).toMatchObject([{ kind: 'halted', code: 'UNAUTHORIZED', http: 401 }]);
  await sender.send(people(1), signal);
  expect(sfmc.tokenRequests).toHaveLength(2);
  expect(sfmc.rows.size).toBe(0);
});

test('a wrong secret stops the destination, and is not shown', async () => {
  const sfmc = await standIn();
  const [answer] = await senderTo(sfmc, { clientSecret: 'wrong-secret' }).send(people(1), signal);
  expect(answer).toMatchObject({ kind: 'halted', code: 'UNAUTHORIZED' });
  expect(JSON.stringify(answer)).not.toContain('wrong-secret');
  expect(sfmc.tokenRequests).toHaveLength(1);
});

test('the token is not sent to an address that is none of Salesforce', async () => {
  const sfmc = await standIn();
  const stranger = { access_token: 't', expires_in: 1079, rest_instance_url: 'https://collector.example.com/' };
  sfmc.fail({ kind: 'body', accept: false, body: JSON.stringify(stranger) });
  expect(await senderTo(sfmc).send(people(1), signal)).toMatchObject([{ kind: 'halted', code: 'MISROUTED' }]);
});

test('rights that are missing stop the destination', async () => {
  const sfmc = await standIn();
  sfmc.setRights(false);
  expect(await senderTo(sfmc).send(people(2), signal)).toMatchObject([
    { kind: 'halted', code: 'FORBIDDEN' },
    { kind: 'halted', code: 'FORBIDDEN' },
  ]);
  expect(await senderTo(sfmc, { dataExtension: { key: 'Gone' } }).send(people(1), signal)).toMatchObject([
    { kind: 'halted', code: 'MISROUTED', http: 404 },
  ]);
});

test('too many calls and broken ones are waited out, and no row is stored twice or lost', async () => {
  const sfmc = await standIn();
  const sender = senderTo(sfmc);
  await sender.send(people(1), signal);
  sfmc.fail('503pre', 'resetpre', 'resetpost', '500post');
  sfmc.failLooks('resetpre', '500pre', { kind: 'status', status: 403, body: '{"errorcode":50200,"message":"later"}' });
  expect(kinds(await sender.send(people(5), signal))).toEqual(Array(5).fill('accepted'));
  expect(sfmc.rows.size).toBe(5);
});

test('Retry-After is obeyed', async () => {
  const sfmc = await standIn();
  const sender = senderTo(sfmc);
  await sender.send(people(1), signal);
  sfmc.fail('429-retry-after-2');
  const from = io.monotonic();
  expect(kinds(await sender.send(people(1), signal))).toEqual(['accepted']);
  expect(io.monotonic() - from).toBeGreaterThanOrEqual(1990);
});

test('what cannot be reached for as long as patience lasts is for later; after a reset nobody knows', async () => {
  const sfmc = await standIn();
  const sender = senderTo(sfmc, { patience: '100ms', bytesPerCall: 1000 });
  await sender.send(people(1), signal);
  sfmc.setFaults(({ method }) => (method === 'PUT' ? 'resetpost' : undefined));
  const answers = await sender.send(people(40), signal);
  expect(answers[0]).toMatchObject({ kind: 'unknown', code: 'NO_ANSWER' });
  expect(answers.at(-1)).toMatchObject({ kind: 'retryable', code: 'NOT_SENT' });
  await sfmc.stop();
  expect(await sender.send(people(1), signal)).toMatchObject([{ kind: 'retryable', code: 'NOT_SENT' }]);
});

test('a request that is never worked off is unknown after completeWithin', async () => {
  const sfmc = await standIn({ limits: { workMs: 60_000 } });
  const answers = await senderTo(sfmc, { completeWithin: '50ms' }).send(people(2), signal);
  expect(answers).toMatchObject([
    { kind: 'unknown', code: 'STILL_WORKING' },
    { kind: 'unknown', code: 'STILL_WORKING' },
  ]);
});

test('a stop is heard while waiting, and nothing but its reason is thrown', async () => {
  const sfmc = await standIn({ limits: { workMs: 60_000 } });
  const stop = new AbortController();
  const sending = senderTo(sfmc).send(people(2), stop.signal);
  sfmc.setFaults(({ method }) => {
    if (method === 'GET') stop.abort(new Error('stopped by a person'));
    return undefined;
  });
  await expect(sending).rejects.toThrow('stopped by a person');
});

test('a profile without the primary key is rejected, one without the other identifier is not', async () => {
  const sfmc = await standIn({ extension: { primaryKey: 'SubscriberKey' } });
  const sender = senderTo(sfmc, { primaryKey: 'userId', columns: { email: false, userId: 'SubscriberKey' } });
  const fields = { extole_share_link: 'x', SubscriberKey: 'of somebody else' };
  const answers = await sender.send([person(1), { email: 'p2@example.com', userId: '007', fields }], signal);
  expect(answers).toMatchObject([{ kind: 'rejected', code: 'NO_IDENTIFIER' }, { kind: 'accepted' }]);
  expect([...sfmc.rows.values()]).toEqual([{ SubscriberKey: '007', extole_share_link: 'x' }]);
});

test('settings say what is wrong with them', () => {
  const base = { account: 'acme', subdomain: 'mc-acme', clientId: 'a', clientSecret: 'b' };
  const problems = (settings: object): string =>
    sfmcSettings
      .safeParse({ ...base, ...settings })
      .error?.issues.map(({ message }) => message)
      .join() ?? '';
  expect(problems({ dataExtension: { key: 'a', id: 'b' } })).toContain('either key or id');
  expect(problems({ dataExtension: { key: 'a' }, subdomain: 'evil.example.com/' })).toContain('letters, digits');
  expect(problems({ dataExtension: { key: 'a' }, primaryKey: 'userId' })).toContain('column of the primary key');
  expect(problems({ dataExtension: { key: 'a' }, columns: { email: false } })).toContain('column of the primary key');
  expect(problems({ dataExtension: { key: 'a' }, rowsPerCall: 32_001 })).toContain('32000');
  expect(problems({ dataExtension: { key: 'a' }, restUrl: 'http://example.com' })).toContain('https://');
});
