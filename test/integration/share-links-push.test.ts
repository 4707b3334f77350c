import { describe, expect, onTestFinished, test } from 'vitest';
import { startBraze } from '../../src/sandbox/braze/server.ts';
import { startHubspot } from '../../src/sandbox/hubspot/server.ts';
import { type IterableOptions, type IterableStandIn, startIterable } from '../../src/sandbox/iterable/server.ts';
import { startKlaviyo } from '../../src/sandbox/klaviyo/server.ts';
import { startSfmc } from '../../src/sandbox/sfmc/server.ts';
import { type AfterWorld, afterWorld, Died, io, people } from './support/after-world.ts';

const quick = { backoff: { first: '5ms', cap: '20ms' } };
let keys = 0;

/** Paces are shared by all who use a key, so each stand-in has one of its own. */
function freshKey(): string {
  keys += 1;
  return `key-${keys}`;
}

const closing = <Tool extends { stop(): Promise<void> }>(tool: Tool): Tool => {
  onTestFinished(() => tool.stop());
  return tool;
};

/** A tool to push to, and what it has of everybody: e-mail, or another identifier, to link. */
interface Tool {
  target: object;
  has(): Record<string, unknown>;
  calls(): number;
}

const TOOLS: Record<string, () => Promise<Tool>> = {
  async hubspot() {
    const token = freshKey();
    const server = closing(await startHubspot({ io, token }));
    const target = {
      provider: 'hubspot',
      account: 'acme',
      token,
      url: server.url,
      requestsPer10Seconds: 1000,
      ...quick,
    };
    const has = () => Object.fromEntries(server.contacts.all().map(({ properties: p }) => [p.email, p.share_link]));
    return { target, has, calls: () => server.received.length };
  },
  async sfmc() {
    const clientId = freshKey();
    const server = closing(await startSfmc({ io, package: { clientId, clientSecret: 'sandbox-secret' } }));
    const login = { subdomain: 'mc-acme', clientId, clientSecret: 'sandbox-secret', authUrl: server.url };
    const target = {
      ...{ provider: 'sfmc', account: 'acme', ...login, dataExtension: { key: 'Extole_Share_Links' } },
      ...{ poll: '10ms', requestsPerMinute: 1_000_000, ...quick },
    };
    const has = () => Object.fromEntries([...server.rows].map(([email, row]) => [email, row.extole_share_link]));
    return { target, has, calls: () => server.received.length };
  },
  async klaviyo() {
    const apiKey = freshKey();
    const server = closing(await startKlaviyo({ io, apiKey }));
    const target = { provider: 'klaviyo', account: 'acme', apiKey, url: server.url, poll: '10ms', ...quick };
    const has = () =>
      Object.fromEntries(server.profiles.all().map(({ email = '', properties: p }) => [email, p.share_link]));
    return { target, has, calls: () => server.received.length };
  },
  async iterable() {
    const { server, target } = await iterable();
    return { target, has: () => linksOf(server), calls: () => server.received.length };
  },
  async braze() {
    const apiKey = freshKey();
    const server = closing(await startBraze({ io, keys: [apiKey] }));
    const target = { provider: 'braze', account: 'acme', apiKey, url: server.url, externalId: 'email', ...quick };
    const has = () =>
      Object.fromEntries([...server.users].map(([id, user]) => [id.replace('external_id ', ''), user.share_link]));
    return { target, has, calls: () => server.received.length };
  },
};

async function iterable(
  options: Partial<IterableOptions> = {},
): Promise<{ server: IterableStandIn; target: object; apiKey: string }> {
  const apiKey = freshKey();
  const limits = { requests: Number.POSITIVE_INFINITY };
  const server = closing(await startIterable({ io, keys: [apiKey], limits, ...options }));
  const more = { requestsPerSecond: 1000, usersPerCall: 10, patience: '50ms', ...quick };
  return { server, apiKey, target: { provider: 'iterable', account: 'acme', apiKey, url: server.url, ...more } };
}

const linksOf = (server: IterableStandIn): Record<string, unknown> =>
  Object.fromEntries([...server.project.users].map(([email, user]) => [email, user.share_link]));

const wanted = (count: number): Record<string, string> =>
  Object.fromEntries(people(count).map(({ email = '', code }) => [email, `https://share.example.com/${code}`]));

/** Every row of every results file of pushes. */
const told = (world: AfterWorld): Record<string, string>[] => Object.values(world.results()).flat();

const outcomes = (rows: readonly Record<string, string>[]): Record<string, string | undefined> =>
  Object.fromEntries(rows.map(({ email = '', outcome }) => [email, outcome]));

