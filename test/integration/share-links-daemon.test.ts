import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { loadJobs } from '../../src/jobs/load.ts';
import { openLedger } from '../../src/ledger/open.ts';
import type { Io } from '../../src/model.ts';
import { dueRun } from '../../src/schedule/due-run.ts';
import { run } from '../../src/schedule/verbs/run.ts';
import { until } from './support/e2e-cli.ts';
import { backdateSchedule, startDaemon } from './support/e2e-daemon.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, linksPerPerson, people } from './support/links-job.ts';

/** Slow enough that a run is under way for as long as a test needs. */
const SLOW = { destination: { extole: { requestsPerMinute: 400 } }, schedule: '0 0 1 1 *', links: { runFor: '1d' } };

interface Run {
  account: { goesOn?: boolean; counts: { open: number } } | null;
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
    const rows = db.prepare<[], { account: string | null }>('SELECT account FROM runs ORDER BY id').all();
    db.close();
    return rows.map(({ account }) => ({ account: account === null ? null : JSON.parse(account) }));
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

  it('after its time it exports what there is, and the next run is due at once and goes on', async () => {
    linksJob(world, 'links', {
      links: { runFor: '1d' },
      schedule: '0 0 1 1 *',
      exports: [
        { format: 'plain-csv', columns: { email: '{email}', link: '{link}' }, to: { url: `file://${world.root}/out` } },
      ],
    });
    world.drop('c.csv', customers(...people('ann', 100)));
    const { jobs } = await loadJobs(world.jobs, world.env);
    const [job] = jobs;
    if (!job) throw new Error('the job cannot be read');
    const real = { ...realIo(createLog('silent')), env: world.env };
    // The day of the run is over once it has made some links.
    const { promise: someLinks, resolve } = Promise.withResolvers<void>();
    world.extole.links.setFaults(() => {
      if (world.extole.links.shareables.length >= 5) resolve();
      return undefined;
    });
    let days = 1;
    const sleep: Io['sleep'] = (ms, signal) => (ms === 86_400_000 && days-- > 0 ? someLinks : real.sleep(ms, signal));
    const ledger = await openLedger(world.ledger, 'daemon', real);
    const { signal } = new AbortController();
    const options = { ledger, io: { ...real, sleep }, signal, state: world.state, jobs: world.jobs };
    try {
      const first = await run.execute({ verb: 'run', job: 'links' }, { ...options, cause: 'schedule' });
      expect(first.executed.account).toMatchObject({ goesOn: true, exports: [{ state: 'published' }] });
      const { open, delivered } = first.executed.account.counts;
      expect(open).toBeGreaterThan(0);
      expect(delivered).toBeGreaterThan(0);
      const now = real.now();
      expect(dueRun(ledger, job, { since: now, interrupted: false, now })).toEqual({ due: now, cause: 'catch-up' });
      const second = await run.execute({ verb: 'run', job: 'links' }, { ...options, cause: 'catch-up' });
      expect(second.executed.account).toMatchObject({ counts: { open: 0 }, exports: [{ state: 'published' }] });
      expect(second.executed.account).not.toHaveProperty('goesOn');
      expect(dueRun(ledger, job, { since: now, interrupted: false, now })).toBeUndefined();
    } finally {
      await ledger.close();
    }
    expect(ledgerLinks(world)).toHaveLength(100);
  });

  it('whose time is over with its last file is at its end, and is not started again for nothing', async () => {
    linksJob(world, 'links', { links: { runFor: '1d' }, schedule: '0 0 1 1 *' });
    world.drop('a.csv', customers(...people('ann', 1)));
    world.drop('b.csv', customers(...people('bob', 1)));
    const real = { ...realIo(createLog('silent')), env: world.env };
    const ledger = await openLedger(world.ledger, 'daemon', real);
    const { signal } = new AbortController();
    // The day of each run is over once a file is through.
    const runOnce = async (): Promise<object> => {
      const { promise: through, resolve } = Promise.withResolvers<void>();
      const sleep: Io['sleep'] = (ms, stop) => (ms === 86_400_000 ? through : real.sleep(ms, stop));
      const crashPoint = (name: string): void => {
        if (name === 'closed') resolve();
      };
      const options = { ledger, io: { ...real, sleep }, signal, state: world.state, jobs: world.jobs, crashPoint };
      return (await run.execute({ verb: 'run', job: 'links' }, { ...options, cause: 'schedule' })).executed.account;
    };
    try {
      expect(await runOnce()).toMatchObject({ goesOn: true, counts: { read: 1, delivered: 1, open: 0 } });
      const last = await runOnce();
      expect(last).toMatchObject({ counts: { read: 1, delivered: 1, open: 0 } });
      expect(last).not.toHaveProperty('goesOn');
      expect(await runOnce()).toMatchObject({ counts: { read: 0 } });
    } finally {
      await ledger.close();
    }
    expect(ledgerLinks(world)).toHaveLength(2);
  });

  it('a run by hand goes on to its end', async () => {
    linksJob(world, 'links', { ...SLOW, links: { runFor: '1s' } });
    world.drop('c.csv', customers(...people('ann', 10)));
    const byHand = await world.run('links');
    expect(byHand.code, byHand.stderr).toBe(0);
    expect(byHand.run).toMatchObject({ delivered: 10, open: 0 });
  });
});
