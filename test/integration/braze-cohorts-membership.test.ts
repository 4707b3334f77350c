import { afterEach, describe, expect, test } from 'vitest';
import { createBrazeMembership } from '../../src/destinations/braze/cohorts/open.ts';
import { brazeMembershipSettings } from '../../src/destinations/braze/cohorts/settings.ts';
import type { MembershipTarget } from '../../src/destinations/membership.ts';
import { createLog, realIo } from '../../src/io.ts';
import { type BrazeOptions, type BrazeStandIn, startBraze } from '../../src/sandbox/braze/server.ts';
import { kinds, NEVER, SEGMENT, testMemberships } from './support/membership-suite.ts';

const io = realIo(createLog('silent'));
const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

let keys = 0;
const KNOWN = Array.from({ length: 100 }, (_, n) => `external_id u${n}`);

/** A data import key of its own for each test, since the pace of a key is shared in the process. */
async function standIn(options: Omit<BrazeOptions, 'io'> = {}): Promise<{ provider: BrazeStandIn; secret: string }> {
  keys += 1;
  const secret = `import-key-${keys}`;
  const cohorts = { partner: 'heap', partnerApiKey: 'partner-key', clientSecret: secret, ...options.cohorts };
  const braze = await startBraze({ io, keys: [`rest-${keys}`], known: KNOWN, ...options, cohorts });
  opened.push(() => braze.stop());
  return { provider: braze, secret };
}

function targetTo(
  { provider, secret }: { provider: BrazeStandIn; secret: string },
  settings: { cohort?: object; [name: string]: unknown } = {},
): MembershipTarget {
  const quick = { patience: '20s', backoff: { first: '5ms', cap: '20ms' } };
  const ours = { partner: 'heap', partnerApiKey: 'partner-key', clientSecret: secret, requestsPerHour: 10_000_000 };
  const parsed = brazeMembershipSettings.parse({
    ...{ account: 'acme', url: provider.url, ...quick, ...settings },
    cohort: { ...ours, ...settings.cohort },
  });
  const target = createBrazeMembership(parsed, io);
  opened.push(() => target.close());
  return target;
}

const member = (n: number): string => `u${n}`;
const membersOf = (braze: BrazeStandIn): string[] =>
  [...(braze.cohorts.get(SEGMENT.id)?.members ?? [])].map((name) => name.replace('external_id ', '')).sort();

describe('what every target does', () => {
  testMemberships<BrazeStandIn>({
    standIn,
    targetTo,
    member,
    stored: membersOf,
    faults: (braze, source) => braze.setFaults(source),
    fail: (braze, ...faults) => braze.fail(...faults),
    requests: (braze) => braze.received.length,
  });
});

test('a cohort is made once with the name of the segment, and once more where the name changes; its members stay', async () => {
  const at = await standIn();
  const target = targetTo(at);
  const { targetId } = await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: ['u1'], remove: [] }, NEVER);
  await target.prepare({ ...SEGMENT, earlier: { targetId, name: SEGMENT.name } }, NEVER);
  expect(at.provider.received).toHaveLength(2);
  await target.prepare({ ...SEGMENT, name: 'Lapsed', earlier: { targetId, name: SEGMENT.name } }, NEVER);
  expect(at.provider.received).toHaveLength(3);
  expect(at.provider.cohorts.get('lapsed')).toMatchObject({ name: 'Lapsed', createdAt: '2026-11-21T00:00:00.000Z' });
  expect(membersOf(at.provider)).toEqual(['u1']);
});

test('adds and removes share a call, and no call has more members than Braze takes', async () => {
  const at = await standIn();
  const target = targetTo(at, { cohort: { idsPerCall: 10 } });
  expect(target.maxBatchSize).toBe(10);
  await target.prepare(SEGMENT, NEVER);
  const add = Array.from({ length: 12 }, (_, n) => member(n));
  await target.apply({ add, remove: ['u90', 'u91', 'u92'] }, NEVER);
  const sizes = at.provider.received.slice(1).map(({ body }) => JSON.stringify(body).match(/"u\d+"/g)?.length);
  expect(sizes).toEqual([10, 5]);
  expect(at.provider.received[2]?.body).toMatchObject({
    cohort_id: 'lapsed',
    cohort_changes: [{ user_ids: ['u10', 'u11'] }, { user_ids: ['u90', 'u91', 'u92'], should_remove: true }],
  });
  expect(membersOf(at.provider)).toEqual(add.sort());
});

