import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { backdateSchedule, startDaemon } from './support/e2e-daemon.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, linksPerPerson, people } from './support/links-job.ts';

/** Slow enough that a run is under way for as long as a test needs. */
const SLOW = { destination: { extole: { requestsPerMinute: 400 } }, schedule: '0 0 1 1 *', links: { runFor: '1d' } };

interface Run {
  state: string;
  cause: string;
  account: { goesOn?: boolean; counts: { open: number; delivered: number }; exports?: unknown[] } | null;
}

describe('a run of the daemon that would make links for long', { timeout: 300_000 }, () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    linksJob(world, 'links', SLOW);
  });
  afterEach(() => world.close());

  const runs = (): Run[] => {
    const db = new Database(world.ledger, { readonly: true });
    const rows = db
      .prepare<[], { state: string; cause: string; account: string | null }>('SELECT * FROM runs ORDER BY id')
      .all();
    db.close();
    return rows.map((row) => ({ ...row, account: row.account === null ? null : JSON.parse(row.account) }));
  };
  /** The job has run once, so that the daemon knows a tick that it missed. */
  const isDue = async (): Promise<void> => {
    expect((await world.run('links')).code).toBe(0);
    backdateSchedule(world, 'links', 400 * 86_400_000);
  };

  it('makes room for whoever waits for it, and goes on with the people that are left', async () => {
    await isDue();
    world.drop('c.csv', customers(...people('ann', 200)));
    const daemon = await startDaemon(world);
    await until('the first links', () => world.extole.links.shareables.length >= 5, 30_000);
    // For no job, so nothing else may be under way.
    const pruned = await world.cli(['prune', '--json']);
    expect(pruned.code, pruned.stderr).toBe(0);
    await until('the run to make room', () => runs().some(({ account }) => account?.goesOn === true), 60_000);
    const first = runs().find(({ account }) => account?.goesOn);
    expect(first?.account?.counts.open).toBeGreaterThan(0);
    expect(world.files('archive')).toEqual([]);
    daemon.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
    const made = world.extole.links.shareables.length;
    linksJob(world, 'links', { schedule: '0 0 1 1 *' });
    const next = await startDaemon(world);
    await until('all links', () => ledgerLinks(world).length === 200, 60_000);
    await until('the file to be through', () => world.files('archive').length === 1, 30_000);
    next.kill('SIGTERM');
    await next.done;
    expect(made).toBeLessThan(200);
    expect([...linksPerPerson(world).values()]).toEqual(new Array(200).fill(1));
  });

  it('after its time it exports what there is, and the daemon goes on by itself', async () => {
    linksJob(world, 'links', {
      ...SLOW,
      links: { runFor: '4s' },
      exports: [
        { format: 'plain-csv', columns: { email: '{email}', link: '{link}' }, to: { url: `file://${world.root}/out` } },
      ],
    });
    await isDue();
    world.drop('c.csv', customers(...people('ann', 300)));
    const daemon = await startDaemon(world);
    // On a slow machine the first one may come to nothing; the next look is within a minute.
    const exported = (): Run | undefined =>
      runs().find(({ account }) => account?.goesOn === true && account.exports?.length === 1);
    await until('a run that makes room and exports', () => exported() !== undefined, 150_000);
    expect(exported()?.account?.exports).toEqual([expect.objectContaining({ state: 'published' })]);
    expect(exported()?.account?.counts.open).toBeGreaterThan(0);
    const before = runs().length;
    await until('the next run', () => runs().length > before && runs().at(-1)?.cause === 'catch-up', 90_000);
    daemon.kill('SIGTERM');
    await daemon.done;
  });

  it('a run by hand goes on to its end', async () => {
    linksJob(world, 'links', { ...SLOW, links: { runFor: '1s' } });
    world.drop('c.csv', customers(...people('ann', 10)));
    const { run, code, stderr } = await world.run('links');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ delivered: 10, open: 0 });
  });
});
