import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ledgerSource } from '../../src/jobs/customer-sources.ts';
import { beginKeysPruned, deleteKeys } from '../../src/ledger/prune.ts';
import type { CustomersFrom } from '../../src/pipelines/export-share-links/sources/gather.ts';
import { encryptTo, makeKeys } from './support/e2e-pgp.ts';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customersIn, gatheredFiles, gatherWith } from './support/gathering.ts';
import { fromFile } from './support/usual-job.ts';

let world: World;

beforeEach(async () => {
  world = await openWorld();
  world.job('feed');
});
afterEach(() => world.close());

const from = (settings: object = {}): CustomersFrom => ({
  from: 'ledger',
  ledger: ledgerSource.parse({ jobs: ['feed'], ...settings }),
});

const emails = (list: readonly Record<string, string>[]): string[] => list.map(({ email = '' }) => email);
const gather = (customers: CustomersFrom, work: Parameters<typeof gatherWith>[3]) =>
  gatherWith(world.ledger, world.state, customers, work);

test('everybody of whom a row was delivered is a customer once, with the fields that are asked for', async () => {
  world.drop('a.csv', csv([row('A-1'), row('A-2', { email: 'no address' }), row('A-3')]));
  await world.run('feed');
  await gather(from({ columns: ['cart_value'] }), async (gathered) => {
    const { amount } = row('A-1');
    expect(customersIn(gathered)[0]).toEqual({
      email: 'a-1@private.example',
      partner_user_id: 'M-A-1',
      cart_value: amount,
    });
    expect(emails(customersIn(gathered))).toEqual(['a-1@private.example', 'a-3@private.example']);
    expect(gathered.file).toMatchObject({
      name: expect.stringMatching(/^links-delivered-customers-\d{8}T\d{6}Z-r1\.csv$/),
    });
    await gathered.file?.taken();
  });
  expect(gatheredFiles(world.state)).toEqual([]);
  await gather(from(), (gathered) => expect(gathered).toEqual({ notices: [] }));
  world.drop('b.csv', csv(rows('B', 2)));
  await world.run('feed');
  await gather(from(), (gathered) =>
    expect(emails(customersIn(gathered))).toEqual(['b-0001@private.example', 'b-0002@private.example']),
  );
});

test('what was gathered and not taken comes again, and nothing of it is left twice on the disk', async () => {
  world.drop('a.csv', csv(rows('A', 3)));
  await world.run('feed');
  await gather(from(), () => {});
  expect(gatheredFiles(world.state)).toHaveLength(1);
  await gather(from(), (gathered) => expect(customersIn(gathered)).toHaveLength(3));
  expect(gatheredFiles(world.state)).toHaveLength(1);
});

test('a row that is delivered later than others of its file comes alone', async () => {
  let refuse = true;
  await world.close();
  world = await openWorld({
    faults: ({ body }) => (refuse && JSON.stringify(body).includes('A-0002') ? '429' : undefined),
  });
  world.job('feed', { delivery: { maxAttempts: 1, backoff: { first: '1ms', cap: '1ms' } } });
  world.drop('a.csv', csv(rows('A', 3)));
  await world.run('feed');
  await gather(from(), async (gathered) => {
    expect(emails(customersIn(gathered))).toEqual(['a-0001@private.example', 'a-0003@private.example']);
    await gathered.file?.taken();
  });
  refuse = false;
  await world.run('feed');
  await gather(from(), (gathered) => expect(emails(customersIn(gathered))).toEqual(['a-0002@private.example']));
});

test('where the clock was set back in between, people come twice rather than never', async () => {
  world.drop('a.csv', csv(rows('A', 3)));
  await world.run('feed');
  await gather(from(), async (gathered, ledger) => {
    await gathered.file?.taken();
    ledger.db.prepare('UPDATE link_sources SET delivered = 2').run();
  });
  await gather(from(), (gathered) => expect(customersIn(gathered)).toHaveLength(3));
});

