import { afterEach, describe, expect, test } from 'vitest';
import { called, closeAll, failOn, hubspot, kinds, links, people, person, signal, standIn } from './hubspot-setup.ts';

afterEach(closeAll);

const MESSY_READ = { kind: 'body', accept: false, body: '{"status":"COMPLETE","results":[]}' } as const;

describe('contacts brought up to date', () => {
  test('known contacts are updated by record id, the others made, in three calls for a hundred', async () => {
    const server = await standIn();
    const known = server.contacts.add({ email: 'p7@example.com', firstname: 'Ann', share_code: 'ann07' });
    const sender = hubspot(server);
    expect(sender.maxBatchSize).toBe(100);
    const answers = await sender.send(people(100), signal);
    expect(new Set(kinds(answers))).toEqual(new Set(['accepted']));
    expect(answers[6]).toEqual({
      kind: 'accepted',
      proof: { kind: 'person_id', eventId: known.id, personId: known.id },
      http: 200,
    });
    expect(called(server)).toEqual(['read', 'update', 'create']);
    expect(known.properties).toMatchObject({
      firstname: 'Ann',
      share_code: 'ann07',
      share_link: 'https://share.example.com/p7',
    });
    expect(server.contacts.all()).toHaveLength(100);
    expect(links(server)['p100@example.com']).toBe('https://share.example.com/p100');
  });

  test('a second time changes nothing and makes nobody', async () => {
    const server = await standIn();
    const sender = hubspot(server);
    await sender.send(people(5), signal);
    const before = links(server);
    expect(kinds(await sender.send(people(5), signal))).toEqual(Array(5).fill('accepted'));
    expect(links(server)).toEqual(before);
    expect(called(server)).toEqual(['read', 'create', 'read', 'update']);
  });

  test('a contact is known by an additional address, and keeps its own', async () => {
    const server = await standIn();
    const contact = server.contacts.add({
      email: 'ann@example.org',
      hs_additional_emails: 'old@example.com;p1@example.com',
    });
    expect(kinds(await hubspot(server).send([person(1)], signal))).toEqual(['accepted']);
    expect(server.contacts.all()).toHaveLength(1);
    expect(contact.properties).toMatchObject({ email: 'ann@example.org', share_link: 'https://share.example.com/p1' });
  });

  test('two persons who are one contact at HubSpot are written one after the other', async () => {
    const server = await standIn();
    const contact = server.contacts.add({ email: 'p1@example.com', hs_additional_emails: 'p3@example.com' });
    expect(kinds(await hubspot(server).send(people(3), signal))).toEqual(Array(3).fill('accepted'));
    expect(called(server)).toEqual(['read', 'update', 'update', 'create']);
    expect(contact.properties.share_link).toBe('https://share.example.com/p3');
  });

  test('who has no e-mail, or an unknown one, is found by the property with our own id', async () => {
    const server = await standIn();
    const sender = hubspot(server, { userIdProperty: 'member_id' });
    await sender.ensureProperties([{ name: 'member_id', label: 'Member', unique: true }], signal);
    const byId = server.contacts.add({ member_id: '007' });
    const moved = server.contacts.add({ email: 'old@example.com', member_id: '008' });
    const answers = await sender.send(
      [
        { userId: '007', fields: { share_link: 'https://a' } },
        { ...person(8), userId: '008' },
        { ...person(9), userId: '009' },
        { userId: '010', fields: { share_link: 'https://d' } },
      ],
      signal,
    );
    expect(kinds(answers)).toEqual(Array(4).fill('accepted'));
    expect(byId.properties.share_link).toBe('https://a');
    expect(moved.properties).toMatchObject({ email: 'old@example.com', share_link: 'https://share.example.com/p8' });
    const made = server.contacts.all().slice(2);
    expect(made.map(({ properties: { email, member_id } }) => [email, member_id])).toEqual([
      ['p9@example.com', '009'],
      [undefined, '010'],
    ]);
    expect(server.contacts.all()).toHaveLength(4);
  });

  test('without such a property, a profile without an e-mail is rejected and the others are sent', async () => {
    const server = await standIn();
    const answers = await hubspot(server).send(
      [{ userId: '007', fields: { share_link: 'https://a' } }, person(1)],
      signal,
    );
    expect(answers[0]).toMatchObject({ kind: 'rejected', code: 'NO_IDENTIFIER' });
    expect(links(server)).toEqual({ 'p1@example.com': 'https://share.example.com/p1' });
  });

  test('empty text is never sent, since it would clear a property', async () => {
    const server = await standIn();
    const known = server.contacts.add({ email: 'p1@example.com', share_code: 'ann01' });
    const only = server.contacts.add({ email: 'p2@example.com', share_code: 'bob02' });
    const batch = [person(1, { share_code: '' }), { email: 'p2@example.com', fields: { share_code: '' } }];
    expect(kinds(await hubspot(server).send(batch, signal))).toEqual(['accepted', 'accepted']);
    expect(known.properties).toMatchObject({ share_code: 'ann01', share_link: 'https://share.example.com/p1' });
    expect(only.properties.share_code).toBe('bob02');
    expect(JSON.stringify(server.received.map(({ body }) => body))).not.toContain('""');
  });

  test('with createMissing false nobody is made', async () => {
    const server = await standIn();
    server.contacts.add({ email: 'p1@example.com' });
    const answers = await hubspot(server, { createMissing: false }).send(people(2), signal);
    expect(answers[1]).toMatchObject({ kind: 'rejected', code: 'CONTACT_MISSING' });
    expect(links(server)).toEqual({ 'p1@example.com': 'https://share.example.com/p1' });
  });
});

