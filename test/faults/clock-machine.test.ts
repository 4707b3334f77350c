import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCli, until } from '../integration/support/e2e-cli.ts';
import { startDaemon } from '../integration/support/e2e-daemon.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { keysOf } from './support/executor.ts';

/** One that changes the ledger that there is. */
const MIGRATION = '0007_forget';

describe('a machine that is odd', { timeout: 90_000 }, () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' }, schedule: '0 3 1 1 *' });
  });
  afterEach(() => world.close());
  const expectThrough = (name: string, prefix: string, count: number): void => {
    expect(fates(readResults(world.read(`results/${name}.results.csv`)))).toEqual(
      rows(prefix, count).map((_, i) => `${i + 2} delivered`),
    );
  };

  it('C13: the lock of a process that was killed is free at once, also when its process id is in use again', async () => {
    const daemon = await startDaemon(world);
    daemon.kill('SIGKILL');
    await daemon.done;
    // Somebody else's program has the id by now: the ledger says that a daemon of that id executes.
    const stranger = spawn('sleep', ['60']);
    const db = new Database(world.ledger);
    db.prepare('UPDATE executor SET pid = ?').run(stranger.pid);
    db.close();
    world.drop('a.csv', csv(rows('A', 20)));
    const { code, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    stranger.kill();
    expectThrough('a.csv', 'A', 20);
  });

  it('C18: with 64 open files at most, a daemon gets through many files; one that has too few says so, and goes on later', async () => {
    const limited = (n: number): readonly string[] => ['bash', '-c', `ulimit -n ${n}; exec "$0" "$@"`];
    world.job('feed', { delivery: { ...PATIENT, concurrency: { start: 2, max: 4 } }, schedule: '0 3 1 1 *' });
    for (let n = 10; n < 50; n++) world.drop(`f-${n}.csv`, csv(rows(`F${n}`, 2)));
    const daemon = startCli(['daemon'], world.env, limited(64));
    await until('the daemon to be ready', () => daemon.told().stderr.includes('referry: ready'), 30_000);
    const { code, stdout, stderr } = await world.cli(['run', 'feed', '--json']);
    daemon.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
    expect(code, stdout + stderr + daemon.told().stderr).toBe(0);
    expect(world.files('archive')).toHaveLength(40);
    expect(keysOf(world)).toHaveLength(80);

    world.drop('a.csv', csv(rows('A', 20)));
    // Fewer are not enough for the ledger; how many those are is a matter of Node.js.
    let refused = 0;
    for (let few = 32; few > 22 && refused < 2; few--) {
      const end = await startCli(['run', 'feed', '--json'], world.env, limited(few)).done;
      if (end.code === 0) continue;
      refused++;
      expect([few, end.code, end.stderr]).toEqual([
        few,
        4,
        expect.stringMatching(/TOO_MANY_OPEN_FILES.*\n.*LimitNOFILE/),
      ]);
      world.drop(`more-${few}.csv`, csv(rows(`M${few}`, 1)));
    }
    expect(refused).toBe(2);
    await world.run('feed');
    expectThrough('a.csv', 'A', 20);
    expect(keysOf(world)).toHaveLength(102);
    expect(world.files('inbox')).toEqual([]);
  });

  it('C19: neither language, zone, umask, a missing HOME nor a working folder that is read-only changes anything', async () => {
    const folder = join(world.root, 'nowhere');
    mkdirSync(folder, { mode: 0o500 });
    const shells = [
      'umask 000; cd "$NOWHERE"; unset HOME; exec "$0" "$@"',
      'umask 777; cd /proc; exec "$0" "$@"',
      'cd /; export LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 TZ=Pacific/Apia; exec "$0" "$@"',
      'export LC_ALL=C TZ=:Nonsense/Zone; unset HOME; exec "$0" "$@"',
    ];
    // They never have the same day, so that it is not this machine's own for both, nor that of Apia for the first.
    const zones = ['Pacific/Pago_Pago', 'Pacific/Kiritimati'];
    const dayIn = (timeZone: string): string => new Intl.DateTimeFormat('en-CA', { timeZone }).format(Date.now());
    const days = new Set<string>();
    for (const [i, shell] of shells.entries()) {
      const timezone = zones[i % 2] ?? '';
      world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' }, schedule: '0 3 1 1 *', timezone });
      world.drop(`d-${i}.csv`, csv(rows(`D${i}`, 5)));
      const before = dayIn(timezone);
      const env = { ...world.env, NOWHERE: folder };
      const end = await startCli(['run', 'feed', '--json'], env, ['bash', '-c', shell]).done;
      expect(end.code, `${shell}: ${end.stderr}`).toBe(0);
      expectThrough(`d-${i}.csv`, `D${i}`, 5);
      // The page of the day is that of the job's zone, whatever this machine's is. (At midnight, of the day on which the run began.)
      const pages = [before, dayIn(timezone)].map((day) => `feed.${day}.day.json`);
      const page = pages.find((name) => world.files('reports').includes(name)) ?? '';
      days.add(page);
      const {
        day,
        timezone: zone,
        files,
      }: { day: string; timezone: string; files: { name: string }[] } = JSON.parse(
        String(world.read(`reports/${page}`)),
      );
      expect([`feed.${day}.day.json`, zone, files.map(({ name }) => name)]).toEqual([
        page,
        timezone,
        expect.arrayContaining([`d-${i}.csv`]),
      ]);
    }
    // There is no page of any other day.
    expect(world.files('reports').filter((name) => name.endsWith('.day.json'))).toEqual([...days].sort());
    // What is private stays so under any umask.
    const events = world.requests().map(({ body }) => body.event_time);
    expect(new Set(events).size).toBe(1);
    const { statSync } = await import('node:fs');
    for (const name of ['', '/ledger.sqlite', '/staging']) expect(statSync(world.state + name).mode & 0o077).toBe(0);
  });

  it('C20: a ledger of a newer version is refused with 74 and left as it is; an upgrade that fails changes nothing, and one that does not takes up open attempts', async () => {
    world.drop('a.csv', csv(rows('A', 60)));
    expect((await world.cli(['run', 'feed'], { REFERRY_CRASH_AT: 'committed:2' })).signal).toBe('SIGKILL');
    const ask = (sql: string): void => {
      const db = new Database(world.ledger);
      db.exec(sql);
      db.close();
    };
    const states = (): unknown => {
      const db = new Database(world.ledger, { readonly: true });
      const found = db.prepare('SELECT state, count(*) AS n FROM deliveries GROUP BY state ORDER BY state').all();
      db.close();
      return found;
    };
    const done = (): unknown[] => {
      const db = new Database(world.ledger, { readonly: true });
      const names = db.prepare('SELECT name FROM knex_migrations').pluck().all();
      db.close();
      return names;
    };
    const before = states();
    ask("INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('9999_from_the_future.ts', 99, 0)");
    for (const command of [['run', 'feed'], ['daemon']]) {
      const newer = await world.cli(command);
      expect([newer.code, newer.stderr]).toEqual([74, expect.stringContaining('LEDGER_NEWER')]);
      expect(newer.stderr).toContain('newer version');
    }
    expect(states()).toEqual(before);
    expect(before).toContainEqual({ state: 'claimed', n: expect.any(Number) });
    // As the version before left it. Its trigger is missing: a migration that fails in the middle changes nothing.
    const OLDER = `CREATE TRIGGER delivered_is_final BEFORE UPDATE OF state ON deliveries
      WHEN OLD.state = 'delivered' AND NEW.state <> 'delivered' BEGIN SELECT RAISE(ABORT, 'delivered is final'); END`;
    ask(
      `DELETE FROM knex_migrations WHERE name LIKE '9999%' OR name = '${MIGRATION}'; DROP TRIGGER delivered_is_final`,
    );
    const failed = await world.cli(['run', 'feed']);
    expect([failed.code, failed.stderr]).toEqual([74, expect.stringContaining('no such trigger')]);
    expect(states()).toEqual(before);
    expect(done()).not.toContain(MIGRATION);
    ask(OLDER);
    const { code, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(done()).toContain(MIGRATION);
    expectThrough('a.csv', 'A', 60);
  });
});
