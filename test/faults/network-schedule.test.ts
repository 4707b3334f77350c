import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadJobs } from '../../src/jobs/load.ts';
import { lastFire, rememberFire } from '../../src/ledger/schedules.ts';
import { createPassedOver, dueRun } from '../../src/schedule/due-run.ts';
import { createTurns } from '../../src/schedule/turns.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { type Executor, keysOf, openExecutor } from './support/executor.ts';

const MINUTE = 60_000;

describe('jobs that meet', () => {
  let world: World;
  let executor: Executor;
  afterEach(async () => {
    await executor.close();
    await world.close();
  });

  describe('at their schedule', () => {
    beforeEach(async () => {
      world = await openWorld();
      executor = await openExecutor(world);
    });

    it('N32: a run that takes longer than the time between two ticks never overlaps with itself; each tick that passed is recorded, and one run makes up all', async () => {
      world.job('feed', { schedule: '* * * * *', delivery: PATIENT });
      const [job] = (await loadJobs(world.jobs, world.env)).jobs;
      if (job === undefined) throw new Error('no job');
      const { ledger } = executor;
      const recorded: string[] = [];
      const note = ({ due }: { due?: string }): void => void recorded.push(String(due));
      const passOver = createPassedOver(ledger, { info: note });
      const turns = createTurns();
      const { promise: slow, resolve: over } = Promise.withResolvers<void>();
      const began: number[] = [];
      let atWork = 0;
      const start = Math.ceil(Date.now() / MINUTE) * MINUTE;
      rememberFire(ledger, 'feed', start - MINUTE);
      for (let minute = 0; minute < 8; minute++) {
        if (minute === 5) over();
        // What was under way ends before the next look.
        await new Promise((resolve) => setTimeout(resolve, 20));
        const now = start + minute * MINUTE + 300;
        if (turns.busy('feed')) {
          passOver(job, now);
          continue;
        }
        const next = dueRun(ledger, job, { since: lastFire(ledger, 'feed') ?? 0, interrupted: false, now });
        if (next === undefined) continue;
        rememberFire(ledger, 'feed', next.due);
        void turns.take('feed', async () => {
          expect(++atWork).toBe(1);
          began.push(minute);
          await slow;
          atWork--;
        });
      }
      await turns.stop();
      expect(began).toEqual([0, 5, 6, 7]);
      expect(recorded).toEqual([1, 2, 3, 4].map((minute) => new Date(start + minute * MINUTE).toISOString()));
    });
  });

  describe('at a server that opens one session', () => {
    beforeEach(async () => {
      world = await openWorld({ remote: 'sftp' });
      executor = await openExecutor(world, { patient: true });
    });

    it('N25: wait for each other, and both come through in the same run', async () => {
      const { sftp } = world;
      if (!sftp) throw new Error('no server');
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
