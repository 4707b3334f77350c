import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { closeAll, standIn } from './hubspot-setup.ts';
import { type BulkWorld, openBulkWorld } from './support/bulk-world.ts';
import { fates, readResults } from './support/e2e-results.ts';

const TEXT = { type: 'string', fieldType: 'text', groupName: 'contactinformation' };
const MEMBER = { ...TEXT, name: 'member_id', label: 'Member' };

let opened: BulkWorld;
let hubspot: Awaited<ReturnType<typeof standIn>>;

beforeEach(async () => {
  hubspot = await standIn();
  const where = { account: 'acme', token: hubspot.token, url: hubspot.url, allowPrivateAddresses: true };
  const reach = { ...where, userIdProperty: 'member_id' };
  opened = await openBulkWorld({
    job: {
      links: { bulk: null },
      source: { match: null },
      customers: { from: 'hubspot', email: null, partnerUserId: null, hubspot: { ...reach, searchesPerSecond: 100 } },
      push: [{ provider: 'hubspot', ...reach }],
    },
  });
});

afterEach(async () => {
  await opened.world.close();
  await closeAll();
});

const withLedger = <T>(work: (db: Database.Database) => T): T => {
  const db = new Database(opened.world.ledger);
  try {
    return work(db);
  } finally {
    db.close();
  }
};
/** HubSpot's search shows by now what was pushed. */
const later = (): void => withLedger((db) => void db.exec('UPDATE push_rows SET at = at - 600000 WHERE at > 0'));
const linkOf = (email: string): unknown => hubspot.contacts.byValue('email', email)?.properties.share_link;
const emptied = (email: string): void => {
  delete hubspot.contacts.byValue('email', email)?.properties.share_link;
};
const pushResults = (): string[][] =>
  opened.world
    .files('results')
    .filter((name) => name.startsWith('push-'))
    .map((name) => fates(readResults(opened.world.read(`results/${name}`))))
    .sort((one, other) => other.length - one.length);

test('a contact that is deleted and made anew, and one whose property was emptied, get their link again, once', async () => {
  hubspot.contacts.add({ email: 'ann@example.com' });
  hubspot.contacts.add({ email: 'Ben@example.com' });
  hubspot.contacts.add({ email: 'cid@example.com' });
  await opened.world.run('links');
  const before = await opened.known();
  expect(linkOf('ann@example.com')).toBe(before['ann@example.com']);
  later();

  const ann = hubspot.contacts.byValue('email', 'ann@example.com')?.id ?? '';
  hubspot.contacts.remove(ann);
  hubspot.contacts.add({ email: 'ann@example.com' });
  emptied('ben@example.com');
  const second = await opened.world.run('links');
  expect(second.run).toMatchObject({
    ...{ delivered: 0, duplicate: 2, open: 0, balanced: true },
    pushes: [{ state: 'done', balanced: true, counts: { read: 2, delivered: 2, open: 0 } }],
  });
  expect(await opened.known()).toEqual(before);
  expect(linkOf('ann@example.com')).toBe(before['ann@example.com']);
  expect(linkOf('ben@example.com')).toBe(before['ben@example.com']);
  expect(pushResults()).toEqual([
    ['2 delivered', '3 delivered', '4 delivered'],
    ['2 delivered', '3 delivered'],
  ]);

  expect((await opened.world.run('links')).run).not.toHaveProperty('pushes');
});

test('what a run that died has noted is pushed by the next one, also where HubSpot lists nobody then', async () => {
  hubspot.contacts.add({ email: 'ann@example.com' });
  await opened.world.run('links');
  later();
  emptied('ann@example.com');
  const died = await opened.world.cli(['run', 'links', '--json'], { REFERRY_CRASH_AT: 'push-answered:1' });
  expect(died.signal).toBe('SIGKILL');
  expect(withLedger((db) => db.prepare('SELECT outcome FROM push_rows').pluck().all())).toEqual(['failed']);
  const { run } = await opened.world.run('links');
  expect(run).toMatchObject({
    pushes: [{ state: 'done', balanced: true, counts: { read: 1, delivered: 1, open: 0 } }],
  });
  expect(linkOf('ann@example.com')).toBe((await opened.known())['ann@example.com']);
  expect(pushResults()).toEqual([['2 delivered'], ['2 delivered']]);
});

test('who was given a link a moment ago is not given it again: the search of HubSpot is seconds behind', async () => {
  hubspot.contacts.add({ email: 'ann@example.com' });
  await opened.world.run('links');
  emptied('ann@example.com');
  expect((await opened.world.run('links')).run).not.toHaveProperty('pushes');
});

test('a contact without e-mail that has the id of another one does not have the other pushed again, run after run', async () => {
  hubspot.contacts.define({ ...MEMBER, hasUniqueValue: false });
  hubspot.contacts.add({ email: 'ann@example.com', member_id: 'm1' });
  const double = hubspot.contacts.add({ member_id: 'm1' });
  await opened.world.run('links');
  expect(linkOf('ann@example.com')).toBe((await opened.known())['ann@example.com']);
  later();
  const { run } = await opened.world.run('links');
  expect(run).not.toHaveProperty('pushes');
  expect(double.properties).not.toHaveProperty('share_link');
});

test('a contact that lost its e-mail and its link gets the link again, by its record', async () => {
  hubspot.contacts.define({ ...MEMBER, hasUniqueValue: true });
  const contact = hubspot.contacts.add({ email: 'ann@example.com', member_id: 'm1' });
  await opened.world.run('links');
  later();
  expect(hubspot.contacts.update(contact, { email: '', share_link: '' })).toBeUndefined();
  expect((await opened.world.run('links')).run).toMatchObject({
    pushes: [{ state: 'done', balanced: true, counts: { read: 1, delivered: 1, open: 0 } }],
  });
  expect(contact.properties.share_link).toBe((await opened.known())['ann@example.com']);
});

test('a property that was deleted in HubSpot is made again by the push, and everybody gets their link in it', async () => {
  hubspot.contacts.add({ email: 'ann@example.com' });
  hubspot.contacts.add({ email: 'ben@example.com' });
  await opened.world.run('links');
  later();
  hubspot.contacts.undefine('share_link');
  expect((await opened.world.run('links')).run).toMatchObject({
    notices: [{ code: 'PROPERTY_MISSING' }],
    pushes: [{ state: 'done', balanced: true, counts: { read: 2, delivered: 2, open: 0 } }],
  });
  const known = await opened.known();
  expect(linkOf('ann@example.com')).toBe(known['ann@example.com']);
  expect(linkOf('ben@example.com')).toBe(known['ben@example.com']);
});
