import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { type BulkWorld, openBulkWorld, people } from './support/bulk-world.ts';
import { fates } from './support/e2e-results.ts';

let bulk: BulkWorld;

afterEach(() => bulk.world.close());

const reports = (): unknown[] => {
  const db = new Database(bulk.world.ledger, { readonly: true });
  try {
    return db.prepare("SELECT job FROM link_reports WHERE state = 'read' ORDER BY id").pluck().all();
  } finally {
    db.close();
  }
};

test('an upload that waits while the label of the job is edited gets the links of the label under which it left', async () => {
  const noWait = { bulk: { upload: { wait: '0s' } } };
  bulk = await openBulkWorld({ job: { links: { report: { type: 'NO_SUCH_TYPE' }, ...noWait } } });
  bulk.world.drop('a.csv', people('ann'));
  expect((await bulk.world.run('links')).run).toMatchObject({ delivered: 0, open: 1 });

  bulk.job({ links: { label: 'vip' } });
  expect((await bulk.world.run('links')).run).toMatchObject({ delivered: 1, open: 0, balanced: true });
  expect(fates(bulk.results())).toEqual(['2 delivered']);
  expect(await bulk.known()).toEqual(bulk.atExtole());
  expect(reports()).toEqual(['links/refer']);

  // The report that was read for the old label says nothing of the new one, which has no link yet.
  bulk.job({ links: { label: 'vip', bulk: { every: '1h', upload: { wait: '2s' } } } });
  bulk.world.drop('b.csv', people('ben'));
  expect((await bulk.world.run('links')).run).toMatchObject({ delivered: 0, open: 1, balanced: true });
  expect(reports()).toEqual(['links/refer', 'links/vip']);
});
