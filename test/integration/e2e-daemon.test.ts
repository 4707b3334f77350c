import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { backdateSchedule, sftp, sftpMissing, startDaemon, timesTold } from './support/e2e-daemon.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const DAY = 86_400_000;

describe('the daemon', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld({ remote: 'sftp' });
    world.job('feed', {
      // Due once a day, so that nothing comes between while this runs: half a day from now.
      schedule: `30 ${(new Date().getUTCHours() + 12) % 24} * * *`,
      delivery: { timeout: { headers: '20s', total: '20s' }, concurrency: { start: 4, max: 4 } },
    });
    // A first run makes the ledger.
    expect((await world.run('feed')).code).toBe(0);
  });
  afterEach(() => world.close());
  const runs = (): { cause: string; state: string }[] => {
    const db = new Database(world.ledger, { readonly: true });
    const all = db.prepare<[], { cause: string; state: string }>('SELECT cause, state FROM runs ORDER BY id').all();
    db.close();
    return all;
  };

  it.skipIf(sftpMissing)(
    `takes a file that a partner put with the sftp client, whose results and report can be fetched with it${sftpMissing ? `: skipped, ${sftpMissing}` : ''}`,
    async () => {
      const text = csv([...rows('A', 8), 'torn', rows('A', 1)[0] ?? '']);
      writeFileSync(join(world.root, 'day.csv'), text);
      await sftp(world, ['cd inbox', `put ${world.root}/day.csv day.csv`]);
      // Three ticks were missed; they are made up once.
      backdateSchedule(world, 'feed', 3 * DAY);
      const daemon = await startDaemon(world);
      await until('the run to end', () => timesTold(daemon, 'run ended') > 0);

      expect(await sftp(world, ['ls -1 inbox', 'ls -1 processing'])).not.toContain('day.csv');
      const report = world.files('reports').find((name) => name.endsWith('.html')) ?? '';
      await sftp(world, [
        `get results/day.csv.results.csv ${world.root}/r.csv`,
        `get "reports/${report}" ${world.root}/r.html`,
      ]);
      const lines = readResults(readFileSync(join(world.root, 'r.csv')));
      expect(fates(lines)).toEqual([
        ...rows('A', 8).map((_, i) => `${i + 2} delivered`),
        '10 rejected COLUMN_COUNT',
        '11 duplicate DUPLICATE_IN_FILE',
      ]);
      expect(lines.map(({ input }) => input).join('\n')).toBe(text.trimEnd().split('\n').slice(1).join('\n'));
      expect(readFileSync(join(world.root, 'r.html'), 'utf8')).toContain('day.csv');
      expect(world.requests()).toHaveLength(8);

      daemon.kill('SIGTERM');
      expect((await daemon.done).code).toBe(0);
      expect(timesTold(daemon, 'run starts')).toBe(1);
      expect(runs().map(({ cause }) => cause)).toEqual(['command', 'catch-up']);
      // It is remembered, so the next start has nothing to make up.
      const next = await startDaemon(world);
      await new Promise((resolve) => setTimeout(resolve, 400));
      next.kill('SIGTERM');
      expect((await next.done).code).toBe(0);
      expect(timesTold(next, 'run starts')).toBe(0);
    },
  );

  it('C12: executes run and retry that are given while it lives, and answers them; a second daemon is refused with 75', async () => {
    const daemon = await startDaemon(world);
    world.drop('a.csv', csv(rows('A', 5)), 90);
    const first = await world.run('feed');
    expect(first.code, first.stderr).toBe(0);
    expect(first.run).toMatchObject({ job: 'feed', run: 'r2', delivered: 5, balanced: true });

    world.extole.setFaults(({ body }) => (body.includes('"B-0002"') ? { kind: 'status', status: 408 } : undefined));
    world.job('feed', { schedule: null, delivery: { maxAttempts: 1 } });
    world.drop('b.csv', csv(rows('B', 3)), 80);
    expect((await world.run('feed')).code).toBe(3);
    world.extole.setFaults(undefined);
    const [retried, second] = await Promise.all([world.cli(['retry', 'feed', '--json']), world.cli(['daemon'])]);
    expect(retried.code, retried.stderr).toBe(0);
    expect(retried.json()).toMatchObject({ carriedIn: 1, delivered: 1, files: [{ path: 'b.csv', delivered: 3 }] });
    expect(second.code).toBe(75);
    expect(second.stderr).toContain(`daemon with process id ${daemon.pid}`);
    const wrong = await world.cli(['run', 'no-such-job']);
    expect(wrong.code).toBe(2);
    daemon.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
    expect(runs().map(({ cause }) => cause)).toEqual(['command', 'command', 'command', 'command']);
  });

  it('C05: SIGTERM in the middle of sending: what is on the wire is finished, it exits with 0, and the next start goes on', async () => {
    world.drop('a.csv', csv(rows('A', 60)));
    world.extole.setFaults(() => ({ kind: 'slow', ms: 1000 }));
    backdateSchedule(world, 'feed', 2 * DAY);
    const daemon = await startDaemon(world);
    await until('some rows to be sent', () => world.requests().length >= 6);
    const asked = world.start(['run', 'feed', '--json']);
    await until('a command to wait for the daemon', () => asked.told().stderr.includes('asked to execute'));
    const stopped = performance.now();
    daemon.kill('SIGTERM');
    const end = await daemon.done;
    expect(end.code, end.stderr).toBe(0);
    expect(performance.now() - stopped).toBeLessThan(5000);
    const waiting = await asked.done;
    expect(waiting.code).toBe(4);
    expect(waiting.stderr).toContain('DAEMON_GONE');

    const sent = world.requests().length;
    expect(sent).toBeLessThan(60);
    expect(world.files('archive')).toEqual([]);
    expect(world.files('results')).toEqual([]);
    const db = new Database(world.ledger, { readonly: true });
    const states = db.prepare('SELECT state, count(*) AS n FROM deliveries GROUP BY state ORDER BY state').all();
    db.close();
    // Every answer that was waited for is recorded; nothing on the wire was cut.
    expect(states[0]).toEqual({ state: 'delivered', n: sent });
    expect(states.map((each) => JSON.stringify(each)).join()).not.toMatch(/claimed|unknown/);

    world.extole.setFaults(undefined);
    const next = await startDaemon(world);
    await until('the run to end', () => timesTold(next, 'run ended') > 0);
    next.kill('SIGTERM');
    expect((await next.done).code).toBe(0);
    expect(fates(readResults(world.read('results/a.csv.results.csv')))).toEqual(
      rows('A', 60).map((_, i) => `${i + 2} delivered`),
    );
    const keys = world.requests().map(({ body }) => body.data.partner_conversion_id);
    expect(new Set(keys).size).toBe(60);
    expect(keys).toHaveLength(60);
  });
});
