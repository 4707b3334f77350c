import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { type BulkWorld, LABEL, openBulkWorld, people, tellLink } from './support/bulk-world.ts';
import { fates } from './support/e2e-results.ts';
import type { RunJson } from './support/e2e-world.ts';

let bulk: BulkWorld;

afterEach(() => bulk.world.close());

test.each(['batch', 'sftp'] as const)(
  'on the lane %s customers go as one file of events, and come out of a report with their links',
  async (lane) => {
    bulk = await openBulkWorld({ lane });
    bulk.world.drop('a.csv', people('ann', 'ben', 'cid'));
    const { code, run } = await bulk.world.run('links');
    expect(run).toMatchObject({ lane, delivered: 3, open: 0, balanced: true, halted: null });
    expect(code).toBe(0);
    const links = bulk.atExtole();
    expect(Object.keys(links)).toEqual(['ann@example.com', 'ben@example.com', 'cid@example.com']);
    expect(await bulk.known()).toEqual(links);
    expect(bulk.results().map(({ eventId }) => eventId)).toEqual(Object.values(links));
    expect(bulk.world.taken().map(({ body }) => body)).toEqual(
      ['ann', 'ben', 'cid'].map((name) => ({
        event_name: 'customer_listed',
        event_time: expect.any(String),
        data: expect.objectContaining({ email: `${name}@example.com`, partner_user_id: `C-${name}` }),
      })),
    );
    expect(bulk.world.taken().every(({ body }) => !('partner_conversion_id' in body.data))).toBe(true);
    expect(bulk.world.extole.stats().byPath['/v5/persons'] ?? {}).toEqual({});
  },
);

const reportOf = ({ reportPath }: RunJson): string => readFileSync(reportPath ?? '', 'utf8');

const noLinks = { extole: { links: { onEvents: {} } } };
const soon = { links: { bulk: { missingAfter: '300ms', upload: { wait: '10s' } } } };
const once = { links: { bulk: { upload: { wait: '0s' } } } };

test('whoever has no link stays open, and the report says how many', async () => {
  bulk = await openBulkWorld({ ...noLinks, job: once });
  bulk.world.drop('a.csv', people('ann', 'ben'));
  const { code, run } = await bulk.world.run('links');
  expect(run).toMatchObject({ delivered: 0, open: 2, balanced: true, halted: null });
  expect(code).toBe(0);
  expect(reportOf(run)).toMatch(/2 of the 2 people of \S+ have no link yet/);
  expect(bulk.world.files('results')).toEqual([]);
  expect(bulk.world.taken()).toHaveLength(2);
});

test('who has no link after the time for it is held, and gets it all the same when it comes later', async () => {
  bulk = await openBulkWorld({ ...noLinks, job: soon });
  bulk.world.drop('a.csv', people('ann', 'ben'));
  const { code, run } = await bulk.world.run('links');
  expect(run).toMatchObject({ held: 2, open: 0, balanced: true });
  expect(code).toBe(3);
  expect(fates(bulk.results())).toEqual(['2 held LINK_MISSING', '3 held LINK_MISSING']);
  expect(bulk.results()[0]?.reason).toMatch(/no link came within \S+ of the upload .*customer_listed/);
  await tellLink(bulk, { email: 'ben@example.com', link: 'https://share.acme.example/ben' });
  const later = await bulk.world.run('links');
  expect(later.run).toMatchObject({ delivered: 1, balanced: true });
  expect(fates(bulk.results('a.csv.results.r2.csv'))).toEqual(['2 held LINK_MISSING', '3 delivered']);
});

test('a person releases who is held, and only they are uploaded again', async () => {
  bulk = await openBulkWorld({ ...noLinks, job: soon });
  bulk.world.drop('a.csv', people('ann', 'ben'));
  await bulk.world.run('links');
  await tellLink(bulk, { email: 'ann@example.com', link: 'https://share.acme.example/ann' });
  await bulk.world.run('links');
  bulk.job(once);
  const released = await bulk.world.cli(['release', 'p1', '--line', '3', '--reason', 'the extension is on', '--json']);
  expect(released.code).toBe(0);
  expect(bulk.world.taken().map(({ body }) => body.data.email)).toEqual([
    'ann@example.com',
    'ben@example.com',
    'ben@example.com',
  ]);
});

test('customers with an id alone are found by it', async () => {
  bulk = await openBulkWorld({
    job: {
      customers: { email: null, partnerUserId: 'id' },
      links: { person: { findBy: ['partner_user_id'], create: false } },
    },
  });
  bulk.world.drop('a.csv', 'id\nC-1\nC-2\n');
  const { run } = await bulk.world.run('links');
  expect(run).toMatchObject({ delivered: 2, open: 0, balanced: true });
  expect(Object.keys(await bulk.known())).toEqual(['C-1', 'C-2']);
});

test('a row that Extole refuses is rejected, and the others get their links', async () => {
  bulk = await openBulkWorld({ lane: 'sftp' });
  const tooLong = 'x'.repeat(39);
  bulk.world.drop('a.csv', `${people('ann', 'ben')}cid@example.com,${tooLong}\n`);
  const { run } = await bulk.world.run('links');
  expect(run).toMatchObject({ delivered: 2, rejected: 1, open: 0, balanced: true });
  expect(fates(bulk.results())[2]).toMatch(/^4 rejected /);
  expect(Object.keys(bulk.atExtole())).toEqual(['ann@example.com', 'ben@example.com']);
});

