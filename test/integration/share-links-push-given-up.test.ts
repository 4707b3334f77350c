import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeAll, standIn } from './hubspot-setup.ts';
import { type ResultLine, readResults } from './support/e2e-results.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, linksJob, people } from './support/links-job.ts';

const DAY_MS = 86_400_000;
const AGAIN = ['retry', 'links', '--because', 'FAILED_TOO_LONG'];
const WHY = ['--reason', 'HubSpot is in order again'];

/** HubSpot can never look one person up; the others come through. */
describe('profiles that fail for too long', { timeout: 300_000 }, () => {
  let world: World;
  let hubspot: Awaited<ReturnType<typeof standIn>>;

  beforeEach(async () => {
    world = await openWorld();
    hubspot = await standIn();
    const reach = { account: 'acme', token: hubspot.token, url: hubspot.url, allowPrivateAddresses: true };
    linksJob(world, 'links', { push: [{ provider: 'hubspot', ...reach }], failed: { maxAge: '2d' } });
    broken = true;
    hubspot.setFaults(({ path, body }) =>
      broken && path.endsWith('/read') && asks(body) ? { kind: 'status', status: 207, body: NOT_ANN1 } : undefined,
    );
  });
  afterEach(async () => {
    await world.close();
    await closeAll();
  });

  let broken = true;
  const NOT_ANN1 = JSON.stringify({
    status: 'COMPLETE',
    results: [],
    numErrors: 1,
    errors: [{ status: 'error', category: 'INTERNAL_ERROR', message: 'internal error' }],
  });
  const withLedger = <T>(work: (db: Database.Database) => T): T => {
    const db = new Database(world.ledger);
    try {
      return work(db);
    } finally {
      db.close();
    }
  };
  const asks = (body: unknown): boolean => JSON.stringify(body).includes('ann1@');
  const given = (): string[] =>
    hubspot.contacts
      .all()
      .filter(({ properties }) => properties.share_link !== undefined)
      .map(({ properties }) => String(properties.email))
      .sort();
  const older = (days: number): unknown =>
    withLedger((db) =>
      db.prepare('UPDATE push_rows SET failed_at = failed_at - ? WHERE failed_at > 0').run(days * DAY_MS),
    );
  const rows = (): unknown[] =>
    withLedger((db) => db.prepare('SELECT outcome, code, failed_at > 0 AS failing FROM push_rows').all());
  const newestResults = (): ResultLine[] => {
    const [name] = world
      .files('results')
      .filter((each) => each.startsWith('push-'))
      .sort()
      .reverse();
    return readResults(world.read(`results/${name}`));
  };

  it('are given up after failed.maxAge, with a code that everybody is told, and a retry sends them again', async () => {
    world.drop('c.csv', customers(...people('ann', 2, 1)));
    const first = await world.run('links');
    expect(first.run, first.stderr).toMatchObject({ pushes: [{ state: 'done', counts: { read: 2, failed: 2 } }] });
    expect(rows()).toEqual(Array(2).fill({ outcome: 'failed', code: 'LOOKUP_FAILED', failing: 1 }));

    older(1);
    expect((await world.run('links')).run).toMatchObject({
      pushes: [{ state: 'done', counts: { failed: 2, rejected: 0 } }],
    });
    older(2);
    const last = await world.run('links');
    expect(last.run).toMatchObject({
      pushes: [{ state: 'done', balanced: true, counts: { read: 2, failed: 0, rejected: 2 } }],
    });
    expect(newestResults()).toMatchObject(
      Array(2).fill({ outcome: 'rejected', code: 'FAILED_TOO_LONG', reason: expect.stringContaining('LOOKUP_FAILED') }),
    );
    const calls = hubspot.received.length;
    expect((await world.run('links')).run).not.toHaveProperty('pushes');
    expect(hubspot.received).toHaveLength(calls);
    expect((await world.cli(['status'])).stdout).toContain('2 failed for too long, and given up');

    broken = false;
    const look = await world.cli([...AGAIN, '--dry-run', '--json']);
    expect(JSON.parse(look.stdout)).toMatchObject({ rows: 2, files: [{ file: 'push hubspot', rows: 2 }] });
    expect(given()).toEqual([]);
    const retried = await world.cli([...AGAIN, ...WHY, '--json']);
    expect(retried.code, retried.stderr).toBe(0);
    expect(given()).toEqual(['ann1@example.com', 'ann2@example.com']);
    expect(rows()).toEqual(Array(2).fill({ outcome: 'delivered', code: '', failing: 0 }));
  });

  it('may fail for as long as before once they were given up and are retried', async () => {
    world.drop('c.csv', customers(...people('ann', 1, 1)));
    await world.run('links');
    older(3);
    await world.run('links');
    expect(rows()).toEqual([{ outcome: 'rejected', code: 'FAILED_TOO_LONG', failing: 0 }]);
    const retried = await world.cli(['retry', 'links', ...WHY, '--json']);
    expect(retried.code, retried.stderr).toBe(3);
    expect(rows()).toEqual([{ outcome: 'failed', code: 'LOOKUP_FAILED', failing: 1 }]);
  });
});