test('events that are not asked for make nobody a customer', async () => {
  world.drop('a.csv', csv(rows('A', 2)));
  await world.run('feed');
  await gather(from({ events: ['account_closed'] }), (gathered) => expect(gathered.file).toBeUndefined());
  await gather(from({ events: ['account_opened'] }), (gathered) => expect(customersIn(gathered)).toHaveLength(2));
});

test('rows whose staged copy is gone are counted and told of once', async () => {
  world.drop('a.csv', csv(rows('A', 2)));
  world.drop('b.csv', csv(rows('B', 1)));
  await world.run('feed');
  rmSync(join(world.state, 'staging', 'p1'), { recursive: true });
  await gather(from(), async (gathered) => {
    expect(customersIn(gathered)).toHaveLength(1);
    expect(gathered.notices).toEqual([
      { code: 'CUSTOMERS_PRUNED', message: expect.stringMatching(/^2 delivered rows of a\.csv \(job feed\)/) },
    ]);
    await gathered.file?.taken();
  });
  await gather(from(), (gathered) => expect(gathered).toEqual({ notices: [] }));
});

test('a file whose keys went with time is not told of again with each run, nor as fewer than none', async () => {
  world.drop('a.csv', csv(rows('A', 3)));
  await world.run('feed');
  await gather(from(), async (gathered, ledger) => {
    await gathered.file?.taken();
    // As much as was delivered by then; more was delivered later, and then all of it became too old.
    ledger.db.prepare('UPDATE link_sources SET delivered = 2').run();
    ledger.db.prepare('UPDATE processings SET pruned_at = 1').run();
    beginKeysPruned(ledger, 1, 1);
    expect(deleteKeys(ledger, 1, 10)).toBe(3);
  });
  await gather(from(), (gathered) => expect(gathered).toEqual({ notices: [] }));
});

test('a staged copy that cannot be read is told of, keeps nobody else waiting, and is tried again', async () => {
  world.drop('a.csv', csv(rows('A', 2)));
  world.drop('b.csv', csv(rows('B', 1)));
  await world.run('feed');
  const input = join(world.state, 'staging', 'p1', 'input');
  writeFileSync(input, 'id,email\n"');
  for (let n = 0; n < 2; n++)
    await gather(from(), async (gathered) => {
      expect(customersIn(gathered)).toHaveLength(n === 0 ? 1 : 0);
      expect(gathered.notices).toMatchObject([{ code: 'CUSTOMERS_UNREADABLE' }]);
      await gathered.file?.taken();
    });
  expect(existsSync(input)).toBe(true);
});

test('many rows are written in batches, each once', async () => {
  world.drop('a.csv', csv(rows('A', 1200)));
  await world.run('feed');
  await gather(from(), (gathered) => {
    const list = customersIn(gathered);
    expect(new Set(emails(list)).size).toBe(1200);
    expect(list).toHaveLength(1200);
  });
});

test('people of files that come encrypted are read with the key that the job is given', async () => {
  const partner = await makeKeys(world.root, 'ours');
  world.job('feed', { source: { match: '*.csv*' }, file: { pgp: { privateKey: fromFile(partner.secret) } } });
  world.drop('a.csv.pgp', await encryptTo(partner, csv(rows('A', 2))));
  expect((await world.run('feed')).run).toMatchObject({ delivered: 2 });
  await gather(from(), (gathered) => {
    expect(gathered.file).toBeUndefined();
    expect(gathered.notices).toMatchObject([
      { code: 'CUSTOMERS_UNREADABLE', message: expect.stringContaining('give customers.ledger.pgp the private key') },
    ]);
  });
  const pgp = { privateKey: readFileSync(partner.secret, 'utf8'), allowPlaintextUploads: true };
  await gather(from({ pgp }), (gathered) =>
    expect(emails(customersIn(gathered))).toEqual(['a-0001@private.example', 'a-0002@private.example']),
  );
});
