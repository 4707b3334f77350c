import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../integration/support/e2e-cli.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { type ClockDaemon, startClockDaemon } from './support/clock-daemon.ts';
import { type Executor, keysOf, openExecutor } from './support/executor.ts';
import { startToxics } from './support/toxics.ts';

const MINUTE = 60_000;

describe('jobs that meet', () => {
  let world: World;
  let executor: Executor | undefined;
  let daemon: ClockDaemon | undefined;
  afterEach(async () => {
    await daemon?.stop();
    daemon = undefined;
    await executor?.close();
    executor = undefined;
    await world.close();
  });

  describe('at their schedule', () => {
    beforeEach(async () => {
      world = await openWorld();
    });

    it('N32: a run that takes longer than the time between two ticks never overlaps with itself; each tick that passed is recorded, and one run makes up all', async () => {
      const proxy = await startToxics(world.extole.port);
      const url = `http://127.0.0.1:${proxy.port}`;
      world.job('feed', {
        schedule: '* * * * *',
        delivery: PATIENT,
        destination: { extole: { apiUrl: url, eventsUrl: url } },
      });
      world.drop('a.csv', csv(rows('A', 5)));
      const start = Date.UTC(2026, 10, 21, 12, 0, 30);
      const minute = (n: number): number => start + n * MINUTE;
      daemon = await startClockDaemon(world, start);
      const { at, look, runs, told } = daemon;
      // Whatever is sent stays on its way.
      proxy.up.stall = true;
      await look(minute(1));
      await until('the run to send', () => proxy.accepted > 0);
      for (const n of [2, 3, 4]) await look(minute(n));
      expect(runs('feed')).toEqual([{ cause: 'schedule', state: 'running', at: minute(1) }]);
      const passed = [2, 3, 4].map((n) => new Date(minute(n) - 30_000).toISOString());
      expect(told).toEqual({ begun: 1, ended: 0, passed });

      proxy.heal();
      await until('the run to end', () => told.ended === 1);
      await at(minute(5));
      await at(minute(6));
      expect(runs('feed').map(({ state, at }) => [state, at])).toEqual([
        ['finished', minute(1)],
        ['finished', minute(5)],
        ['finished', minute(6)],
      ]);
      expect(told).toEqual({ begun: 3, ended: 3, passed });
      expect(keysOf(world)).toHaveLength(5);
      await proxy.close();
    });
  });

  describe('at a server that opens one session', () => {
    beforeEach(async () => {
      world = await openWorld({ remote: 'sftp' });
      executor = await openExecutor(world, { patient: true });
    });

    it('N25: wait for each other, and both come through in the same run', async () => {
      const { sftp } = world;
      if (!sftp || !executor) throw new Error('no server');
      for (const [job, match] of [
        ['first', 'a*.csv'],
        ['second', 'b*.csv'],
      ] as const)
        world.job(job, { delivery: PATIENT, source: { match } });
      world.drop('a.csv', csv(rows('A', 20)));
      world.drop('b.csv', csv(rows('B', 20)));
      sftp.quirks.maxSessions = 1;
      const ends = await Promise.all([executor.run('first'), executor.run('second')]);
      expect(ends.map(({ code, codes }) => [code, codes])).toEqual([
        [0, []],
        [0, []],
      ]);
      expect(new Set(keysOf(world)).size).toBe(40);
      expect(world.files('results')).toEqual(['a.csv.results.csv', 'b.csv.results.csv']);
    });
  });
});