describe('what HubSpot refuses', () => {
  test.each([
    ['row by row', true, 2],
    ['as a whole', false, 2 + 2 * Math.ceil(Math.log2(100))],
  ])(
    'of a hundred contacts with one bad address, refused %s, ninety-nine are made',
    async (_how, multiStatus, most) => {
      const server = await standIn({ batches: { multiStatus } });
      const batch = people(100).map((profile, i) => (i === 41 ? { ...profile, email: 'nobody@nowhere' } : profile));
      const answers = await hubspot(server).send(batch, signal);
      expect(answers[41]).toMatchObject({
        kind: 'rejected',
        code: 'INVALID_EMAIL',
        reason: 'Email address (not shown) is invalid',
      });
      expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(99);
      expect(server.contacts.all()).toHaveLength(99);
      expect(server.received.length).toBeLessThanOrEqual(most);
    },
  );

  test.each([
    ['row by row', true],
    ['as a whole', false],
  ])('one bad value among known contacts, refused %s, leaves the others written', async (_how, multiStatus) => {
    const server = await standIn({ batches: { multiStatus } });
    for (const { email = '' } of people(20)) server.contacts.add({ email });
    const batch = people(20).map((profile, i) => (i === 7 ? person(8, { company: 'x'.repeat(70_000) }) : profile));
    const answers = await hubspot(server).send(batch, signal);
    expect(answers[7]).toMatchObject({ kind: 'rejected', code: 'INVALID_LENGTH' });
    expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(19);
    expect(Object.values(links(server)).filter((link) => link !== undefined)).toHaveLength(19);
  });

  test.each([
    ['row by row', true],
    ['as a whole', false],
  ])('contacts that were made meanwhile are taken, refused %s', async (_how, multiStatus) => {
    const server = await standIn({ batches: { multiStatus } });
    const known = server.contacts.add({ email: 'p2@example.com', firstname: 'Bob' });
    failOn(server, '/read', MESSY_READ);
    const answers = await hubspot(server).send(people(3), signal);
    expect(kinds(answers)).toEqual(Array(3).fill('accepted'));
    expect(known.properties).toMatchObject({ firstname: 'Bob', share_link: 'https://share.example.com/p2' });
    expect(server.contacts.all()).toHaveLength(3);
  });

  test('the contact of somebody else, which merely stands in the way, is never written to', async () => {
    const server = await standIn();
    const sender = hubspot(server);
    await sender.ensureProperties([{ name: 'unique_code', label: 'Code', unique: true }], signal);
    const other = server.contacts.add({ email: 'other@example.com', unique_code: 'ann01' });
    const answers = await sender.send([person(1, { unique_code: 'ann01' }), person(2)], signal);
    expect(answers[0]).toMatchObject({ kind: 'rejected', code: 'CONTACT_CONFLICT' });
    expect(answers[1]?.kind).toBe('accepted');
    expect(other.properties.share_link).toBeUndefined();
  });

  test('a property that HubSpot lacks stops everything after one refusal, and is named', async () => {
    const server = await standIn();
    for (const { email = '' } of people(50)) server.contacts.add({ email });
    const batch = people(50).map((profile) => ({ ...profile, fields: { shre_link: 'https://a' } }));
    const answers = await hubspot(server).send(batch, signal);
    expect(answers).toHaveLength(50);
    expect(answers[49]).toMatchObject({
      kind: 'halted',
      code: 'PROPERTY_UNUSABLE',
      reason: expect.stringContaining('shre_link'),
    });
    expect(server.received.length).toBeLessThanOrEqual(3);
  });

  test('what it says of a row is told without the person', async () => {
    const server = await standIn({
      batches: {
        refuses: ({ email, share_link }) => ({
          status: 400,
          category: 'VALIDATION_ERROR',
          message: `no ${email} with ${share_link}, call +1 202 555 0143`,
        }),
      },
    });
    const [answer] = await hubspot(server).send([person(1)], signal);
    expect(answer).toEqual({
      kind: 'rejected',
      code: 'VALIDATION_ERROR',
      reason: 'no (not shown) with (not shown), call (not shown)',
      http: 207,
    });
  });
});