test('a batch job that fails holds its people, as nothing can come of it', async () => {
  bulk = await openBulkWorld({ extole: { batches: { walk: ['PENDING', 'FAILED'] } } });
  bulk.world.drop('a.csv', people('ann'));
  await bulk.world.run('links');
  expect(fates(bulk.results())).toEqual(['2 held BATCH_FAILED']);
});

test('where the numbers of a batch job differ, the links still tell who has got one', async () => {
  bulk = await openBulkWorld({ extole: { batches: { counts: () => ({ success: 1, failed: 0 }) } } });
  bulk.world.drop('a.csv', people('ann', 'ben'));
  const { run } = await bulk.world.run('links');
  expect(run).toMatchObject({ delivered: 2, open: 0, balanced: true });
});

test('where they differ and people have no link, the report says both', async () => {
  const batches = { counts: () => ({ success: 1, failed: 1 }), walk: ['DONE' as const] };
  bulk = await openBulkWorld({ extole: { links: { onEvents: {} }, batches }, job: once });
  bulk.world.drop('a.csv', people('ann', 'ben'));
  const { run } = await bulk.world.run('links');
  expect(reportOf(run)).toMatch(/2 rows were sent, Extole counts 1 accepted and 1 failed/);
  expect(reportOf(run)).toMatch(/2 of the 2 people of \S+ have no link yet/);
});

test('a report that cannot be had leaves everybody open and says why, and the next one is asked for later', async () => {
  bulk = await openBulkWorld({
    job: { links: { report: { type: 'NO_SUCH_TYPE' }, bulk: { upload: { wait: '0s' } } } },
  });
  bulk.world.drop('a.csv', people('ann'));
  const { code, run } = await bulk.world.run('links');
  expect(code).toBe(0);
  expect(run).toMatchObject({ open: 1, halted: null });
  expect(reportOf(run)).toMatch(/links could not be collected: .*report_type_not_found.*check report\.type/);
  bulk.job();
  expect((await bulk.world.run('links')).run).toMatchObject({ delivered: 1, open: 0 });
});

test('a look that nobody answers is given up as soon as the job says, and made again', async () => {
  const delivery = { timeout: { headers: '1s', total: '2s' } };
  bulk = await openBulkWorld({ job: { delivery, links: { patience: '10s', backoff: { first: '5ms', cap: '20ms' } } } });
  bulk.world.extole.links.failLooks('timeout-pre', 'timeout-pre');
  bulk.world.drop('a.csv', people('ann'));
  for (let run = 0; run < 3 && bulk.world.files('results').length === 0; run++) await bulk.world.run('links');
  expect(fates(bulk.results())).toEqual(['2 delivered']);
}, 50_000);

test('a report that lacks rows is read again by another, and a link in it counts once', async () => {
  bulk = await openBulkWorld({ extole: { links: { reports: { lose: 1 } } }, job: once });
  bulk.world.drop('a.csv', people('ann', 'ben'));
  await bulk.world.run('links');
  const half = await bulk.world.run('links');
  expect(half.run.open).toBeGreaterThan(0);
  bulk.world.extole.links.reports.lose = 0;
  await bulk.world.run('links');
  const { run } = await bulk.world.run('links');
  expect(fates(bulk.results())).toEqual(['2 delivered', '3 delivered']);
  expect(run.balanced).toBe(true);
});

test('who has several links in the report keeps the one that is known', async () => {
  bulk = await openBulkWorld();
  bulk.world.drop('a.csv', people('ann'));
  await bulk.world.run('links');
  const before = await bulk.known();
  const { personId = '' } = bulk.world.extole.links.shareables[0] ?? {};
  bulk.world.extole.links.putShareable({ personId, label: LABEL });
  bulk.world.drop('b.csv', people('ben'));
  const { run } = await bulk.world.run('links');
  expect(run).toMatchObject({ delivered: 1, open: 0 });
  expect(await bulk.known()).toMatchObject(before);
});

test('a customer who comes again is a duplicate, and is not uploaded again', async () => {
  bulk = await openBulkWorld();
  bulk.world.drop('a.csv', people('ann'));
  await bulk.world.run('links');
  bulk.world.drop('b.csv', people('ann', 'ben'));
  const { run } = await bulk.world.run('links');
  expect(run).toMatchObject({ delivered: 1, duplicate: 1 });
  expect(bulk.world.taken().map(({ body }) => body.data.email)).toEqual(['ann@example.com', 'ben@example.com']);
});

test('a job without a report to collect links from is told so', async () => {
  bulk = await openBulkWorld({ job: { links: { report: null } } });
  const { code, stdout } = await bulk.world.cli(['check']);
  expect(code).not.toBe(0);
  expect(stdout).toMatch(/links\.bulk: .*links\.report/);
});

test('the doctor asks whether files can be sent and reports be had, and says what is refused', async () => {
  bulk = await openBulkWorld();
  const good = await bulk.world.cli(['doctor', 'links']);
  expect(good.stdout).toMatch(
    /Extole's files API\n +ok +files .*\n +ok +reports +can be listed; whether there is a SHAREABLES/,
  );
  bulk.job({ links: { paths: { reports: '/v4/nothing' } } });
  const bad = await bulk.world.cli(['doctor', 'links']);
  expect(bad.code).not.toBe(0);
  expect(bad.stdout).toMatch(/FAIL +reports +MISROUTED: .*\n.*links\.paths\.reports/);
});
