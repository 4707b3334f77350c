import { afterEach, expect, test } from 'vitest';
import type { FoundContact } from '../../src/destinations/hubspot/search.ts';
import { closeAll, failOn, hubspot, signal, standIn } from './hubspot-setup.ts';

afterEach(closeAll);

async function allOf(found: AsyncGenerator<FoundContact>): Promise<FoundContact[]> {
  const list: FoundContact[] = [];
  for await (const contact of found) list.push(contact);
  return list;
}

test('contacts without a share link are found, each once, beyond the 10,000 results of a search', async () => {
  const server = await standIn();
  const without: string[] = [];
  for (let n = 0; n < 10_600; n += 1) {
    const has = n % 30 === 0;
    const { id } = server.contacts.add({ email: `P${n}@example.com`, ...(has ? { share_link: 'https://a' } : {}) });
    if (!has) without.push(id);
  }
  const sender = hubspot(server, { searchesPerSecond: 100, requestsPer10Seconds: 10_000 });
  const found = await allOf(sender.contactsWithout('share_link', signal));
  expect(found.map(({ id }) => id)).toEqual(without);
  expect(found[0]).toEqual({ id: '102', email: 'p1@example.com', properties: {} });
  const searches = server.received.map(({ body }) => JSON.stringify(body));
  expect(searches.filter((body) => body.includes('"after"'))).toEqual([]);
  expect(server.received.map(({ status }) => status)).not.toContain(400);
}, 20_000);

test('it goes on after the record at which an earlier search left off, and reads what else is asked for', async () => {
  const server = await standIn();
  for (let n = 1; n <= 5; n += 1)
    server.contacts.add({ email: `p${n}@example.com`, firstname: `Ann ${n}`, phone: `${n}` });
  const found = await allOf(
    hubspot(server, { userIdProperty: 'phone' }).contactsWithout('share_link', signal, {
      after: '103',
      properties: ['firstname'],
    }),
  );
  expect(found).toEqual([
    {
      id: '104',
      email: 'p4@example.com',
      userId: '4',
      properties: { firstname: 'Ann 4' },
    },
    {
      id: '105',
      email: 'p5@example.com',
      userId: '5',
      properties: { firstname: 'Ann 5' },
    },
  ]);
});

test('an index that is behind makes nobody come twice, and the search ends', async () => {
  const server = await standIn();
  for (let n = 1; n <= 450; n += 1) server.contacts.add({ email: `p${n}@example.com` });
  server.freezeIndex(true);
  const sender = hubspot(server, { searchesPerSecond: 100 });
  const found: string[] = [];
  for await (const { id, email = '' } of sender.contactsWithout('share_link', signal)) {
    found.push(id);
    // Written at once, while the index still shows it as one without.
    if (found.length % 150 === 0) await sender.send([{ email, fields: { share_link: 'https://a' } }], signal);
  }
  expect(found).toHaveLength(450);
  expect(new Set(found).size).toBe(450);
  server.freezeIndex(false);
  expect(await allOf(sender.contactsWithout('share_link', signal))).toHaveLength(447);
});

test.each([false, true])(
  'of a property that may not be there yet (with a code: %s), all contacts are without it, and that is told',
  async (searchesWithCode) => {
    const server = await standIn({ searchesWithCode });
    for (let n = 1; n <= 250; n += 1) server.contacts.add({ email: `p${n}@example.com` });
    let told = 0;
    const options = { unknownProperty: () => told++ };
    expect(await allOf(hubspot(server).contactsWithout('extole_link', signal, options))).toHaveLength(250);
    expect(await allOf(hubspot(server).contactsWithout('share_link', signal, options))).toHaveLength(250);
    expect(told).toBe(1);
  },
);

const refused = (category: string) =>
  ({ kind: 'status', status: 400, body: JSON.stringify({ status: 'error', category, message: 'no' }) }) as const;

