import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const keysSent = (world: World): (string | undefined)[] =>
  world.requests().map(({ body }) => body.data.partner_conversion_id);

function ask<T>(world: World, sql: string): T[] {
  const db = new Database(world.ledger, { readonly: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

const loseLedger = (world: World): void => {
  for (const part of ['', '-wal', '-shm']) rmSync(world.ledger + part, { force: true });
};

describe('a backup', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
    world.job('feed', { schedule: '0 0 1 1 *', delivery: { timeout: { headers: '20s', total: '30s' } } });
  });
  afterAll(() => world.close());

  it('S11: made while rows are being sent is whole, checked, and has all that was committed when it began', async () => {
    world.extole.setFaults(() => ({ kind: 'slow', ms: 150 }));
    world.drop('a.csv', csv(rows('A', 900)));
    const going = world.start(['run', 'feed']);
    while (world.requests().length < 20) await new Promise((resolve) => setTimeout(resolve, 20));
    const delivered = (path: string): number => {
      const db = new Database(path, { readonly: true });
      const n = db.prepare("SELECT count(*) FROM deliveries WHERE state = 'delivered'").pluck().get();
      db.close();
      return Number(n);
    };
    const before = await until('rows that are committed', () => delivered(world.ledger));
    const made = await world.cli(['backup', '--to', join(world.root, 'b'), '--json']);
    expect(made.code, made.stderr).toBe(0);
    expect((await going.done).code).toBe(0);
    const { path, sha256, bytes } = made.json();
    expect(statSync(String(path))).toMatchObject({ size: bytes });
    expect(statSync(String(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toMatchObject({ format: 'referry-backup/1', sha256 });
    const copy = new Database(String(path), { readonly: true });
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(copy.pragma('journal_mode', { simple: true })).toBe('delete');
    copy.close();
    const n = delivered(String(path));
    expect(n).toBeGreaterThanOrEqual(before);
    expect(n).toBeLessThan(900);
    expect(readdirSync(join(world.root, 'b')).some((name) => name.endsWith('.part'))).toBe(false);
    world.extole.setFaults(undefined);
  });

  it('beyond those to keep, the oldest go; what is no backup of this ledger stays', async () => {
    const folder = join(world.root, 'kept');
    const made: string[] = [];
    for (let n = 0; n < 3; n++) {
      if (n > 0) await new Promise((resolve) => setTimeout(resolve, 1001));
      made.push(
        String(
          (await world.cli(['backup', '--json'], { REFERRY_BACKUP_TO: folder, REFERRY_BACKUP_KEEP: '2' })).json().path,
        ),
      );
      if (n === 0) writeFileSync(join(folder, 'ledger-00000000-20200101T000000Z.sqlite'), 'of another ledger');
    }
    expect(made.map((path) => existsSync(path))).toEqual([false, true, true]);
    expect(existsSync(`${made[0]}.json`)).toBe(false);
    expect(readdirSync(folder)).toHaveLength(5);
  });

  it('is made by the daemon at its time of day, and made up once where that was missed', async () => {
    const db = new Database(world.ledger);
    db.prepare(
      "INSERT INTO schedules VALUES ('/backup', ?) ON CONFLICT (job) DO UPDATE SET last_due_at = excluded.last_due_at",
    ).run(Date.now() - 3 * 86_400_000);
    db.close();
    const folder = join(world.root, 'nightly');
    const env = { REFERRY_BACKUP_AT: '03:00 UTC', REFERRY_BACKUP_TO: folder };
    const daemon = world.start(['daemon'], env);
    while (!daemon.told().stderr.includes('backup made')) await new Promise((resolve) => setTimeout(resolve, 50));
    // Nothing that looked at the ledger in the daemon's process has cost it its lock.
    expect((await world.cli(['daemon'])).code).toBe(75);
    daemon.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
    expect(readdirSync(folder).filter((name) => name.endsWith('.sqlite'))).toHaveLength(1);
    expect((await world.cli(['daemon'], { REFERRY_BACKUP_AT: '25:00' })).stderr).toContain('REFERRY_BACKUP_AT');
  });
});

describe('a restored ledger', () => {
  let world: World;
  let backup: string;
  let resultsOfB: Buffer;

  beforeAll(async () => {
    world = await openWorld();
    world.job('feed');
    world.drop('a.csv', csv(rows('A', 5)));
    expect((await world.run('feed')).code).toBe(0);
    // Known to the backup, and tried again after it.
    world.extole.setFaults(({ body }) => (body.includes('"F-0001"') ? { kind: 'status', status: 408 } : undefined));
    world.job('feed', { delivery: { maxAttempts: 1 } });
    world.drop('f.csv', csv(rows('F', 2)));
    expect((await world.run('feed')).code).toBe(3);
    backup = String((await world.cli(['backup', '--to', join(world.root, 'b'), '--json'])).json().path);
    world.extole.setFaults(undefined);

    // The time that the backup knows nothing of.
    world.drop('b.csv', csv([...rows('B', 6), 'torn', ...rows('B', 1), ...rows('A', 1)]));
    expect((await world.run('feed')).code).toBe(0);
    resultsOfB = world.read('results/b.csv.results.csv');
    writeFileSync(join(world.root, 'by-hand.csv'), csv(rows('L', 3)));
    expect((await world.cli(['run', 'feed', '--file', join(world.root, 'by-hand.csv')])).code).toBe(0);
    world.drop('c.csv', csv(rows('C', 40)));
    const died = await world.cli(['run', 'feed'], { REFERRY_CRASH_AT: 'committed:3' });
    expect(died.signal).toBe('SIGKILL');
    loseLedger(world);
  });
  afterAll(() => world.close());

  it('until then, nothing starts on the empty place', async () => {
    const end = await world.cli(['run', 'feed']);
    expect([end.code, existsSync(world.ledger)]).toEqual([74, false]);
    expect(end.stderr).toContain('referry restore');
  });

  it('S10: takes over what results say, holds the rest, and sends nothing', async () => {
    const sent = keysSent(world);
    expect(sent.filter((key) => key?.startsWith('C-')).length).toBeGreaterThan(0);
    const restored = await world.cli(['restore', backup, '--json']);
    expect(restored.code, restored.stderr).toBe(3);
    expect(restored.json()).toMatchObject({ keptAs: [], jobs: [{ job: 'feed', files: 4, problem: null }] });
    expect(keysSent(world)).toEqual(sent);

    const states = ask<{ name: string; state: string; code: string | null; n: number }>(
      world,
      `SELECT p.name, d.state, d.code, count(*) AS n FROM deliveries d JOIN processings p ON p.id = d.processing_id
       GROUP BY 1, 2, 3 ORDER BY 1, 2`,
    );
    expect(states).toEqual([
      { name: 'a.csv', state: 'delivered', code: null, n: 5 },
      { name: 'b.csv', state: 'delivered', code: null, n: 6 },
      { name: 'by-hand.csv', state: 'delivered', code: null, n: 3 },
      { name: 'c.csv', state: 'held', code: 'LEDGER_RESTORED', n: 40 },
      { name: 'f.csv', state: 'delivered', code: null, n: 2 },
    ]);
  });

  it('the results of a file that was through are the same as before, to the byte', () => {
    expect(world.read('results/b.csv.results.csv').equals(resultsOfB)).toBe(true);
    expect(world.files('results').filter((name) => name.startsWith('b.csv'))).toEqual(['b.csv.results.csv']);
    expect(
      new Set(
        fates(readResults(world.read('results/c.csv.results.csv'))).map((fate) => fate.split(' ').slice(1).join(' ')),
      ),
    ).toEqual(new Set(['held LEDGER_RESTORED']));
    expect(world.files('processing')).toEqual([]);
    expect(world.files('archive').filter((name) => name.startsWith('b.csv'))).toHaveLength(1);
  });

  it('the files of the lost time, dropped again, send nothing; new rows go as ever, under ids that were never used', async () => {
    const sent = keysSent(world).length;
    world.drop('b.csv', csv([...rows('B', 6), 'torn', ...rows('B', 1), ...rows('A', 1)]));
    world.drop('c2.csv', csv([...rows('C', 40), ...rows('N', 1)]));
    const { run } = await world.run('feed');
    expect(run.balanced).toBe(true);
    expect(keysSent(world).slice(sent)).toEqual(['N-0001']);
    const ids = world.requests().map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
    const [newest] = ask<{ id: number }>(world, 'SELECT max(id) AS id FROM processings');
    expect(newest?.id).toBeGreaterThan(10_000);
  });

  it('says who holds it, what is there already, and what is no backup, and changes nothing', async () => {
    const kept = readFileSync(world.ledger);
    const refused = async (args: readonly string[], code: number, said: string): Promise<void> => {
      const end = await world.cli(['restore', ...args]);
      expect([end.code, end.stderr]).toEqual([code, expect.stringContaining(said)]);
      expect(readFileSync(world.ledger).equals(kept)).toBe(true);
      expect(readdirSync(world.state).filter((name) => name.includes('restoring'))).toEqual([]);
    };
    await refused([backup], 2, 'LEDGER_EXISTS');
    await refused([join(world.root, 'nowhere'), '--replace'], 2, 'BACKUP_INVALID');
    const torn = join(world.root, 'torn.sqlite');
    copyFileSync(backup, torn);
    copyFileSync(`${backup}.json`, `${torn}.json`);
    writeFileSync(torn, 'x', { flag: 'a' });
    await refused([torn, '--replace'], 2, 'manifest says');
    writeFileSync(
      join(world.root, 'text.sqlite'),
      'not a database at all, and long enough to look like one'.repeat(200),
    );
    await refused([join(world.root, 'text.sqlite'), '--replace'], 2, 'BACKUP_INVALID');
    const daemon = world.start(['daemon']);
    while (!daemon.told().stderr.includes('ready')) await new Promise((resolve) => setTimeout(resolve, 20));
    const busy = await world.cli(['restore', backup, '--replace']);
    daemon.kill('SIGTERM');
    await daemon.done;
    expect([busy.code, busy.stderr]).toEqual([75, expect.stringContaining('daemon with process id')]);
  });

  it.each(['restored-found', 'outcomes-taken-over:2', 'rows-held'])(
    'one that dies at %s goes on with the next run, and ends the same',
    async (point) => {
      const sent = keysSent(world).length;
      const died = await world.cli(['restore', backup, '--replace'], { REFERRY_CRASH_AT: point });
      expect(died.signal, died.stderr).toBe('SIGKILL');
      expect((await world.cli(['retry', 'feed'])).code).toBe(3);
      const states = ask(world, 'SELECT state, count(*) AS n FROM deliveries GROUP BY 1 ORDER BY 1');
      // N-0001 was delivered after the restore of before: its file, and its results, are found as well.
      expect(states).toEqual([
        { state: 'delivered', n: 17 },
        { state: 'held', n: 40 },
      ]);
      expect(keysSent(world)).toHaveLength(sent);
    },
  );

  it('with --replace the ledger that was there is kept aside, and may be restored itself', async () => {
    const end = await world.cli(['restore', backup, '--replace', '--json']);
    expect(end.code, end.stderr).toBe(3);
    const [kept] = JSON.parse(JSON.stringify(end.json().keptAs));
    expect(existsSync(kept)).toBe(true);
    const back = await world.cli(['restore', kept, '--replace']);
    expect(back.code, back.stderr).toBe(3);
    expect(ask<{ n: number }>(world, "SELECT count(*) AS n FROM deliveries WHERE code = 'LEDGER_RESTORED'")[0]?.n).toBe(
      40,
    );
  });

  it('a person who has looked the held rows up releases them, and they are sent', async () => {
    const sent = keysSent(world).length;
    const told = await world.cli([
      'release',
      'feed',
      '--code',
      'LEDGER_RESTORED',
      '--reason',
      'none of them is at Extole',
    ]);
    expect(told.code, told.stderr).toBe(0);
    expect(new Set(keysSent(world).slice(sent))).toEqual(new Set(rows('C', 40).map(({ id }) => id)));
    const last = world.files('results').filter((name) => name.startsWith('c.csv')).length;
    expect(last).toBeGreaterThan(1);
    expect(ask(world, "SELECT count(*) AS n FROM deliveries WHERE state = 'held'")).toEqual([{ n: 0 }]);
  });
});
