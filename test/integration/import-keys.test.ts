import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon } from './support/e2e-daemon.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

describe('keys that another system delivered', () => {
  let world: World;
  let old: string;

  beforeAll(async () => {
    world = await openWorld();
    world.job('feed');
    old = join(world.root, 'old.csv');
    // 1,200 keys, one of them twice; a row without one.
    writeFileSync(
      old,
      `Member,ID\n${rows('K', 1200)
        .map(({ id }) => `x,${id}`)
        .join('\n')}\nx,K-0001\nx,\n`,
    );
  });
  afterAll(() => world.close());

  const imported = (): number => {
    const db = new Database(world.ledger, { readonly: true });
    const { n } = db
      .prepare<[], { n: number }>("SELECT count(*) AS n FROM deliveries WHERE proof = 'imported'")
      .get() ?? { n: 0 };
    db.close();
    return n;
  };

  it('are counted by --dry-run, which writes nothing, not even a ledger', async () => {
    const told = await world.cli(['import-keys', old, '--job', 'feed', '--dry-run', '--json']);
    expect(told.code, told.stderr).toBe(3);
    expect(told.json()).toMatchObject({
      dryRun: true,
      read: 1202,
      imported: 1201,
      known: 0,
      rejected: 1,
      examples: [{ line: 1203 }],
    });
    expect(world.files('../').includes('state')).toBe(false);
  });

  it('a job that has no such keys says what it does instead', async () => {
    const segments = {
      pipeline: 'sync-segment',
      source: { url: `file://${world.served}/segments`, match: '*.csv' },
      members: { id: 'id' },
      segments: { vip: 'VIP' },
      target: { files: { account: 'crm', to: { url: `file://${world.served}/members` } } },
    };
    writeFileSync(join(world.jobs, 'vip.yaml'), JSON.stringify(segments));
    const { code, stderr } = await world.cli(['import-keys', old, '--job', 'vip', '--dry-run']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('job vip keeps segments, and has no keys to import')]);
    rmSync(join(world.jobs, 'vip.yaml'));
  });

  it('are imported; one that dies in the middle goes on where it stopped, and the counts balance', async () => {
    const died = await world.cli(['import-keys', old, '--job', 'feed'], { REFERRY_CRASH_AT: 'keys-imported:2' });
    expect(died.signal).toBe('SIGKILL');
    const part = imported();
    expect(part).toBeGreaterThan(0);
    expect(part).toBeLessThan(1200);
    const told = await world.cli(['import-keys', old, '--job', 'feed', '--json']);
    expect(told.code, told.stderr).toBe(3);
    expect(told.json()).toMatchObject({
      eventName: 'account_opened',
      read: 1202,
      imported: 1200,
      known: 1,
      rejected: 1,
      balanced: true,
    });
    expect(imported()).toBe(1200);
  });

  it('the same file again changes nothing and says so', async () => {
    const told = await world.cli(['import-keys', old, '--job', 'feed']);
    expect(told.stdout).toContain('was imported before');
    expect(told.stdout).toContain(
      '1,202 keys read = 1,200 imported as delivered under account_opened + 1 known already + 1 not usable',
    );
    expect(imported()).toBe(1200);
  });

  it('rows with them are duplicates, whatever else is in them; the others are sent', async () => {
    const list = [...rows('K', 30), row('K-0031', { amount: '99.99' }), ...rows('N', 4)];
    world.drop('day1.csv', csv(list));
    const dry = await world.cli(['run', 'feed', '--dry-run', '--json']);
    expect(JSON.stringify(dry.json())).toContain('"wouldSend":4');
    const { run, code } = await world.run('feed');
    expect([code, run.read, run.delivered, run.duplicate, run.balanced]).toEqual([0, 35, 4, 31, true]);
    expect(world.requests().map(({ body }) => body.data.partner_conversion_id)).toEqual(
      rows('N', 4).map(({ id }) => id),
    );
    const results = readResults(world.read('results/day1.csv.results.csv'));
    expect(fates(results)[0]).toBe('2 duplicate DUPLICATE');
    expect(world.read('results/day1.csv.results.csv').toString()).toContain('delivered before, as line 2 of old.csv');
    expect(run.files.map(({ path }) => path)).toEqual(['day1.csv']);
  });

  it('explain says where a key comes from, and status has nothing to tell of the import', async () => {
    const told = await world.cli(['explain', 'K-0500', '--json']);
    expect(told.json()).toMatchObject({
      rows: [{ outcome: 'delivered', proof: 'imported', file: { name: 'old.csv' }, line: 501, attempts: [] }],
    });
    expect((await world.cli(['explain', 'K-0500'])).stdout).toContain('old.csv');
    const status = await world.cli(['status', '--json']);
    expect(status.json()).toMatchObject({
      attention: [],
      jobs: [{ rows: { open: { count: 0 }, held: { count: 0 } } }],
    });
  });

  it('a delivered key stays what it is; the daemon imports for a command; what cannot be read is said', async () => {
    const more = join(world.root, 'more.jsonl');
    writeFileSync(more, '{"id":"N-0001"}\n{"id":"NEW-1"}\n{"id":42}\n');
    const daemon = await startDaemon(world);
    const told = await world.cli(['import-keys', more, '--job', 'feed', '--json']);
    daemon.kill('SIGTERM');
    await daemon.done;
    expect(told.json(), told.stderr).toMatchObject({ read: 3, imported: 2, known: 1, rejected: 0 });
    expect((await world.cli(['explain', 'N-0001', '--json'])).json()).toMatchObject({
      rows: [{ proof: 'event_id', file: { name: 'day1.csv' } }],
    });
    const wrong = await world.cli(['import-keys', old, '--job', 'feed', '--column', 'nothing']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('nothing')]);
    expect((await world.cli(['import-keys', join(world.root, 'none.csv'), '--job', 'feed'])).code).toBe(2);
  });
});
