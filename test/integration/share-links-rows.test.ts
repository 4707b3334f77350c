import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ResultLine, readResults } from './support/e2e-results.ts';
import { csv, row } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, linksPerPerson, people } from './support/links-job.ts';

describe('customers of a file', { timeout: 300_000 }, () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    linksJob(world, 'links');
  });
  afterEach(() => world.close());

  const results = (name: string): ResultLine[] => readResults(world.read(`results/${name}.results.csv`));
  const ends = (name: string): string[] =>
    results(name).map(({ line, outcome, code }) => `${line} ${outcome} ${code}`.trim());

  it('a customer who comes again, under whatever name, is a duplicate, and its line has the link', async () => {
    world.drop('a.csv', customers('Ann@Example.com,7,Ann,Lee', 'ann@example.com ,7,Anna,Lee-Smith'));
    await world.run('links');
    world.drop('b.csv', customers('ANN@example.com,7,A.,Smith', 'bo@example.com,8,Bo,Ray'));
    const { code, run } = await world.run('links');
    expect(code).toBe(0);
    expect(run).toMatchObject({ read: 2, delivered: 1, duplicate: 1, conflict: 0, balanced: true });
    expect(ends('a.csv')).toEqual(['2 delivered', '3 duplicate DUPLICATE_IN_FILE']);
    expect(ends('b.csv')).toEqual(['2 duplicate DUPLICATE', '3 delivered']);
    const [first] = results('a.csv');
    expect(results('b.csv')[0]?.eventId).toBe(first?.eventId);
    expect(results('a.csv')[1]?.eventId).toBe(first?.eventId);
    expect(linksPerPerson(world).size).toBe(2);
  });

  it('a person needs an e-mail or an id that is one: the rest is rejected, each line for its reason', async () => {
    linksJob(world, 'links', { file: { maxRejected: 1 } });
    const long = `${'a'.repeat(60)}@a-long-domain-name.example.com`;
    world.drop(
      'c.csv',
      customers(
        `${long},,L,L`,
        ',12345678901234567890,I,D',
        'no address,3,N,A',
        ',,N,N',
        'n/a,NULL,X,X',
        ',1.23E+14,S,S',
      ),
    );
    const { run } = await world.run('links');
    expect(run).toMatchObject({ read: 6, delivered: 1, rejected: 5, balanced: true });
    expect(ends('c.csv')).toEqual([
      '2 delivered',
      '3 rejected PERSON_NOT_FOUND',
      '4 rejected EMAIL_INVALID',
      '5 rejected IDENTITY_MISSING',
      '6 rejected IDENTITY_MISSING',
      '7 rejected KEY_SCIENTIFIC',
    ]);
    expect(ledgerLinks(world).map(({ person }) => person)).toEqual([long]);
  });

  it('people known by an id alone get links where the account makes people by it', async () => {
    await world.close();
    world = await openWorld({ extole: { links: { identity: 'any', shareables: { withoutEmail: true } } } });
    linksJob(world, 'links', {
      customers: { email: null },
      links: { person: { findBy: ['partner_user_id'], identity: 'partner_user_id' } },
    });
    world.drop('c.csv', customers(',0070,Ann,Lee', ',0071,Bo,Ray', ',0070,Ann,Lee'));
    const { run } = await world.run('links');
    expect(run, world.read('results/c.csv.results.csv').toString()).toMatchObject({
      delivered: 2,
      duplicate: 1,
      balanced: true,
    });
    expect(ledgerLinks(world).map(({ person, email, partner_user_id }) => [person, email, partner_user_id])).toEqual([
      ['0070', null, '0070'],
      ['0071', null, '0071'],
    ]);
  });

  it('a list of orders, in which people come several times, is no mistake; one in which all rows are one person is', async () => {
    const orders = people('ann', 10).flatMap((row) => [row, row, row, row]);
    world.drop('orders.csv', customers(...orders));
    expect((await world.run('links')).run).toMatchObject({ delivered: 10, duplicate: 30 });
    world.drop('same.csv', customers(...new Array(40).fill('one@example.com,1,One,One')));
    const { run } = await world.run('links');
    expect(run.files[0]).toMatchObject({ state: 'held', code: 'KEY_NOT_UNIQUE', held: 40 });
    expect(ledgerLinks(world)).toHaveLength(10);
  });

  it('a file whose ids a spreadsheet has rounded is held, also where the e-mail is what people are known by', async () => {
    const rounded = Array.from({ length: 12 }, (_, n) => `p${n}@example.com,${100_000_000_000_000 + n}0000,P,P`);
    world.drop('rounded.csv', customers(...rounded));
    const { run } = await world.run('links');
    expect(run.files[0]).toMatchObject({ state: 'held', code: 'KEY_ROUNDED', held: 12 });
    const report = world.files('reports').find((name) => name.endsWith('.html')) ?? '';
    expect(world.read(`reports/${report}`).toString()).toContain('customers.rounded: accept');
    expect(world.extole.links.shareables).toHaveLength(0);
  });

  it('where several profiles may be meant, the row is held with what to do, and sent once a person released it', async () => {
    const { links } = world.extole;
    links.addPerson({ email: 'ann0@example.com' });
    links.addPerson({ keys: { partner_user_id: 'ann-0' } });
    world.drop('c.csv', customers(...people('ann', 3)));
    const { code, run } = await world.run('links');
    expect(code).toBe(3);
    expect(run).toMatchObject({ delivered: 2, held: 1, balanced: true });
    const held = await world.cli(['held', '--json']);
    expect(held.stdout).toContain('PROFILE_MISMATCH');
    expect(results('c.csv')[0]).toMatchObject({ outcome: 'held', code: 'PROFILE_MISMATCH' });
    // It is asked for again, and is as it was: the row waits on.
    const again = await world.cli(['release', 'p1', '--reason', 'merged at Extole', '--json']);
    expect([again.code, ledgerLinks(world).length], again.stderr).toEqual([3, 2]);
    linksJob(world, 'links', { links: { person: { findBy: ['email'] } } });
    const released = await world.cli(['release', 'p1', '--reason', 'the e-mail counts', '--json']);
    expect(released.code, released.stderr).toBe(0);
    const after = readResults(world.read('results/c.csv.results.r2.csv'));
    expect(after.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(ledgerLinks(world)).toHaveLength(3);
  });

  it('a code is made of columns, and the ledger keeps no name of the customer', async () => {
    linksJob(world, 'links', { links: { code: { template: '{first_name}{last}' }, data: { since: '{last}' } } });
    world.drop('c.csv', customers('ann@example.com,7,Ann,Lee'));
    const { run, stderr } = await world.run('links');
    expect(run.delivered, stderr).toBe(1);
    expect(ledgerLinks(world)[0]).toMatchObject({ code: 'AnnLee', key: expect.stringMatching(/^refer-a-friend-\d+$/) });
    expect(world.extole.links.shareables[0]).toMatchObject({ code: 'AnnLee' });
  });

  it('a link that is there is adopted, whoever made it', async () => {
    const id = world.extole.links.addPerson({ email: 'ann0@example.com', keys: { partner_user_id: 'ann-0' } });
    world.extole.links.putShareable({ personId: id, label: 'refer-a-friend', code: 'old-one' });
    world.drop('c.csv', customers(...people('ann', 2)));
    await world.run('links');
    expect(ledgerLinks(world).map(({ code, came_by }) => [code, came_by])).toEqual([
      ['old-one', 'adopted'],
      [expect.any(String), 'created'],
    ]);
  });

  it('a token that is refused halts the run; the people stay open, and the next run goes on', async () => {
    world.drop('c.csv', customers(...people('ann', 5)));
    const { code, run } = await world.run('links', { EXTOLE_TOKEN: 'wrong' });
    expect(code).toBe(4);
    expect(run).toMatchObject({ open: 5, halted: { code: 'UNAUTHORIZED' } });
    expect((await world.run('links')).run).toMatchObject({ delivered: 5, open: 0, balanced: true });
    expect([...linksPerPerson(world).values()]).toEqual([1, 1, 1, 1, 1]);
  });

  it('a file that was begun under another label goes on under that; a new one gets links of the new label', async () => {
    world.drop('a.csv', customers(...people('ann', 3)));
    await world.run('links', { EXTOLE_TOKEN: 'wrong' });
    linksJob(world, 'links', { links: { label: 'gift' } });
    world.drop('b.csv', customers(...people('ann', 3).reverse()));
    const { run, stderr } = await world.run('links');
    expect(run, stderr).toMatchObject({ delivered: 6 });
    const labels = world.extole.links.shareables.map(({ label }) => label).sort();
    expect(labels).toEqual(['gift', 'gift', 'gift', 'refer-a-friend', 'refer-a-friend', 'refer-a-friend']);
  });

  it('a dry run says how long it would take, and makes nothing; explain finds a customer', async () => {
    linksJob(world, 'links', { destination: { extole: { requestsPerMinute: 100 } } });
    const path = join(world.root, 'many.csv');
    writeFileSync(path, customers(...people('ann', 6000)));
    const { stdout, code, stderr } = await world.cli(['run', 'links', '--file', path, '--dry-run']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/would send 6000 .*lane links/);
    expect(stdout).toMatch(/takes: 6,000 people at 100 requests a minute: 3 h to 4 h; the bulk path is minutes/);
    expect(world.extole.links.shareables).toHaveLength(0);
    linksJob(world, 'links');
    world.drop('c.csv', customers(...people('ann', 2)));
    await world.run('links');
    // By e-mail in any spelling, however long, and by the id beside it.
    const long = `${'a'.repeat(60)}@a-long-domain-name.example.com`;
    world.drop('d.csv', customers(`${long},m-long,L,L`));
    await world.run('links');
    const links = new Map(ledgerLinks(world).map(({ person, link }) => [person, link]));
    for (const [given, person] of [
      ['Ann1@Example.com', 'ann1@example.com'],
      ['ann-1', 'ann1@example.com'],
      [long, long],
    ] as const) {
      const explained = await world.cli(['explain', given]);
      expect(explained.code, explained.stderr).toBe(0);
      expect(explained.stdout).toContain(links.get(person));
    }
    // The id of a customer is the key of an event, too: both are told.
    world.job('feed', { source: { match: '*.txt' }, file: { format: 'csv' } });
    world.drop('e.txt', csv([row('ann-1')]));
    await world.run('feed');
    const { rows, key } = (await world.cli(['explain', 'ann-1', '--json'])).json();
    expect(key).toBe('ann-1');
    expect(rows).toMatchObject([
      { key: 'ann-1', outcome: 'delivered', file: { name: 'e.txt' } },
      {
        key: 'ann1@example.com',
        outcome: 'delivered',
        file: { name: 'c.csv' },
        eventId: links.get('ann1@example.com'),
      },
    ]);
  });
});