describe.each(Object.keys(TOOLS))('a push to %s', (name) => {
  test('gives everybody their link, then only what changed, and tells of each row once', async () => {
    const tool = await (TOOLS[name] ?? Promise.reject)();
    const world = afterWorld();
    await world.tell(people(3));
    const [first] = (await world.after({ push: [tool.target] })).pushes;
    expect(first).toMatchObject({ state: 'done', target: name, balanced: true, news: true });
    expect(first?.counts).toMatchObject({ read: 3, delivered: 3, open: 0 });
    expect(tool.has()).toEqual(wanted(3));
    const calls = tool.calls();
    expect((await world.after({ push: [tool.target] })).pushes).toEqual([]);
    expect(tool.calls()).toBe(calls);
    await world.tell([{ email: 'p0002@example.com', code: 'new' }]);
    const [second] = (await world.after({ push: [tool.target] })).pushes;
    expect(second?.counts).toMatchObject({ read: 1, delivered: 1 });
    expect(tool.has()).toEqual({ ...wanted(3), 'p0002@example.com': 'https://share.example.com/new' });
    const results = world.results();
    expect(Object.keys(results).every((file) => file.startsWith(`push-${name}-`))).toBe(true);
    expect(told(world).map(({ outcome, line, share_link }) => [outcome, line, share_link])).toContainEqual([
      ...['delivered', '2', 'https://share.example.com/new'],
    ]);
    expect(told(world)).toHaveLength(4);
  });
});

test('who is refused is rejected and not sent again, until the link is another one', async () => {
  let bad = true;
  const { server, target } = await iterable({
    project: { fails: ({ email }) => (bad && email === 'p0005@example.com' ? 'invalidDataEmails' : undefined) },
  });
  const world = afterWorld();
  await world.tell(people(25));
  const [first] = (await world.after({ push: [target] })).pushes;
  expect(first?.counts).toMatchObject({ read: 25, delivered: 24, rejected: 1 });
  expect(first?.reasons).toMatchObject([{ outcome: 'rejected', count: 1 }]);
  const calls = server.received.length;
  await world.after({ push: [target] });
  expect(server.received).toHaveLength(calls);
  bad = false;
  await world.tell([{ email: 'p0005@example.com', code: 'again' }]);
  await world.after({ push: [target] });
  expect(linksOf(server)).toHaveProperty(['p0005@example.com'], 'https://share.example.com/again');
});

test('what failed under another label of the job is no row of a push any more, and the push is balanced', async () => {
  const { server, target } = await iterable();
  const world = afterWorld();
  await world.tell(people(3));
  await world.after({ push: [target] });
  await world.withLedger(({ db }) => db.exec("UPDATE push_rows SET outcome = 'failed' WHERE link_id = 2"));
  await world.tell([{ email: 'p0001@example.com', code: 'vip' }], 'vip');
  const [first] = (await world.after({ push: [target], label: 'vip' })).pushes;
  expect(first).toMatchObject({ state: 'done', balanced: true, counts: { read: 1, delivered: 1, open: 0 } });
  await world.tell([{ email: 'p0002@example.com', code: 'vip2' }], 'vip');
  const [second] = (await world.after({ push: [target], label: 'vip' })).pushes;
  expect(second).toMatchObject({ state: 'done', balanced: true, counts: { read: 1, delivered: 1, open: 0 } });
  expect(linksOf(server)).toHaveProperty(['p0002@example.com'], 'https://share.example.com/vip2');
});

test('who failed before and has another link since is sent once', async () => {
  const { server, target } = await iterable();
  const world = afterWorld();
  await world.tell(people(3));
  await world.after({ push: [target] });
  await world.withLedger(({ db }) => db.exec("UPDATE push_rows SET outcome = 'failed' WHERE link_id <= 2"));
  await world.tell([{ email: 'p0001@example.com', code: 'other' }]);
  const before = server.received.length;
  const [push] = (await world.after({ push: [target] })).pushes;
  expect(push).toMatchObject({ state: 'done', balanced: true, counts: { read: 2, delivered: 2, open: 0 } });
  const sent = JSON.stringify(server.received.slice(before).map(({ body }) => body));
  expect(sent.match(/p000[1-3]@example\.com/g)?.sort()).toEqual(['p0001@example.com', 'p0002@example.com']);
  expect(linksOf(server)).toHaveProperty(['p0001@example.com'], 'https://share.example.com/other');
});

