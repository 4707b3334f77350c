import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  world.job('openings', { schedule: '0 6 * * *', timezone: 'America/New_York', source: { match: 'openings*.csv' } });
});
afterAll(() => world.close());

/** Changes the ledger beside the program, as a crash or time would. */
async function inLedger(sql: string): Promise<void> {
  const ledger = await openLedger(world.ledger, 'command', realIo(createLog('silent')));
  try {
    ledger.db.exec(sql);
  } finally {
    await ledger.close();
  }
}

describe('referry status', () => {
  it('says that nothing has run so far, and makes no ledger', async () => {
    const { code, stdout } = await world.cli(['status']);
    expect(code).toBe(0);
    expect(stdout).toContain('There is no ledger yet: nothing has run so far.');
    expect(stdout).toMatch(/openings\n {2}last run {2}never\n {2}next run {2}\d{4}-\d\d-\d\d 06:00:00 E[SD]T/);
    const second = await world.cli(['status', '--json']);
    expect(second.json()).toMatchObject({ ledger: null, attention: [], jobs: [{ id: 'openings', lastRun: null }] });
  });

  it('counts what was done, and what waits for a person', async () => {
    const [first, ...others] = rows('S', 4);
    const conflicting = row('S-0001', { amount: '1.00' });
    world.drop('openings-1.csv', csv([...(first ? [first] : []), ...others, conflicting]));
    world.drop('openings-2.csv', '"id,email\n', 30);
    expect((await world.run('openings')).code).toBe(3);

    const { code, json } = await world.cli(['status', '--json']);
    expect(code).toBe(3);
    const status = json();
    expect(status).toMatchObject({
      executor: null,
      attention: [
        'openings: 2 rows in conflict: referry held openings',
        'openings: 1 file refused, told until a good one of the same name comes: referry files openings --only refused',
      ],
      jobs: [
        {
          id: 'openings',
          lastRun: {
            id: 'r1',
            state: 'finished',
            balanced: true,
            files: 2,
            counts: { read: 5, delivered: 3, conflict: 2 },
          },
          lastReport: 'reports/openings.*.r1.html',
          rows: { open: { count: 0, oldest: null }, failed: { count: 0 }, held: { count: 0 }, conflict: { count: 2 } },
          files: { open: { count: 0 }, held: { count: 0 }, refused: { count: 1 } },
          dedupe: [{ eventName: 'account_opened', verified: false, drops: false, at: null }],
        },
      ],
    });
    const human = await world.cli(['status']);
    expect(human.stdout).toContain('Nothing executes now.');
    expect(human.stdout).toMatch(/last run .*\(r1, command\): 2 files, 5 read, 3 delivered, 2 conflict, balanced/);
    expect(human.stdout).toMatch(/rows {6}2 conflict \(oldest \d+ s\)/);
    expect(human.stdout).toContain('referry verify-dedupe openings');
  });

  it('counts rows that are open, failed or held, each with its age, and the files that are not through', async () => {
    await inLedger(`
      DROP TRIGGER delivered_is_final;
      UPDATE deliveries SET state = 'unknown', unfinished = 1, event_id = NULL WHERE line = 3;
      UPDATE deliveries SET state = 'failed', owns = 0, unfinished = 1, event_id = NULL WHERE line = 4;
      UPDATE deliveries SET state = 'held', unfinished = 1, event_id = NULL WHERE line = 5;
      UPDATE processings SET opened_at = opened_at - 7200000;
      UPDATE processings SET state = 'sealed' WHERE name = 'openings-2.csv';
    `);
    const { code, json, stdout } = await world.cli(['status', '--json']);
    expect(code, stdout).toBe(3);
    const [job] = JSON.parse(stdout).jobs;
    expect(json()).toMatchObject({
      attention: expect.arrayContaining(['openings: 1 row held: referry held openings']),
    });
    expect(job).toMatchObject({ rows: { open: { count: 1 }, failed: { count: 1 }, held: { count: 1 } } });
    expect(Date.now() - Date.parse(job.rows.held.oldest)).toBeGreaterThan(7_000_000);
    expect(job).toMatchObject({ files: { open: { count: 1 }, refused: { count: 0 } } });
    expect(job.openFiles).toMatchObject([{ name: 'openings-2.csv', state: 'sealed', delivered: 0 }]);
  });

  it('works while another process executes, and says which', async () => {
    const ledger = await openLedger(world.ledger, 'daemon', realIo(createLog('silent')));
    try {
      ledger.db.exec('BEGIN IMMEDIATE');
      const { code, json } = await world.cli(['status', '--json']);
      ledger.db.exec('ROLLBACK');
      expect(code).toBe(3);
      expect(json()).toMatchObject({
        executor: { kind: 'daemon', pid: process.pid, host: hostname(), alive: true },
      });
      expect((await world.cli(['status'])).stdout).toContain(
        `The daemon (process ${process.pid} on ${hostname()}) has been executing`,
      );
    } finally {
      await ledger.close();
    }
  });

  it('says that the last executor died, and that a job with unfinished rows has no file', async () => {
    await inLedger("UPDATE executor SET ended_at = NULL WHERE 0; UPDATE processings SET job = 'gone'");
    const ledger = await openLedger(world.ledger, 'daemon', realIo(createLog('silent')));
    await ledger.close();
    await inLedger(
      'CREATE TRIGGER keeps AFTER UPDATE OF ended_at ON executor BEGIN UPDATE executor SET ended_at = NULL, pid = 4194303; END',
    );
    const { code, stdout } = await world.cli(['status']);
    expect(code).toBe(3);
    expect(stdout).toContain('ended without saying so');
    expect(stdout).toContain('gone (no job file has this id)');
    expect(stdout).toContain('gone: no job file has this id, and the ledger has unfinished rows of it');
  });

  it('exits 74 where the ledger is damaged or gone', async () => {
    const { root } = world;
    const broken = join(root, 'broken');
    await openLedger(join(broken, 'ledger.sqlite'), 'command', realIo(createLog('silent'))).then((l) => l.close());
    writeFileSync(join(broken, 'ledger.sqlite'), 'this is no database at all, it is a text'.repeat(200));
    const damaged = await world.cli(['status', '--state', broken]);
    expect(damaged.code).toBe(74);
    expect(damaged.stderr).toContain('LEDGER_UNREADABLE');
    writeFileSync(join(broken, 'ledger.sqlite'), '');
    const gone = await world.cli(['status', '--state', broken]);
    expect(gone.code).toBe(74);
  });
});

it('a refused file is told of until a good one of its name comes', async () => {
  const own = await openWorld();
  try {
    own.job('openings');
    own.drop('openings-1.csv', '"id,email\n', 30);
    expect((await own.run('openings')).code).toBe(3);
    expect((await own.cli(['status'])).code).toBe(3);
    own.drop('openings-1.csv', csv(rows('R', 2)));
    expect((await own.run('openings')).code).toBe(0);
    const { code, json } = await own.cli(['status', '--json']);
    expect(json()).toMatchObject({ attention: [], jobs: [{ files: { refused: { count: 0 } } }] });
    expect(code).toBe(0);
  } finally {
    await own.close();
  }
});
