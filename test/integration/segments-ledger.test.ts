import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import type { RunAccount } from '../../src/model.ts';
import { run } from '../../src/schedule/verbs/run.ts';
import { csv, row } from './support/e2e-rows.ts';
import { gatheredFiles } from './support/gathering.ts';
import { openSegmentsWorld, type SegmentsWorld } from './support/segments-world.ts';
import type { Json } from './support/usual-job.ts';

const DAY = 86_400_000;
/** The days of a test begin at noon, so that none is cut by midnight. */
const NOON = Math.floor(Date.now() / DAY) * DAY + DAY / 2;

const lately = (days: number, more: Json = {}): Json => ({
  source: { match: null },
  file: null,
  members: { id: null, from: 'ledger', ledger: { jobs: ['feed'], events: ['account_opened'], days, ...more } },
  guards: { maxShrink: 0.6, maxGrowth: 5 },
});

let segments: SegmentsWorld;

beforeEach(async () => {
  segments = await openSegmentsWorld({ job: lately(3) });
  segments.world.job('feed');
});
afterEach(() => segments.close());

/** A run of a job so many days from now. */
async function runOnDay(day: number, job = 'segments'): Promise<RunAccount> {
  const { world } = segments;
  const real = realIo(createLog('silent'));
  const began = real.now();
  const io = { ...real, now: () => NOON + day * DAY + (real.now() - began), env: { ...process.env, ...world.env } };
  const ledger = await openLedger(world.ledger, 'command', io);
  try {
    const { signal } = new AbortController();
    const options = { ledger, io, signal, jobs: world.jobs, state: world.state, cause: 'command' } as const;
    return (await run.execute({ verb: 'run', job }, options)).executed.account;
  } finally {
    await ledger.close();
  }
}

/** Accounts of these people are opened, all on one day. */
async function opened(day: number, ...people: number[]): Promise<void> {
  const rows = people.map((n) => row(`A-${day}-${n}`, { member: `user-${n}` }));
  segments.world.drop(`day-${day}.csv`, csv(rows));
  const account = await runOnDay(day, 'feed');
  expect(account.counts).toMatchObject({ delivered: people.length });
}

test('who was delivered within the days is in the segment, and leaves it at the midnight after the last of them', async () => {
  await opened(0, 1, 2, 3);
  expect(await runOnDay(0)).toMatchObject({ counts: { delivered: 3, open: 0 }, balanced: true });
  expect(segments.members().sort()).toEqual(['user-1', 'user-2', 'user-3']);
  await opened(1, 3, 4, 5);
  await runOnDay(1);
  expect(segments.members().sort()).toEqual(['user-1', 'user-2', 'user-3', 'user-4', 'user-5']);
  const before = segments.braze.received.length;
  const same = await runOnDay(2);
  expect(same).toMatchObject({ counts: { delivered: 5, open: 0 } });
  expect(await runOnDay(2.1)).toMatchObject({ files: [], notices: [] });
  expect(segments.braze.received.length).toBe(before);
  const last = await runOnDay(3);
  expect(last.files[0]?.segments).toMatchObject([{ before: 5, desired: 3, added: 0, removed: 2, after: 3 }]);
  expect(last.files[0]?.name).toMatch(/^segments-delivered-\d{8}-[0-9a-f]{8}\.csv$/);
  expect(segments.members().sort()).toEqual(['user-3', 'user-4', 'user-5']);
  expect(gatheredFiles(segments.world.state, 'members')).toEqual([]);
});
