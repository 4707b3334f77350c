import { afterEach, expect, test } from 'vitest';
import { closeAll, standIn } from './hubspot-setup.ts';
import { type BulkWorld, openBulkWorld } from './support/bulk-world.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { gatheredFiles } from './support/gathering.ts';

let opened: BulkWorld;

afterEach(async () => {
  await opened.world.close();
  await closeAll();
});

const oneByOne = { links: { bulk: null } };
const linked = (): string[] =>
  opened.world.extole.links.shareables.map(
    ({ personId }) => opened.world.extole.links.person(personId)?.identity ?? '',
  );
const resultsOf = (stem: string) => {
  const names = opened.world.files('results').filter((name) => name.includes(stem) && name.endsWith('.results.csv'));
  return names.map((name) => readResults(opened.world.read(`results/${name}`)));
};

test('contacts of HubSpot without a link get one, and those who were gone through do not make another file', async () => {
  const hubspot = await standIn();
  hubspot.contacts.add({ email: 'ann@example.com', firstname: 'Ann' });
  hubspot.contacts.add({ email: 'ben@example.com', share_link: 'https://share.acme.example/ben' });
  for (const firstname of ['Nobody', 'No one', 'None']) hubspot.contacts.add({ firstname });
  opened = await openBulkWorld({
    job: {
      ...oneByOne,
      source: { match: null },
      customers: {
        from: 'hubspot',
        email: null,
        partnerUserId: null,
        hubspot: {
          account: 'acme',
          token: hubspot.token,
          url: hubspot.url,
          searchesPerSecond: 100,
          allowPrivateAddresses: true,
        },
      },
    },
  });
  const { run } = await opened.world.run('links');
  expect(run).toMatchObject({ delivered: 1, rejected: 3, held: 0, open: 0, balanced: true, halted: null });
  expect(linked()).toEqual(['ann@example.com']);
  const [results = []] = resultsOf('hubspot-contacts');
  expect(fates(results).slice(0, 2)).toEqual(['2 delivered', '3 rejected IDENTITY_MISSING']);
  expect(results[1]?.input).toMatch(/^103,,,Nobody/);
  expect(gatheredFiles(opened.world.state)).toEqual([]);
  const again = await opened.world.run('links');
  expect(again.run).toMatchObject({ read: 0, files: [], halted: null });
  hubspot.contacts.add({ email: 'cid@example.com' });
  const third = await opened.world.run('links');
  expect(third.run).toMatchObject({ delivered: 1, duplicate: 1, rejected: 3, balanced: true });
  expect(linked()).toEqual(['ann@example.com', 'cid@example.com']);
});

test('where HubSpot cannot be asked, the run says so, and what is known goes on', async () => {
  const hubspot = await standIn();
  const section = { account: 'acme', token: 'not-the-token', url: hubspot.url, allowPrivateAddresses: true };
  opened = await openBulkWorld({
    job: { ...oneByOne, customers: { from: 'hubspot', email: null, partnerUserId: null, hubspot: section } },
  });
  const { code, run } = await opened.world.run('links');
  expect(code).toBe(4);
  expect(run.halted).toMatchObject({
    code: 'UNAUTHORIZED',
    reason: expect.stringContaining('crm.objects.contacts.read'),
  });
});

const OF_ACCOUNTS = { from: 'ledger', email: null, partnerUserId: null, ledger: { jobs: ['feed'] } };

/** So many accounts were delivered, and the job makes links for whoever opened one. */
async function afterAccounts(count: number): Promise<BulkWorld['world']> {
  opened = await openBulkWorld({ job: { ...oneByOne, source: { match: null }, customers: OF_ACCOUNTS } });
  opened.world.job('feed');
  opened.world.drop('a.csv', csv(rows('A', count)));
  await opened.world.run('feed');
  return opened.world;
}

test('everybody whose account was opened gets a link with the next run, and nobody is gone through twice', async () => {
  const world = await afterAccounts(3);
  const { run } = await world.run('links');
  expect(run).toMatchObject({ delivered: 3, open: 0, balanced: true });
  expect(linked().sort()).toEqual(['a-0001@private.example', 'a-0002@private.example', 'a-0003@private.example']);
  expect((await world.run('links')).run).toMatchObject({ read: 0, files: [] });
  world.drop('b.csv', csv(rows('B', 1)));
  await world.run('feed');
  expect((await world.run('links')).run).toMatchObject({ read: 1, delivered: 1 });
  expect(gatheredFiles(world.state)).toEqual([]);
});

test('a run that dies while links are made has taken its customers, and the next one goes on with them alone', async () => {
  const world = await afterAccounts(4);
  const died = await world.cli(['run', 'links', '--json'], { REFERRY_CRASH_AT: 'committed:2' });
  expect(died.signal).toBe('SIGKILL');
  expect(gatheredFiles(world.state)).toEqual([]);
  const { run } = await world.run('links');
  expect(run.files).toHaveLength(1);
  expect(run).toMatchObject({ read: 4, delivered: 4, open: 0, balanced: true });
  expect(new Set(linked()).size).toBe(4);
  expect(world.extole.links.shareables).toHaveLength(4);
});

test('how files are read cannot be said where Referry writes them itself', async () => {
  opened = await openBulkWorld({ job: { ...oneByOne, customers: OF_ACCOUNTS, file: { delimiter: '|' } } });
  const wrong = await opened.world.cli(['check']);
  expect(wrong.stdout).toMatch(/file: .*written to a file by Referry itself/);
  opened.job({ ...oneByOne, customers: OF_ACCOUNTS });
  expect((await opened.world.cli(['check'])).stdout).not.toMatch(/file: /);
});

test('a dry run asks nobody for customers, and says so', async () => {
  opened = await openBulkWorld({ job: { ...oneByOne, customers: OF_ACCOUNTS } });
  opened.world.drop('not-ours.csv', 'a,b\n1,2\n');
  const { code, stdout } = await opened.world.cli(['run', 'links', '--dry-run']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^links: its rows do not come as files/);
});