test.each([
  ['what passes', 0, 'INTERNAL_ERROR', { code: 'INTERNAL_ERROR', retryable: true }],
  ['a no to a later page', 1, 'VALIDATION_ERROR', { code: 'VALIDATION_ERROR', retryable: false }],
] as const)('%s does not say that there is no such property', async (_what, pages, category, error) => {
  const server = await standIn();
  for (let n = 1; n <= 250; n += 1) server.contacts.add({ email: `p${n}@example.com` });
  let seen = 0;
  server.setFaults(({ path }) => (path.endsWith('/search') && seen++ === pages ? refused(category) : undefined));
  let told = 0;
  const found = hubspot(server).contactsWithout('share_link', signal, { unknownProperty: () => told++ });
  await expect(allOf(found)).rejects.toMatchObject(error);
  expect(told).toBe(0);
});

test('who has got a value, as the search itself shows, is passed over', async () => {
  const server = await standIn();
  for (let n = 1; n <= 3; n += 1) server.contacts.add({ email: `p${n}@example.com` });
  const results = [{ id: '101', properties: { share_link: 'https://a' } }];
  failOn(server, '/search', { kind: 'body', accept: false, body: JSON.stringify({ total: 3, results }) });
  const found = await allOf(hubspot(server).contactsWithout('share_link', signal));
  expect(found.map(({ id }) => id)).toEqual(['102', '103']);
});

test('searches keep to their own limit, and none is refused', async () => {
  const server = await standIn({ limits: { searches: 5, searchWindowMs: 500 } });
  for (let n = 1; n <= 1500; n += 1) server.contacts.add({ email: `p${n}@example.com` });
  const found = await allOf(hubspot(server, { searchesPerSecond: 10 }).contactsWithout('share_link', signal));
  expect(found).toHaveLength(1500);
  expect(server.received.map(({ status }) => status)).toEqual(Array(9).fill(200));
});

test('a search that fails in between is made again, and nobody is missed', async () => {
  const server = await standIn();
  for (let n = 1; n <= 450; n += 1) server.contacts.add({ email: `p${n}@example.com` });
  const busy = {
    kind: 'status',
    status: 429,
    body: '{"status":"error","policyName":"SECONDLY"}',
    headers: { 'retry-after': '1' },
  } as const;
  failOn(server, '/search', 'resetpre', '503pre', busy);
  expect(await allOf(hubspot(server).contactsWithout('share_link', signal))).toHaveLength(450);
});

test('a page that does not go on, or a property that is not there, ends it with an error that says what to do', async () => {
  const server = await standIn();
  server.contacts.add({ email: 'p1@example.com' });
  const sender = hubspot(server);
  await expect(allOf(sender.contactsWithout('shre_link', signal))).rejects.toMatchObject({
    code: 'VALIDATION_ERROR',
    retryable: false,
    message: expect.stringContaining('shre_link'),
    hint: expect.stringContaining('shre_link'),
  });
  const same = { kind: 'body', accept: false, body: '{"total":1,"results":[{"id":"101","properties":{}}]}' } as const;
  failOn(server, '/search', same, same);
  await expect(allOf(sender.contactsWithout('share_link', signal))).rejects.toMatchObject({ code: 'BAD_ANSWER' });
});

test('contact properties are made where they are missing, and left alone where not', async () => {
  const server = await standIn();
  const sender = hubspot(server);
  const properties = [
    { name: 'share_link', label: 'Share link' },
    { name: 'advocate_code', label: 'Advocate code' },
    { name: 'member_id', label: 'Member', unique: true },
  ];
  expect(await sender.ensureProperties(properties, signal)).toEqual({
    made: ['advocate_code', 'member_id'],
    present: ['share_link'],
  });
  expect(await sender.ensureProperties(properties, signal)).toMatchObject({ made: [] });
  expect(server.contacts.definitions.get('advocate_code')).toMatchObject({
    label: 'Advocate code',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
    hasUniqueValue: false,
  });
  expect(server.contacts.definitions.get('member_id')?.hasUniqueValue).toBe(true);
  const elsewhere = hubspot(server, { property: { group: 'extole' } });
  await expect(elsewhere.ensureProperties([{ name: 'x', label: 'X' }], signal)).rejects.toMatchObject({
    message: expect.stringContaining('the contact property x could not be made'),
    hint: expect.stringContaining('the group extole exists'),
  });
});
