import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { noticeClock } from '../../src/ledger/clock.ts';
import { openLedger } from '../../src/ledger/open.ts';
import type { RunAccount } from '../../src/model.ts';
import { run } from '../../src/schedule/verbs/run.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const DAY = 86_400_000;

let world: World;
beforeEach(async () => {
  yesterday = 0;
  world = await openWorld();
  world.job('feed', { delivery: { maxAttempts: 1 } });
});
afterEach(() => world.close());

let yesterday = 0;

/** A run of the job so many days from now. The machine was on since the one before, so that its clock is believed. */
async function runOnDay(day: number): Promise<RunAccount> {
  const real = realIo(createLog('silent'));
  const io = { ...real, now: () => real.now() + day * DAY, env: { ...process.env, ...world.env } };
  const ledger = await openLedger(world.ledger, 'command', io);
  try {
    for (let on = yesterday; on < day; on++) noticeClock(ledger, real.now() + on * DAY);
    yesterday = day;
    const { signal } = new AbortController();
    const options = { ledger, io, signal, jobs: world.jobs, state: world.state, cause: 'command' } as const;
    return (await run.execute({ verb: 'run', job: 'feed' }, options)).executed.account;
  } finally {
    await ledger.close();
  }
}

const results = (name: string): string[] => fates(readResults(world.read(`results/${name}`)));
const notices = (account: RunAccount): string[] => account.notices.map(({ code }) => code);

it('a row fails for a week, is held for a month, spoken of three days before, and then rejected: each in a revision of its own', async () => {
  world.extole.setFaults(({ body }) => (body.includes('"A-0002"') ? { kind: 'status', status: 408 } : undefined));
  world.drop('a.csv', csv(rows('A', 2)));
  expect(await runOnDay(0)).toMatchObject({ counts: { delivered: 1, failed: 1 } });
  expect(await runOnDay(6.9)).toMatchObject({ carriedIn: 1, counts: { failed: 1, held: 0 } });
  expect(await runOnDay(7.1)).toMatchObject({ carriedIn: 1, counts: { failed: 0, held: 1 }, balanced: true });
  expect(results('a.csv.results.r2.csv')).toEqual(['2 delivered', '3 held HTTP_408']);
  expect(notices(await runOnDay(33))).toEqual([]);
  expect(notices(await runOnDay(34.5))).toEqual(['HELD_EXPIRES']);
  expect(await runOnDay(36.9)).toMatchObject({ counts: { rejected: 0 } });
  const last = await runOnDay(37.3);
  expect(last).toMatchObject({ carriedIn: 1, counts: { held: 0, rejected: 1 }, balanced: true });
  expect(notices(last)).toEqual([]);
  expect(results('a.csv.results.r3.csv')).toEqual(['2 delivered', '3 rejected EXPIRED']);
  // Its key is free.
  world.extole.setFaults(undefined);
  world.drop('b.csv', csv([row('A-0002', { amount: '1.00' })]));
  expect(await runOnDay(38)).toMatchObject({ counts: { delivered: 1 } });
});

it('a file that is held as a whole is spoken of three days before its month is over, and then rejected', async () => {
  world.drop('a.csv', csv([row('A-0001'), row('X-1', { email: 'nobody' }), row('X-2', { email: 'nobody' })]));
  await runOnDay(0);
  expect(notices(await runOnDay(26))).toEqual([]);
  expect(notices(await runOnDay(28))).toEqual(['HELD_EXPIRES']);
  expect(await runOnDay(30.1)).toMatchObject({ carriedIn: 1, counts: { held: 0, rejected: 1 }, balanced: true });
  expect(results('a.csv.results.r2.csv')[0]).toBe('2 rejected EXPIRED');
  expect(world.requests()).toEqual([]);
});
