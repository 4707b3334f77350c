import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLog, realIo } from '../../../src/io.ts';
import { type BrazeOptions, type BrazeStandIn, startBraze } from '../../../src/sandbox/braze/server.ts';
import { type IterableStandIn, startIterable } from '../../../src/sandbox/iterable/server.ts';
import { readResults } from './e2e-results.ts';
import { openWorld, type World } from './e2e-world.ts';
import { fromEnv, type Json, merged } from './usual-job.ts';

export interface SegmentsWorld {
  world: World;
  braze: BrazeStandIn;
  /** Writes the job `segments` again, with parts replaced. */
  job(change?: Json): void;
  /** Drops a file of these members, with a trailer that counts them. */
  drop(name: string, members: readonly string[]): void;
  results(name: string): ReturnType<typeof readResults>;
  /** Who is in a cohort at the stand-in. */
  members(segment?: string): string[];
  close(): Promise<void>;
}

export const user = (n: number): string => `user-${n}`;
export const users = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => user(from + i));

/** Rows of a file of members, with a trailer. */
export const snapshot = (members: readonly string[], header = 'id'): string =>
  [header, ...members, `TRAILER|${members.length}`].map((line) => `${line}\n`).join('');

export const person = (n: number): string => `p${n}@example.com`;
/** Sorted by their text. */
export const people = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => person(from + i)).sort();

/** Waits of a target that tests need not sit out. */
export const QUICK = { patience: '20s', backoff: { first: '5ms', cap: '20ms' } };

/** Writes the job `segments`, which keeps one segment at a target, with parts replaced. */
export function writeSegmentsJob(world: World, target: Json, change: Json = {}): void {
  const job: Json = {
    pipeline: 'sync-segment',
    source: { url: `file://${world.served}/inbox`, match: '*.csv', stable: { for: '0s' } },
    file: { trailer: { startsWith: 'TRAILER', delimiter: '|', count: 2 } },
    members: { id: 'id' },
    segments: { vip: 'VIP customers' },
    target,
    delivery: { maxAttempts: 2, backoff: { first: '5ms', cap: '40ms' } },
  };
  writeFileSync(join(world.jobs, 'segments.yaml'), JSON.stringify(merged(job, change), null, 2), { mode: 0o600 });
}

/** Iterable, which knows people 1 to 40, and the target that a job names. Its key is in the environment of the world. */
export async function iterableTarget(world: World): Promise<{ iterable: IterableStandIn; target: Json }> {
  const limits = { requests: Number.POSITIVE_INFINITY, readsPerMinute: Number.POSITIVE_INFINITY };
  const project = { emails: people(1, 40) };
  const iterable = await startIterable({ io: realIo(createLog('silent')), keys: ['segments-token'], limits, project });
  world.env.SEGMENTS_SECRET = 'segments-token';
  const quick = { ...QUICK, requestsPerSecond: 1000, readsPerMinute: 9000, quiet: '0s' };
  const target = {
    iterable: { account: 'acme', apiKey: fromEnv('SEGMENTS_SECRET'), url: iterable.url, ...quick },
  };
  return { iterable, target };
}

/** A world with a job `segments` that keeps cohorts at a stand-in of Braze, called often so that tests are quick. */
export async function openSegmentsWorld(
  options: { job?: Json; braze?: Omit<BrazeOptions, 'io'> } = {},
): Promise<SegmentsWorld> {
  const world = await openWorld();
  const cohorts = { partner: 'heap', partnerApiKey: 'partner-key', clientSecret: 'import-key' };
  const known = users(1, 2000).map((name) => `external_id ${name}`);
  const braze = await startBraze({
    io: realIo(createLog('silent')),
    keys: ['rest-key'],
    known,
    cohorts,
    ...options.braze,
  });
  const target = {
    braze: {
      account: 'acme',
      url: braze.url,
      cohort: {
        ...{
          partner: 'heap',
          partnerApiKey: fromEnv('BRAZE_PARTNER_KEY'),
          clientSecret: fromEnv('BRAZE_IMPORT_KEY'),
        },
        ...{ idsPerCall: 10, requestsPerHour: 10_000_000 },
      },
      ...QUICK,
    },
  };
  const job = (change: Json = {}): void => writeSegmentsJob(world, target, change);
  Object.assign(world.env, { BRAZE_PARTNER_KEY: 'partner-key', BRAZE_IMPORT_KEY: 'import-key' });
  job(options.job);
  return {
    world,
    braze,
    job,
    drop: (name, members) => world.drop(name, snapshot(members)),
    results: (name) => readResults(world.read(`results/${name}.results.csv`)),
    members: (segment = 'vip') =>
      [...(braze.cohorts.get(segment)?.members ?? [])].map((name) => name.replace('external_id ', '')),
    close: async () => {
      await braze.stop();
      await world.close();
    },
  };
}
