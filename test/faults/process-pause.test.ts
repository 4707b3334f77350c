import { rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../integration/support/e2e-cli.ts';
import { startDaemon } from '../integration/support/e2e-daemon.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { standStill } from '../integration/support/standstill.ts';

describe('a process that stands still while another one takes its place', { timeout: 120_000 }, () => {
  let world: World;
  afterEach(() => world.close());

  /** The lock outlives a stopped process; so somebody "cleans up" its file, as people do. */
  const removeLock = (): void => {
    for (const end of ['', '-journal']) rmSync(`${world.ledger}.lock${end}`, { force: true });
  };
  const executor = (): { pid: number; ended_at: number | null } | undefined => {
    const db = new Database(world.ledger, { readonly: true });
    const row = db.prepare<[], { pid: number; ended_at: number | null }>('SELECT pid, ended_at FROM executor').get();
    db.close();
    return row;
  };

  it('C08: while it is stopped nobody else may execute; taken over by force, it wakes up, sends nothing, and ends with 75', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { ...PATIENT, unknown: 'resend', concurrency: { start: 2, max: 2 } } });
    world.drop('a.csv', csv(rows('A', 40)));
    world.extole.setFaults(({ seq }) => (seq > 4 ? { kind: 'slow', ms: 1500 } : undefined));
    const first = world.start(['run', 'feed', '--json']);
    await until('some requests', () => world.requests().length >= 6);
    await standStill(world.ledger, first);

    const refused = await world.cli(['run', 'feed']);
    expect(refused.code).toBe(75);
    expect(refused.stderr).toContain(`process id ${first.pid}`);

    removeLock();
    world.extole.setFaults(undefined);
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run.files[0]).toMatchObject({ read: 40, delivered: 40, open: 0 });
    const results = world.read('results/a.csv.results.csv');
    const sent = world.requests().length;

    // Claims of less than two seconds ago are sent without a look at the ledger.
    await setTimeout(2500);
    first.kill('SIGCONT');
    const end = await first.done;
    expect(end.code, end.stderr).toBe(75);
    expect(end.stderr).toContain('LEDGER_TAKEN_OVER');
    expect(end.stderr).not.toMatch(/\n\s+at /);
    expect(world.requests()).toHaveLength(sent);
    expect(world.read('results/a.csv.results.csv').equals(results)).toBe(true);
    expect(world.files('results')).toEqual(['a.csv.results.csv']);
    expect(fates(readResults(results))).toEqual(rows('A', 40).map((_, i) => `${i + 2} delivered`));
    // Each attempt once, and a second copy only of what was on the wire when it was stopped.
    const ids = world.requests().map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(sent - 40).toBeLessThanOrEqual(8);
  });

  it('C08: a daemon that was taken over ends by itself with 75, and leaves its successor named in the ledger', async () => {
    world = await openWorld();
    world.job('feed', { delivery: PATIENT });
    const first = await startDaemon(world);
    await standStill(world.ledger, first);
    removeLock();
    const second = await startDaemon(world);
    first.kill('SIGCONT');
    const end = await first.done;
    expect(end.code, end.stderr).toBe(75);
    expect(executor()).toEqual({ pid: second.pid, ended_at: null });
    world.drop('a.csv', csv(rows('A', 3)));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 3 });
    second.kill('SIGTERM');
    expect((await second.done).code).toBe(0);
  });
});
