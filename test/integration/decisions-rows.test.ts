import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { reject } from '../../src/schedule/verbs/decisions.ts';
import type { CliProcess } from './support/e2e-cli.ts';
import { startDaemon } from './support/e2e-daemon.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const WHY = ['--reason', 'looked up at Extole', '--by', 'ann'];

describe('what a person decides about rows', { timeout: 90_000 }, () => {
  let world: World;
  let daemon: CliProcess | undefined;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(async () => {
    daemon?.kill('SIGKILL');
    await daemon?.done;
    daemon = undefined;
    await world.close();
  });
  const results = (name: string) => readResults(world.read(`results/${name}`));
  const keysSent = (): string[] => world.requests().map(({ body }) => body.data.partner_conversion_id ?? '');
  const decisions = (): unknown[] => {
    const db = new Database(world.ledger, { readonly: true });
    const all = db.prepare('SELECT verb, processing_id, rows, reason, decided_by, request_id FROM decisions').all();
    db.close();
    return all;
  };

  it('release: held rows whose answers were lost are sent again by the daemon, once, and a revision says so', async () => {
    world.job('feed');
    world.extole.setFaults(({ body }) => (/"A-000[1-3]"/.test(body) ? 'resetpre' : undefined));
    world.drop('a.csv', csv(rows('A', 6)));
    expect((await world.run('feed')).run).toMatchObject({ held: 3, delivered: 3 });
    const before = world.read('results/a.csv.results.csv');
    world.extole.setFaults(undefined);
    daemon = await startDaemon(world);

    const held = await world.cli(['held', 'feed', '--json']);
    expect(held.json()).toMatchObject({
      waiting: [{ kind: 'rows', file: 'p1', code: 'UNKNOWN_DELIVERY', rows: 3, key: 'A-0001' }],
    });
    expect(held.stdout).toContain('referry release p1 --code UNKNOWN_DELIVERY');
    const look = await world.cli(['release', 'a.csv', '--code', 'UNKNOWN_DELIVERY', '--dry-run', '--json']);
    expect(look.json()).toMatchObject({ rows: 3, dryRun: true, files: [{ file: 'p1', rows: 3 }] });
    expect(world.requests()).toHaveLength(6);

    // One line first, then the rest.
    const one = await world.cli(['release', 'p1', '--line', '3', ...WHY, '--json']);
    expect(one.code, one.stdout + one.stderr).toBe(0);
    expect(one.json()).toMatchObject({ rows: 1, run: { carriedIn: 1, delivered: 1, balanced: true } });
    expect(keysSent().slice(6)).toEqual(['A-0002']);
    const rest = await world.cli(['release', 'p1', ...WHY, '--expect', '2', '--json']);
    expect(rest.code, rest.stderr).toBe(0);
    expect(keysSent().slice(6)).toEqual(['A-0002', 'A-0001', 'A-0003']);

    expect(world.read('results/a.csv.results.csv').equals(before)).toBe(true);
    expect(fates(results('a.csv.results.r2.csv')).filter((fate) => fate.includes('held'))).toHaveLength(2);
    expect(fates(results('a.csv.results.r3.csv'))).toEqual(rows('A', 6).map((_, i) => `${i + 2} delivered`));
    expect(results('a.csv.results.r3.csv')[0]?.attempts).toBe(2);

    const again = await world.cli(['release', 'p1', ...WHY]);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('nothing was done');
    expect(world.requests()).toHaveLength(9);
    expect(decisions()).toEqual([
      { verb: 'release', processing_id: 1, rows: 1, reason: WHY[1], decided_by: 'ann', request_id: expect.any(Number) },
      { verb: 'release', processing_id: 1, rows: 2, reason: WHY[1], decided_by: 'ann', request_id: expect.any(Number) },
    ]);
    const explained = await world.cli(['explain', 'A-0002']);
    expect(explained.stdout).toMatch(/released by ann .*: looked up at Extole/);
  });

  it('a released row that fails again does not lose its key, since its first try may have been accepted', async () => {
    world.job('feed', { delivery: { maxAttempts: 1 } });
    world.extole.setFaults(() => 'resetpost');
    world.drop('a.csv', csv(rows('A', 1)));
    expect((await world.run('feed')).run).toMatchObject({ held: 1 });
    world.extole.setFaults(() => ({ kind: 'status', status: 408 }));
    const { code } = await world.cli(['release', 'feed', ...WHY]);
    expect(code).toBe(3);
    world.extole.setFaults(undefined);
    world.drop('b.csv', csv([{ ...row('A-0001'), amount: '1.00' }]));
    expect((await world.run('feed')).run).toMatchObject({ conflict: 1, delivered: 0 });
    expect(fates(results('a.csv.results.csv'))).toEqual(['2 held UNKNOWN_DELIVERY']);
  });

  it('confirm: held rows that a person found at Extole count as delivered, keep their keys, and nothing is sent', async () => {
    world.job('feed');
    world.extole.setFaults(() => 'resetpost');
    world.drop('a.csv', csv(rows('A', 2)));
    await world.run('feed');
    world.extole.setFaults(undefined);
    const { code, stdout } = await world.cli(['confirm', 'a.csv', '--code', 'UNKNOWN_DELIVERY', ...WHY]);
    expect(code, stdout).toBe(0);
    expect(fates(results('a.csv.results.r2.csv'))).toEqual(['2 delivered', '3 delivered']);
    world.drop('b.csv', csv(rows('A', 2)));
    expect((await world.run('feed')).run).toMatchObject({ duplicate: 2, delivered: 0 });
    expect(world.requests()).toHaveLength(2);
  });

  it('a number that is no longer true changes nothing', async () => {
    world.job('feed');
    world.extole.setFaults(() => 'resetpre');
    world.drop('a.csv', csv(rows('A', 2)));
    await world.run('feed');
    const io = { ...realIo(createLog('silent')), env: { ...process.env, ...world.env } };
    const ledger = await openLedger(world.ledger, 'command', io);
    const { signal } = new AbortController();
    const request = { verb: 'reject', job: 'feed', reason: 'x', by: 'ann', host: 'here', expect: 3 } as const;
    const options = { ledger, io, signal, jobs: world.jobs, state: world.state, cause: 'command' } as const;
    await expect(reject.execute(request, options)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    expect(ledger.db.prepare("SELECT count(*) AS n FROM deliveries WHERE state = 'held'").get()).toEqual({ n: 2 });
    expect(ledger.db.prepare('SELECT count(*) AS n FROM decisions').get()).toEqual({ n: 0 });
    await ledger.close();
  });

  it('reject: held rows end as rejected, with the reason, and their keys are free for a corrected row', async () => {
    world.job('feed');
    world.extole.setFaults(({ body }) => (body.includes('"A-0001"') ? 'resetpre' : undefined));
    world.drop('a.csv', csv(rows('A', 2)), 90);
    world.drop('same.csv', csv([...rows('A', 1), ...rows('B', 1)]), 60);
    expect((await world.run('feed')).run).toMatchObject({ held: 1, duplicate: 1 });
    world.extole.setFaults(undefined);
    daemon = await startDaemon(world);

    expect((await world.cli(['reject', 'p1', '--line', '2'])).stderr).toContain('--reason is missing');
    const { code, stdout } = await world.cli(['reject', 'p1', '--line', '2', '--reason', 'the account was closed']);
    expect(code, stdout).toBe(0);
    const line = results('a.csv.results.r2.csv')[0];
    expect(line).toMatchObject({ outcome: 'rejected', code: 'OPERATOR_REJECTED' });
    expect(line?.reason).toContain('the account was closed');
    expect(keysSent()).toEqual(['A-0001', 'A-0002', 'B-0001']);
    world.drop('b.csv', csv([{ ...row('A-0001'), amount: '1.00' }]));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 1 });
  });

  it('resolve: of A, A, B one line is picked and sent; the others say which; a delivered key is never sent again', async () => {
    world.job('feed');
    const a = row('K-A');
    world.drop('one.csv', csv([a, a, { ...a, amount: '1.00' }, row('K-B')]), 90);
    world.drop('two.csv', csv([{ ...row('K-B'), amount: '2.00' }]), 60);
    expect((await world.run('feed')).run).toMatchObject({ conflict: 4, delivered: 1 });
    daemon = await startDaemon(world);
    const held = await world.cli(['held', '--json']);
    expect(held.json()).toMatchObject({
      waiting: [
        { kind: 'conflict-in-file', file: 'p1', lines: [2, 3, 4], key: 'K-A', rows: 3 },
        { kind: 'conflict-with-earlier', file: 'p2', lines: [2], key: 'K-B' },
      ],
    });
    expect((await world.cli(['resolve', 'K-A', '--line', '5', ...WHY])).stderr).toContain('lines 2, 3, 4');
    const look = await world.cli(['resolve', 'K-A', '--line', '4', '--dry-run', '--json']);
    expect(look.json()).toMatchObject({ rows: 1 });

    const { code, stdout, stderr } = await world.cli(['resolve', 'K-A', '--line', '4', ...WHY, '--json']);
    expect(code, stdout + stderr).toBe(0);
    expect(world.requests().at(-1)?.body.data).toMatchObject({ partner_conversion_id: 'K-A', cart_value: '1.00' });
    const lines = results('one.csv.results.r2.csv');
    expect(fates(lines)).toEqual([
      '2 conflict CONFLICT_IN_FILE',
      '3 conflict CONFLICT_IN_FILE',
      '4 delivered',
      '5 delivered',
    ]);
    expect(lines[0]?.reason).toContain('picked line 4');
    expect((await world.cli(['explain', 'K-A'])).stdout).toContain('resolved by ann');

    const again = await world.cli(['resolve', 'K-A', '--line', '4', '--file', 'p1', ...WHY]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('it is delivered')]);
    const other = await world.cli(['resolve', 'K-A', '--line', '2', '--file', 'p1', ...WHY]);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('never sent twice')]);
    const earlier = await world.cli(['resolve', 'K-B', '--line', '2', ...WHY]);
    expect([earlier.code, earlier.stderr]).toEqual([2, expect.stringContaining('line 5 of one.csv')]);
    expect(keysSent().sort()).toEqual(['K-A', 'K-B']);
    expect(earlier.stderr).toContain('to end this conflict: referry reject p2 --line 2 --reason TEXT');
    expect((await world.cli(['reject', 'p2', '--line', '2', ...WHY])).code).toBe(0);
    expect((await world.cli(['held'])).stdout).toContain('Nothing waits');
  });
});
