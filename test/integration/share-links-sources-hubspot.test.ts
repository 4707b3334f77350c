import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hubspotSource } from '../../src/jobs/customer-sources.ts';
import type { CustomersFrom } from '../../src/pipelines/export-share-links/sources/gather.ts';
import { closeAll, failOn, standIn } from './hubspot-setup.ts';
import { customersIn, gatheredFiles, gatherWith } from './support/gathering.ts';

let state: string;
let server: Awaited<ReturnType<typeof standIn>>;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'referry-sources-'));
  server = await standIn();
});
afterEach(async () => {
  await closeAll();
  rmSync(state, { recursive: true, force: true });
});

const from = (settings: object = {}): CustomersFrom => ({
  from: 'hubspot',
  hubspot: hubspotSource.parse({
    account: 'acme',
    token: server.token,
    url: server.url,
    requestsPer10Seconds: 10_000,
    searchesPerSecond: 100,
    patience: '1s',
    backoff: { first: '5ms', cap: '20ms' },
    allowPrivateAddresses: true,
    ...settings,
  }),
});

const gather = (
  customers: CustomersFrom,
  work: Parameters<typeof gatherWith>[3],
  change?: Parameters<typeof gatherWith>[4],
) => gatherWith(join(state, 'ledger.sqlite'), state, customers, work, change);

function people(count: number): void {
  for (let n = 1; n <= count; n += 1) {
    const has = n % 10 === 0 ? { share_link: 'https://share.example.com/x' } : {};
    server.contacts.add({ email: `P${n}@example.com`, firstname: `Ann ${n}`, lastname: 'de "la" Cruz, Jr.', ...has });
  }
}

test('contacts without a share link become a file, each once, with their record id and names', async () => {
  people(1000);
  server.contacts.add({ firstname: 'Nobody' });
  await gather(from({ userIdProperty: 'phone' }), (gathered) => {
    const list = customersIn(gathered);
    expect(list).toHaveLength(901);
    expect(list[0]).toEqual({
      hubspot_id: '101',
      email: 'p1@example.com',
      partner_user_id: '',
      first_name: 'Ann 1',
      last_name: 'de "la" Cruz, Jr.',
    });
    expect(list.at(-1)).toMatchObject({ hubspot_id: '1101', email: '', first_name: 'Nobody' });
    expect(new Set(list.map(({ hubspot_id: id }) => id)).size).toBe(901);
    expect(gathered.file?.name).toMatch(/^links-hubspot-contacts-\d{8}T\d{6}Z-r1\.csv$/);
  });
});

test('names of columns and properties are those of the job, and a line break within a value becomes a space', async () => {
  server.contacts.define({
    name: 'member_no',
    label: 'Member',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
    hasUniqueValue: true,
  });
  server.contacts.add({ email: 'a@example.com', member_no: 'M-1', lastname: 'Two\r\nlines' });
  await gather(from({ userIdProperty: 'member_no', properties: { surname: 'lastname' } }), (gathered) =>
    expect(customersIn(gathered)).toEqual([
      { hubspot_id: '101', email: 'a@example.com', partner_user_id: 'M-1', surname: 'Two lines' },
    ]),
  );
});

test('where nobody is without a link there is no file', async () => {
  server.contacts.add({ email: 'a@example.com', share_link: 'https://share.example.com/a' });
  await gather(from(), (gathered) => expect(gathered).toEqual({ notices: [] }));
  expect(gatheredFiles(state)).toEqual([]);
});

test('a search that breaks off leaves nothing, and the next one begins anew', async () => {
  people(500);
  let page = 0;
  server.setFaults(({ path }) => {
    if (!path.endsWith('/search')) return undefined;
    page += 1;
    return page > 1 ? '503pre' : undefined;
  });
  await expect(gather(from(), () => {})).rejects.toMatchObject({ code: expect.any(String), retryable: true });
  expect(gatheredFiles(state)).toEqual([]);
  server.setFaults(undefined);
  await gather(from(), (gathered) => expect(customersIn(gathered)).toHaveLength(450));
});

test('a run that is stopped in between leaves nothing either', async () => {
  people(500);
  const stop = new AbortController();
  const progress = () => stop.abort();
  await expect(gather(from(), () => {}, { signal: stop.signal, progress })).rejects.toThrow();
  expect(gatheredFiles(state)).toEqual([]);
});

test('what a process that died left half or wholly written goes, and nobody is missed', async () => {
  people(300);
  await gather(from(), () => {});
  writeFileSync(join(state, 'staging', 'customers', 'links-hubspot-contacts-20261101T000000Z-r1.csv.part'), 'hub');
  writeFileSync(
    join(state, 'staging', 'customers', 'other-hubspot-contacts-20261101T000000Z-r1.csv'),
    'of another job',
  );
  expect(gatheredFiles(state)).toHaveLength(3);
  await gather(from(), (gathered) => expect(customersIn(gathered)).toHaveLength(270), { run: 2 });
  expect(gatheredFiles(state).map((name) => name.replace(/\d{8}T\d{6}Z/, 'TIME'))).toEqual([
    'links-hubspot-contacts-TIME-r2.csv',
    'other-hubspot-contacts-TIME-r1.csv',
  ]);
});

test('a property that HubSpot does not have ends the gathering with what to do', async () => {
  people(1);
  await expect(gather(from({ property: 'shre_link' }), () => {})).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    hint: expect.stringContaining('shre_link'),
  });
});

test('the token is in no file and in no error', async () => {
  people(3);
  failOn(server, '/search', {
    kind: 'status',
    status: 401,
    body: '{"status":"error","category":"INVALID_AUTHENTICATION"}',
  });
  const error: unknown = await gather(from(), () => {}).catch((raw: unknown) => raw);
  expect(String(error)).not.toContain(server.token);
  await gather(from(), ({ file }) => expect(readFileSync(file?.path ?? '', 'utf8')).not.toContain(server.token));
});
