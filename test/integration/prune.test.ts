import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const DAY = 86_400_000;

describe('what is kept long enough', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
    world.job('feed', { held: { maxAge: '3000d' } });
    world.extole.setFaults(({ body }) => (body.includes('"H-0001"') ? { kind: 'status', status: 500 } : undefined));
    world.drop('a.csv', csv([...rows('A', 5), 'torn']), 90);
    world.drop('h.csv', csv(rows('H', 2)), 80);
    expect((await world.run('feed')).code).toBe(3);
    world.extole.setFaults(undefined);
  });
  afterAll(() => world.close());

  const staged = (): string[] =>
    readdirSync(join(world.state, 'staging'))
      .filter((name) => name.startsWith('p'))
      .sort();
  /** Makes everything that the ledger knows older. */
  const age = (days: number): void => {
    const db = new Database(world.ledger);
    const ms = days * DAY;
    db.exec('DROP TRIGGER delivered_is_final');
    db.exec(`UPDATE processings SET opened_at = opened_at - ${ms}, closed_at = closed_at - ${ms}, settled_at = settled_at - ${ms};
      UPDATE deliveries SET answered_at = answered_at - ${ms}, claimed_at = claimed_at - ${ms};`);
    db.exec(
      "CREATE TRIGGER delivered_is_final BEFORE UPDATE ON deliveries WHEN OLD.state = 'delivered' BEGIN SELECT RAISE(ABORT, 'delivered is final'); END",
    );
    db.close();
  };
  const prune = async (...args: string[]): Promise<Record<string, unknown>> => {
    const told = await world.cli(['prune', '--json', ...args]);
    expect(told.code, told.stderr).toBe(0);
    return told.json();
  };

  it('stays until its time is over, and with rows that wait for a person longer', async () => {
    expect(await prune()).toMatchObject({ staged: { files: 0 }, keys: 0, leftovers: { files: 0 } });
    expect(staged()).toEqual(['p1', 'p2']);
    age(31);
    expect(await prune('--dry-run')).toMatchObject({ dryRun: true, staged: { files: 1 }, keys: 0 });
    expect(staged()).toEqual(['p1', 'p2']);
    expect(await prune()).toMatchObject({ staged: { files: 1 }, keys: 0 });
    expect(staged()).toEqual(['p2']);
    expect(await prune()).toMatchObject({ staged: { files: 0 } });
  });

  it('explain still knows a key whose staged file is gone', async () => {
    const told = await world.cli(['explain', 'A-0002', '--json']);
    expect(told.json()).toMatchObject({
      found: true,
      rows: [{ outcome: 'delivered', file: { name: 'a.csv', staged: false } }],
    });
  });

  it('a pruned file that is dropped again is staged again, sends nothing, and is pruned again', async () => {
    world.drop('a.csv', csv([...rows('A', 5), 'torn']));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ read: 6, duplicate: 5, rejected: 1, balanced: true });
    expect(staged().filter((name) => name !== 'p2')).toEqual([]);
    expect(world.requests()).toHaveLength(7);
  });

  it('what processes that died left goes after a day: half-written files, unpublished reports, folders of nothing', async () => {
    const old = new Date(Date.now() - 2 * DAY);
    const put = (path: string, time = old): string => {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, 'left over');
      utimesSync(path, time, time);
      return path;
    };
    const staging = join(world.state, 'staging');
    const gone = [
      put(join(staging, 'p2/input.part')),
      put(join(staging, 'p2/results.2.r7')),
      put(join(staging, 'reports/feed.x.html')),
      put(join(staging, 'answers/u7')),
      put(join(staging, 'members/vip_members.csv')),
      put(join(staging, 'audiences/vip_20261121.csv')),
      put(join(staging, 'p999/input')),
    ];
    utimesSync(join(staging, 'p999'), old, old);
    const kept = [put(join(staging, 'p2/young.part'), new Date()), join(staging, 'p2/input')];
    expect(await prune()).toMatchObject({ leftovers: { files: 7 } });
    expect(gone.filter(existsSync)).toEqual([]);
    expect(kept.filter(existsSync)).toEqual(kept);

    const hidden = (name: string, time = old): string => put(join(world.served, 'reports', name), time);
    const parts = [
      hidden('.feed.20261120T000000Z.r3.html.0123456789ab.part'),
      hidden('.other.r3.html.0123456789ab.part'),
    ];
    const young = hidden('.feed.20261121T000000Z.r4.html.0123456789ab.part', new Date());
    const db = new Database(world.ledger);
    db.exec("DELETE FROM schedules WHERE job LIKE '/swept/%'");
    db.close();
    expect((await world.cli(['retry', 'feed'])).code).toBe(0);
    expect([...parts, young].map((path) => existsSync(path))).toEqual([false, true, true]);
  });

  it('keys go only when no job would take a row of that age any more, and their text with them', async () => {
    expect(await prune()).toMatchObject({ keys: 0 });
    age(400);
    writeFileSync(join(world.jobs, 'broken.yaml'), 'pipeline: x\n');
    expect(await prune()).toMatchObject({ keys: 0, kept: [expect.stringContaining('a job file has errors')] });
    writeFileSync(join(world.jobs, 'broken.yaml'), '');
    const { rmSync } = await import('node:fs');
    rmSync(join(world.jobs, 'broken.yaml'));
    // Another job of the same destination remembers longer.
    world.job('longer', { source: { match: '*.none' }, retention: { keys: '900d' } });
    expect(await prune()).toMatchObject({ keys: 0 });
    rmSync(join(world.jobs, 'longer.yaml'));
    const died = await world.cli(['prune'], { REFERRY_CRASH_AT: 'keys-pruned:1' });
    expect(died.signal).toBe('SIGKILL');
    expect(await prune()).toMatchObject({ kept: [] });
    const bytes = readFileSync(world.ledger).toString('latin1');
    expect(bytes.includes('A-0001')).toBe(false);
    expect(bytes.includes('H-0001')).toBe(true);
    expect((await world.cli(['explain', 'A-0001', '--json'])).json()).toMatchObject({ found: false });
  });

  it('a file whose keys are gone is judged anew, and its old rows are too old to be sent', async () => {
    // Only the ledger was made older: the rows themselves are of today, so that they are taken.
    world.drop('same.csv', csv([...rows('A', 5), 'torn']));
    expect((await world.run('feed')).run).toMatchObject({
      read: 6,
      delivered: 5,
      rejected: 1,
      open: 0,
      balanced: true,
    });
    const at = new Date(Date.now() - 431 * DAY).toISOString().slice(0, 19);
    const list = rows('A', 5).map(({ id }) => row(`${id}-old`, { at: `${at}Z` }));
    const sent = world.requests().length;
    world.drop('a.csv', csv(list));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ read: 5, delivered: 0, balanced: true });
    expect(run.rejected + run.held).toBe(5);
    expect(world.requests()).toHaveLength(sent);
  });

  it('the daemon does it at its time of day', async () => {
    age(31);
    const db = new Database(world.ledger);
    db.prepare(
      "INSERT INTO schedules VALUES ('/prune', ?) ON CONFLICT (job) DO UPDATE SET last_due_at = excluded.last_due_at",
    ).run(Date.now() - 3 * DAY);
    db.close();
    const daemon = world.start(['daemon']);
    while (!daemon.told().stderr.includes('"msg":"pruned"')) await new Promise((resolve) => setTimeout(resolve, 50));
    daemon.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
  });
});