test('a tool that cannot be reached is left alone; the next run gives it everything, those of the last try included', async () => {
  const { server, target } = await iterable();
  const world = afterWorld();
  await world.tell(people(100));
  server.setFaults(() => '503pre');
  const [stopped] = (await world.after({ push: [{ ...target, connections: 1 }] })).pushes;
  expect(stopped).toMatchObject({ state: 'open', why: { code: 'SERVER_ERROR' }, balanced: true });
  expect(stopped?.counts).toMatchObject({ read: 100, failed: 0, open: 100 });
  server.setFaults(undefined);
  const [going] = (await world.after({ push: [target] })).pushes;
  expect(going?.counts).toMatchObject({ read: 100, failed: 0, delivered: 100, open: 0 });
  expect(linksOf(server)).toEqual(wanted(100));
  expect(told(world)).toHaveLength(100);
});

test('a tool that refuses the key stops; other targets do not, and its rows stay open until the key is right', async () => {
  const { server, target, apiKey } = await iterable();
  const other = await iterable();
  const world = afterWorld();
  await world.tell(people(30));
  server.setKeys([]);
  const push = [target, { ...other.target, name: 'second' }];
  const { pushes } = await world.after({ push });
  expect(pushes).toMatchObject([
    { state: 'open', why: { code: 'UNAUTHORIZED' }, counts: { read: 30, open: 30 }, news: true },
    { state: 'done', target: 'second', counts: { delivered: 30 } },
  ]);
  server.setKeys([apiKey]);
  await world.tell(people(1, 31));
  expect((await world.after({ push })).pushes).toMatchObject([
    { state: 'done', push: 'u1', counts: { read: 30, delivered: 30, open: 0 } },
    { state: 'done', target: 'iterable', counts: { read: 1, delivered: 1, open: 0 } },
    { target: 'second', counts: { read: 1 } },
  ]);
  expect(linksOf(server)).toEqual(wanted(31));
});

test.each([
  ['push-answered', 1],
  ['push-answered', 3],
  ['push-recorded', 2],
  ['push-results-out', 1],
] as const)('a death at %s (%i) loses nobody and tells of nobody twice', async (place, nth) => {
  const { server, target } = await iterable();
  const world = afterWorld();
  await world.tell(people(55));
  await expect(world.after({ push: [target], dieAt: [place, nth] })).rejects.toThrow(Died);
  await world.tell([...people(1, 56), { email: 'p0001@example.com', code: 'changed' }]);
  await world.after({ push: [target] });
  await world.after({ push: [target] });
  const all = { ...wanted(56), 'p0001@example.com': 'https://share.example.com/changed' };
  expect(linksOf(server)).toEqual(all);
  const rows = told(world);
  expect(outcomes(rows)).toEqual(Object.fromEntries(Object.keys(all).map((email) => [email, 'delivered'])));
  const twice = rows.filter(({ email }) => email === 'p0001@example.com');
  expect(rows).toHaveLength(56 + twice.length - 1);
  const state = await world.withLedger(({ db }) =>
    db.prepare("SELECT count(*) AS n FROM pushes WHERE state = 'open'").get(),
  );
  expect(state).toEqual({ n: 0 });
});

test('a run that is told to stop leaves nobody without an outcome: the next one goes on', async () => {
  const { server, target } = await iterable();
  const world = afterWorld();
  await world.tell(people(40));
  const stop = new AbortController();
  server.setFaults(() => {
    if (server.received.length >= 1) stop.abort(new Error('stopped'));
    return undefined;
  });
  await expect(world.after({ push: [{ ...target, connections: 1 }], signal: stop.signal })).rejects.toThrow('stopped');
  server.setFaults(undefined);
  const { pushes } = await world.after({ push: [target] });
  expect(pushes).toMatchObject([{ push: 'u1', state: 'done', counts: { read: 40, delivered: 40, open: 0 } }]);
  expect(told(world)).toHaveLength(40);
  expect(linksOf(server)).toEqual(wanted(40));
});

test('with other fields everybody is looked at again; who has it so already is a duplicate', async () => {
  const { server, target } = await iterable();
  const world = afterWorld();
  await world.tell(people(3));
  await world.after({ push: [target] });
  const more = { ...target, fields: { share_link: '{link}', share_code: '{code}' } };
  expect((await world.after({ push: [more] })).pushes).toMatchObject([{ counts: { read: 3, delivered: 3 } }]);
  expect([...server.project.users.values()][0]).toMatchObject({ share_code: 'code0001' });
  const calls = server.received.length;
  const same = { ...more, createNewFields: true };
  expect((await world.after({ push: [same] })).pushes).toMatchObject([
    { counts: { read: 3, duplicate: 3, delivered: 0 } },
  ]);
  expect(server.received).toHaveLength(calls);
});

