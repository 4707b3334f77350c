import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { giveBackRequests, leaveRequest, takeRequest } from '../../src/ledger/requests.ts';
import { type CliProcess, until } from './support/e2e-cli.ts';
import { startDaemon } from './support/e2e-daemon.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const WHY = ['--reason', 'Extole says it was never there'];

describe('what comes later: retries of some rows, time that runs out, reports that could not be written, daemons that end', {
  timeout: 90_000,
}, () => {
  let world: World;
  let daemon: CliProcess | undefined;
  beforeEach(async () => {
    world = await openWorld();
    world.job('feed', { delivery: { maxAttempts: 1 } });
  });
  afterEach(async () => {
    daemon?.kill('SIGKILL');
    await daemon?.done;
    daemon = undefined;
    await world.close();
  });
  const results = (name: string) => readResults(world.read(`results/${name}`));
  const keysSent = (): string[] => world.requests().map(({ body }) => body.data.partner_conversion_id ?? '');

  it('retry: only rows of one code, of one file, or since a time; the others stay as they are', async () => {
    // One after the other, with a good answer between any two bad ones: else the destination itself seems to be in trouble.
    world.job('feed', { delivery: { maxAttempts: 1, concurrency: { start: 1, max: 1 } } });
    world.extole.setFaults(({ body }) => {
      if (body.includes('"A-0001"')) return { kind: 'status', status: 408 };
      return /"(A-0003|B-0002)"/.test(body) ? { kind: 'status', status: 425 } : undefined;
    });
    world.drop('a.csv', csv(rows('A', 3)), 90);
    world.drop('b.csv', csv(rows('B', 2)), 60);
    expect((await world.run('feed')).run).toMatchObject({ failed: 3, delivered: 2 });
    world.extole.setFaults(undefined);
    const look = async (...args: string[]) =>
      (await world.cli(['retry', 'feed', '--dry-run', '--json', ...args])).json();
    expect(await look('--since', '1h')).toMatchObject({ rows: 3 });
    expect(await look('--since', '0s')).toMatchObject({ rows: 0 });
    expect(await look('--file', 'b.csv')).toMatchObject({ rows: 1 });
    const { code, stdout } = await world.cli(['retry', 'feed', '--because', 'HTTP_425', '--file', 'a.csv', '--json']);
    expect([code, stdout]).toEqual([3, expect.stringContaining('"decision":1')]);
    expect(keysSent().slice(5)).toEqual(['A-0003']);
    expect(fates(results('a.csv.results.r2.csv'))).toEqual(['2 failed HTTP_408', '3 delivered', '4 delivered']);
    expect((await world.cli(['retry', 'feed', '--json'])).json()).toMatchObject({ delivered: 2, rows: 2 });
    expect(keysSent().slice(6).sort()).toEqual(['A-0001', 'B-0002']);
  });

  it('rows that failed for too long are listed as such, and released when a person has looked', async () => {
    world.extole.setFaults(() => ({ kind: 'status', status: 408 }));
    world.drop('a.csv', csv(rows('A', 1)));
    await world.run('feed');
    world.job('feed', { failed: { maxAge: '0s' }, held: { maxAge: '2d' } });
    const { run } = await world.run('feed');
    expect(run.notices).toMatchObject([{ code: 'HELD_EXPIRES', message: expect.stringContaining('a.csv (p1)') }]);
    expect((await world.cli(['held', '--json'])).json()).toMatchObject({
      waiting: [{ kind: 'failed-too-long', code: 'HTTP_408', rows: 1 }],
    });
    world.extole.setFaults(undefined);
    expect((await world.cli(['release', 'feed', '--code', 'HTTP_408', ...WHY])).code).toBe(0);
    expect(fates(results('a.csv.results.r3.csv'))).toEqual(['2 delivered']);
  });

  it('a duplicate of a row that a person rejected shares its fate once its own results are written anew', async () => {
    world.extole.setFaults(({ body }) =>
      body.includes('"A-0001"') ? 'resetpre' : body.includes('"B-0001"') ? { kind: 'status', status: 408 } : undefined,
    );
    world.drop('a.csv', csv(rows('A', 1)), 90);
    world.drop('b.csv', csv([...rows('A', 1), ...rows('B', 1)]), 60);
    expect((await world.run('feed')).run).toMatchObject({ held: 1, duplicate: 1, failed: 1 });
    world.extole.setFaults(undefined);
    await world.cli(['reject', 'a.csv', ...WHY]);
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ delivered: 1, open: 0, balanced: true });
    expect(fates(results('b.csv.results.r2.csv'))).toEqual(['2 rejected OPERATOR_REJECTED', '3 delivered']);
    expect(keysSent().filter((key) => key === 'A-0001')).toHaveLength(1);
  });

  it('a report that could not be put in place is published by the next run, and says what that run did', async () => {
    rmdirSync(join(world.served, 'reports'));
    writeFileSync(join(world.served, 'reports'), 'in the way');
    world.drop('a.csv', csv(rows('A', 2)));
    const first = await world.run('feed');
    expect([first.code, first.run.halted?.code, first.run.delivered]).toEqual([4, 'NOT_A_FOLDER', 2]);
    rmSync(join(world.served, 'reports'));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ files: [], reportPath: null });
    const [report = ''] = world.files('reports').filter((name) => name.endsWith('.r1.json'));
    expect(JSON.parse(world.read(`reports/${report}`).toString())).toMatchObject({ counts: { read: 2, delivered: 2 } });
    expect(world.files('reports').some((name) => name.endsWith('.day.html'))).toBe(true);
    const published = world.files('reports');
    await world.run('feed');
    expect(world.files('reports')).toEqual(published);
  });

  it('a file whose results could not be put in place is open, with all that became of its rows', async () => {
    mkdirSync(join(world.served, 'results', 'a.csv.results.csv'));
    world.drop('a.csv', csv([...rows('A', 2), row('X-1', { email: 'nobody' })]));
    const first = await world.run('feed');
    expect(first.run.files).toMatchObject([{ state: 'open', read: 3, delivered: 2, rejected: 1, resultsPath: null }]);
    rmdirSync(join(world.served, 'results', 'a.csv.results.csv'));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ read: 3, delivered: 2, rejected: 1, balanced: true });
    expect(world.requests()).toHaveLength(2);
  });

  it('a command whose daemon is stopped while it executes says so; what it began is gone on with', async () => {
    world.drop('a.csv', csv(rows('A', 40)));
    world.extole.setFaults(() => ({ kind: 'slow', ms: 200 }));
    daemon = await startDaemon(world);
    const asked = world.start(['run', 'feed', '--json']);
    await until('some rows to be sent', () => world.requests().length >= 4);
    daemon.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
    const end = await asked.done;
    expect([end.code, end.stderr]).toEqual([4, expect.stringContaining('DAEMON_GONE')]);
    world.extole.setFaults(undefined);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 40, balanced: true });
    expect(new Set(keysSent()).size).toBe(keysSent().length);
  });

  it('requests that a daemon died over are taken up again while somebody waits, and only then', async () => {
    await world.run('feed');
    const io = realIo(createLog('silent'));
    const ledger = await openLedger(world.ledger, 'daemon', io);
    const here = leaveRequest(ledger.db, 'run', '{}', `${hostname()}:${process.pid}`, io.now());
    leaveRequest(ledger.db, 'run', '{}', `${hostname()}:999999`, io.now());
    ledger.db.prepare('UPDATE requests SET taken_at = 1').run();
    giveBackRequests(ledger, io.now());
    expect(takeRequest(ledger, io.now())?.id).toBe(here);
    expect(takeRequest(ledger, io.now())).toBeUndefined();
    await ledger.close();
  });
});