test('H27: a locked cohort is waited for', async () => {
  const at = await standIn();
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  at.provider.lockCohorts(3);
  expect(kinds(await target.apply({ add: ['u1'], remove: ['u2'] }, NEVER))).toEqual([['accepted'], ['accepted']]);
  expect(at.provider.received.map(({ status }) => status)).toEqual([201, 423, 423, 423, 201]);
});

test('H27: a call that is refused because of one id is split until that one stands alone', async () => {
  const refusesId = (id: string): string | undefined => (id === 'u7' ? `the id ${id} is not valid` : undefined);
  const at = await standIn({ cohorts: { refusesId } });
  const target = targetTo(at);
  await target.prepare(SEGMENT, NEVER);
  const add = Array.from({ length: 16 }, (_, n) => member(n));
  const answers = await target.apply({ add, remove: ['u40'] }, NEVER);
  expect(answers.add[7]).toEqual({
    kind: 'rejected',
    code: 'HTTP_400',
    reason: 'the id u7 is not valid',
    http: 400,
  });
  expect(membersOf(at.provider)).toEqual(add.filter((id) => id !== 'u7').sort());
});

test('people whom Braze does not know are passed over; with lookUp they are rejected, and nothing of them is sent', async () => {
  const at = await standIn();
  const without = targetTo(at);
  await without.prepare(SEGMENT, NEVER);
  expect(kinds(await without.apply({ add: ['u1', 'stranger'], remove: [] }, NEVER))).toEqual([
    ['accepted', 'accepted'],
    [],
  ]);
  expect(membersOf(at.provider)).toEqual(['u1']);
  const target = targetTo(at, { cohort: { lookUp: { apiKey: `rest-${keys}`, requestsPerMinute: 100_000 } } });
  await target.prepare(SEGMENT, NEVER);
  const add = ['stranger', ...Array.from({ length: 60 }, (_, n) => member(n)), 'nobody'];
  const answers = await target.apply({ add, remove: ['stranger-too'] }, NEVER);
  expect(answers.add.flatMap((answer, n) => (answer.kind === 'accepted' ? [] : [[add[n], answer.kind]]))).toEqual([
    ['stranger', 'rejected'],
    ['nobody', 'rejected'],
  ]);
  expect(answers.add[0]).toMatchObject({ code: 'MEMBER_UNKNOWN' });
  expect(answers.remove).toMatchObject([{ kind: 'accepted' }]);
  const sent = at.provider.received.filter(({ path }) => path.endsWith('/cohorts/users')).map(({ body }) => body);
  expect(JSON.stringify(sent.at(-1))).not.toContain('"nobody"');
});

test('H27: where it cannot be looked up who is known, nobody is added, and removes leave all the same', async () => {
  const at = await standIn();
  const target = targetTo(at, { cohort: { lookUp: { apiKey: 'another-key' } } });
  await target.prepare(SEGMENT, NEVER);
  const answers = await target.apply({ add: ['u1'], remove: ['u2'] }, NEVER);
  expect(answers).toMatchObject({ add: [{ kind: 'halted', code: 'UNAUTHORIZED' }], remove: [{ kind: 'accepted' }] });
  expect(membersOf(at.provider)).toEqual([]);
});

test('members by alias go with the label of the settings', async () => {
  const at = await standIn({ known: ['alias crm a-1', 'alias crm a-2'] });
  const target = targetTo(at, { identifyBy: 'alias', aliasLabel: 'crm' });
  expect(target.idKind).toBe('alias');
  await target.prepare(SEGMENT, NEVER);
  await target.apply({ add: ['a-1', 'a-2'], remove: [] }, NEVER);
  await target.apply({ add: [], remove: ['a-1'] }, NEVER);
  expect([...(at.provider.cohorts.get(SEGMENT.id)?.members ?? [])]).toEqual(['alias crm a-2']);
});
