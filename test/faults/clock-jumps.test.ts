import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DaemonOptions } from '../../src/schedule/daemon.ts';
import { until } from '../integration/support/e2e-cli.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { type ClockDaemon, startClockDaemon } from './support/clock-daemon.ts';
import { openExecutor } from './support/executor.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** A backup each night. */
const backedUp = (backupTo: string): DaemonOptions['upkeep'] => ({
  backupAt: { at: '03:00', timezone: 'UTC' },
  backupTo,
  backupKeep: 50,
});

describe('a clock that jumps', () => {
  let world: World;
  let daemon: ClockDaemon | undefined;
  const START = Date.UTC(2026, 10, 21, 12, 0, 30);
  beforeEach(async () => {
    world = await openWorld();
    world.job('often', { schedule: '* * * * *', source: { match: 'often-*' } });
    world.job('daily', { schedule: '30 4 * * *', source: { match: 'daily-*' }, report: { morning: '05:00' } });
  });
  afterEach(async () => {
    await daemon?.stop();
    daemon = undefined;
    await world.close();
  });

  it('C15, C17: forward by hours or a year it makes up one run, and none of what lies between; back again, nothing stands still', async () => {
    const backups = join(world.root, 'backups');
    daemon = await startClockDaemon(world, START, backedUp(backups));
    const { at, runs } = daemon;
    await at(START + MINUTE);
    expect(runs('often')).toHaveLength(1);
    // Six hours that nobody saw, then a year.
    await at(START + 6 * HOUR);
    expect(runs('often')).toHaveLength(2);
    await at(START + YEAR);
    expect(runs('often')).toHaveLength(3);
    expect(runs('daily').map(({ cause }) => cause)).toEqual(['catch-up']);

    const made = (): number =>
      existsSync(backups) ? readdirSync(backups).filter((name) => name.endsWith('.sqlite')).length : 0;
    await until('the backup of the other year', () => made() === 1);

    // Back again: from the time that the clock shows, minute for minute.
    const back = START + 6 * HOUR;
    await at(back);
    await at(back + MINUTE);
    await at(back + 2 * MINUTE);
    expect(runs('often').length, 'runs since the clock was set back').toBe(5);

    // The next day has its one run, its backup and its morning report, like any other.
    for (let hour = 1; hour <= 20; hour++) await at(back + hour * HOUR);
    expect(runs('daily')).toHaveLength(2);
    await until('a backup', () => made() === 2);
    await until('a morning report', () =>
      world.files('reports').some((name) => name.includes('2026-11-21') && name.endsWith('.html')),
    );
  });

  it('C15: set back by an hour it fires on, and set by seconds it fires no tick twice', async () => {
    daemon = await startClockDaemon(world, START, backedUp(join(world.root, 'backups')));
    const { at, runs } = daemon;
    await at(START + MINUTE);
    // An NTP step over the minute's border, back and forth.
    await at(START + 29_000);
    await at(START + MINUTE + 2000);
    expect(runs('often')).toHaveLength(1);
    await at(START + MINUTE - HOUR);
    await at(START + 2 * MINUTE - HOUR);
    await at(START + 3 * MINUTE - HOUR);
    expect(runs('often')).toHaveLength(3);
    expect(runs('daily')).toEqual([]);
  });

  it.each([8, 40, 89, 365])(
    'C15: %i days ahead, nothing that waits for a person expires and no staged copy goes; a day later the clock is believed',
    async (days) => {
      world.job('often', {
        source: { match: 'often-*' },
        delivery: { ...PATIENT, unknown: 'hold' },
        held: { maxAge: '7d' },
        retention: { days: 7 },
      });
      world.drop('often-1.csv', csv(rows('A', 3)));
      world.drop('often-2.csv', csv(rows('B', 1)));
      world.extole.setFaults(({ seq }) => (seq === 2 ? 'resetpost' : undefined));
      const executor = await openExecutor(world);
      const held = (): number =>
        executor.ledger.db.prepare("SELECT 1 FROM deliveries WHERE state = 'held' AND owns = 1").all().length;
      const staged = (): string[] => readdirSync(join(world.state, 'staging')).filter((name) => /^p\d/.test(name));
      await executor.run('often');
      expect([held(), staged()]).toEqual([1, ['p1', 'p2']]);
      for (const since of [0, 23 * HOUR]) {
        executor.ahead = days * DAY + since;
        await executor.run('often');
        expect([held(), staged()], 'while the clock is not believed').toEqual([1, ['p1', 'p2']]);
      }
      // Right again: the key is owned, and what comes again with it is not sent.
      executor.ahead = 0;
      const sent = world.requests().length;
      world.drop('often-3.csv', csv(rows('A', 3).toReversed()), 60);
      await executor.run('often');
      expect([held(), world.requests().length - sent]).toEqual([1, 0]);
      // The same with a machine that was off for so long: what is too old goes a day later.
      executor.ahead = days * DAY;
      await executor.run('often');
      executor.ahead = days * DAY + 25 * HOUR;
      await executor.run('often');
      expect([held(), staged()]).toEqual([0, ['p1']]);
      await executor.close();
      const results = readResults(world.read('results/often-1.csv.results.r2.csv'));
      expect(results.map(({ code }) => code)).toContain('EXPIRED');
    },
  );

  it('C15: stepped over midnight and back again, the day that begins has one run, one backup and one morning report', async () => {
    const backups = join(world.root, 'backups');
    world.job('daily', { schedule: '0 0 * * *', source: { match: 'daily-*' }, report: { morning: '00:00' } });
    const midnight = Date.UTC(2026, 10, 22);
    daemon = await startClockDaemon(world, midnight - 90_000, {
      backupAt: { at: '00:00', timezone: 'UTC' },
      backupTo: backups,
      backupKeep: 50,
    });
    const { at, runs } = daemon;
    const made = (): string[] =>
      (existsSync(backups) ? readdirSync(backups) : []).filter((name) => name.endsWith('.sqlite'));
    const reports = (): string[] =>
      world
        .files('reports')
        .filter((name) => name.includes('2026-11-21') && name.includes('morning') && name.endsWith('.html'));
    await at(midnight - 30_000);
    expect([runs('daily'), made(), reports()]).toEqual([[], [], []]);
    await at(midnight + 1000);
    expect(runs('daily')).toHaveLength(1);
    await until('a backup', () => made().length === 1);
    await until('a morning report', () => reports().length === 1);
    // Set right by some seconds, so that the day begins once more.
    for (const seconds of [-20, 5, -40, 10]) await at(midnight + seconds * 1000);
    for (let minute = 1; minute <= 3; minute++) await at(midnight + minute * MINUTE);
    expect([runs('daily').length, made().length, reports().length]).toEqual([1, 1, 1]);
    // The next day as well.
    await at(midnight + DAY);
    expect(runs('daily')).toHaveLength(2);
    await until('the next backup', () => made().length === 2);
  });

  it('C15: pauses between tries are as long as they are, whatever the clock shows meanwhile', async () => {
    world.job('often', {
      source: { match: 'often-*' },
      delivery: { ...PATIENT, backoff: { first: '40ms', cap: '80ms' } },
    });
    world.drop('often-1.csv', csv(rows('A', 40)));
    const executor = await openExecutor(world);
    let n = 0;
    world.extole.setFaults(({ seq }) => {
      executor.ahead = [YEAR, -YEAR, HOUR, -HOUR][n++ % 4] ?? 0;
      return seq <= 60 ? '429' : undefined;
    });
    const started = performance.now();
    const { code } = await executor.run('often');
    await executor.close();
    expect(code).toBe(0);
    expect(performance.now() - started).toBeLessThan(25_000);
    expect(fates(readResults(world.read('results/often-1.csv.results.csv')))).toEqual(
      rows('A', 40).map((_, i) => `${i + 2} delivered`),
    );
  });
});