test('a pass that other settings overtake is told of by itself, and everybody is looked at under the new ones', async () => {
  const { server, target } = await iterable();
  const world = afterWorld();
  await world.tell(people(30));
  await expect(world.after({ push: [{ ...target, connections: 1 }], dieAt: ['push-recorded', 1] })).rejects.toThrow(
    Died,
  );
  const more = { ...target, fields: { share_link: '{link}', share_code: '{code}' } };
  const { pushes } = await world.after({ push: [more] });
  expect(pushes).toMatchObject([
    { push: 'u1', counts: { read: 10, delivered: 10, open: 0 }, balanced: true },
    { push: 'u2', counts: { read: 30, delivered: 30, open: 0 } },
  ]);
  expect([...server.project.users.values()].every((user) => user.share_code !== undefined)).toBe(true);
});

test('HubSpot gets the properties that it lacks; its daily limit stops it for the day, and the next day brings the rest', async () => {
  const token = freshKey();
  const server = closing(await startHubspot({ io, token, limits: { daily: 6, dailyLeft: 6 } }));
  const target = {
    ...{ provider: 'hubspot', account: 'acme', token, url: server.url, connections: 1, patience: '1s' },
    ...{ requestsPer10Seconds: 1000, ...quick },
  };
  const world = afterWorld();
  await world.tell(people(300));
  const [stopped] = (await world.after({ push: [target] })).pushes;
  expect(server.contacts.definitions.get('share_link')).toMatchObject({ type: 'string' });
  expect(stopped).toMatchObject({ state: 'open', why: { code: 'DAILY_LIMIT' } });
  expect(stopped?.counts.open).toBeGreaterThan(0);
  expect(server.received.filter(({ status }) => status === 429).length).toBeLessThanOrEqual(1);
  const calls = server.received.length;
  // While the limit is used up, a run does not try again and again.
  await world.after({ push: [target] });
  expect(server.received.length - calls).toBeLessThan(5);
  server.limits.dailyLeft = Number.POSITIVE_INFINITY;
  const [rest] = (await world.after({ push: [target] })).pushes;
  expect(rest).toMatchObject({ state: 'done', balanced: true, counts: { open: 0 } });
  const links = new Map(server.contacts.all().map(({ properties }) => [properties.email, properties.share_link]));
  const given = people(300).map(({ email, code }) => [email, `https://share.example.com/${code}`] as const);
  expect(links).toEqual(new Map(given));
});

test('HubSpot takes links into properties that are there, also from a token that may make none', async () => {
  const token = freshKey();
  const server = closing(
    await startHubspot({ io, token, scopes: ['crm.objects.contacts.read', 'crm.objects.contacts.write'] }),
  );
  const text = { type: 'string', fieldType: 'text', groupName: 'contactinformation', hasUniqueValue: false };
  const target = { provider: 'hubspot', account: 'acme', token, url: server.url, requestsPer10Seconds: 1000, ...quick };
  const world = afterWorld();
  await world.tell(people(2));
  expect((await world.after({ push: [target] })).pushes).toMatchObject([
    { state: 'open', why: { code: 'PROPERTY_UNUSABLE' } },
  ]);
  for (const name of ['share_link', 'share_code']) server.contacts.define({ ...text, name, label: name });
  expect((await world.after({ push: [target] })).pushes).toMatchObject([{ state: 'done', counts: { delivered: 2 } }]);
});

test('results are encrypted where the job says so', async () => {
  const { target } = await iterable();
  const world = afterWorld();
  await world.tell(people(1));
  const { generateKey } = await import('openpgp');
  const { publicKey } = await generateKey({ userIDs: [{ name: 'p' }], format: 'armored' });
  const [account] = (await world.after({ push: [target], encryptTo: [publicKey] })).pushes;
  expect(account?.resultsPath).toMatch(/\/results\/push-iterable-\w+\.results\.csv\.pgp$/);
});

test('a person who goes takes along what the tool was given', async () => {
  const { target } = await iterable();
  const world = afterWorld();
  await world.tell(people(2));
  await world.after({ push: [target] });
  const left = await world.withLedger(({ db }) => {
    db.prepare("DELETE FROM links WHERE email = 'p0001@example.com'").run();
    return db.prepare('SELECT count(*) AS n FROM push_rows').get();
  });
  expect(left).toEqual({ n: 1 });
  expect((await world.after({ push: [target] })).pushes).toEqual([]);
});
