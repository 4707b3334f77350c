import { afterEach, expect, test } from 'vitest';
import { type BulkWorld, openBulkWorld, people, tellLink } from './support/bulk-world.ts';
import { fates } from './support/e2e-results.ts';

let bulk: BulkWorld;

afterEach(() => bulk.world.close());

test('links that came by themselves count, and no report is asked for', async () => {
  bulk = await openBulkWorld({
    extole: { links: { onEvents: {} } },
    job: {
      receive: { key: 'a key that Extole has' },
      links: { bulk: { collect: 'webhooks', upload: { wait: '0s' } } },
    },
  });
  bulk.world.drop('a.csv', people('ann', 'ben'));
  await bulk.world.run('links');
  await tellLink(bulk, { email: 'ANN@example.com', link: 'https://share.acme.example/ann' });
  await tellLink(bulk, { partnerUserId: 'C-ben', link: 'https://share.acme.example/ben' });
  const { run } = await bulk.world.run('links');
  // By the id alone nobody can tell that it is Ben, whom the file has with an e-mail.
  expect(run).toMatchObject({ delivered: 1, open: 1 });
  await tellLink(bulk, { email: 'ben@example.com', partnerUserId: 'C-ben', link: 'https://share.acme.example/ben' });
  expect((await bulk.world.run('links')).run).toMatchObject({ delivered: 1, open: 0, balanced: true });
  expect(fates(bulk.results())).toEqual(['2 delivered', '3 delivered']);
  expect(bulk.world.extole.links.reportsMade).toBe(0);
});
