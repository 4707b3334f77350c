import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CliResult } from './e2e-cli.ts';
import { bodiesOf, type CrashFile, crashFiles } from './e2e-crash-files.ts';
import { snapshotOf } from './e2e-crash-watch.ts';
import { readResults } from './e2e-results.ts';
import { openWorld, type Request, type World } from './e2e-world.ts';

export type WholeFileLane = 'sftp' | 'batch';

/** A world with a job that sends whole files, and two days of a feed in its inbox. */
export async function openLaneWorld(lane: WholeFileLane, rows = 24): Promise<{ world: World; files: CrashFile[] }> {
  const world = await openWorld({ extoleSftp: {} });
  world.job('feed', laneJob(world, lane));
  const files = crashFiles(rows);
  for (const [i, { name, text }] of files.entries()) world.drop(name, text, 100 - i);
  return { world, files };
}

/** What a job says to use a lane of whole files; it waits for the answer within the run. */
export function laneJob(world: World, lane: WholeFileLane, upload: object = {}): { [name: string]: unknown } {
  return {
    destination: {
      extole: {
        lane,
        ...(lane === 'sftp' ? { sftp: world.extoleSftp?.settings } : {}),
        // In real life it takes a while until a batch that was made shows in the list of batches.
        batch: { settle: '0s' },
        upload: { wait: '10s', poll: '30ms', stable: '0s', ...upload },
      },
    },
    delivery: { unknown: 'resend', maxAmbiguous: 100 },
  };
}

/** Whether every file is through. */
export function isThrough(world: World): boolean {
  const last = snapshotOf(world.ledger);
  if (!last || world.files('inbox').length > 0 || last.processings.length === 0) return false;
  const open = [...last.rows.values()].some(({ state }) => ['claimed', 'waiting', 'unknown', 'failed'].includes(state));
  return !open && last.processings.every(({ state }) => state === 'closed' || state === 'vanished');
}

/** Runs until every file is through; at most so many lives. */
export async function liveUntilThrough(world: World, lives = 5): Promise<CliResult[]> {
  const ends: CliResult[] = [];
  for (let life = 0; life < lives && !isThrough(world); life++) ends.push(await world.cli(['run', 'feed', '--json']));
  return ends;
}

const keyOf = ({ body }: Request): string => body.data.partner_conversion_id ?? '';

/**
 * What must hold whatever happened: each row has the outcome that the maker of the file expects, each row that was to arrive has arrived
 * with its own values, once, and nothing else has; no file was sent a second time.
 */
export function checkLane(world: World, files: readonly CrashFile[], lane: WholeFileLane): void {
  for (const { name, expected } of files) {
    const seen = readResults(newestResults(world, name)).map(({ line, outcome, code, input }) => ({
      line,
      outcome,
      code,
      input,
    }));
    expect(seen, name).toEqual(expected.map(({ row: _, ...rest }) => rest));
  }
  const bodies = bodiesOf(files);
  const taken = world.taken();
  expect(taken.map(keyOf).sort(), 'rows that Extole took').toEqual([...bodies.keys()].sort());
  for (const each of taken) expect(each.body.data).toEqual(bodies.get(keyOf(each)));
  expect(world.requests(), 'events sent one by one').toEqual([]);
  if (lane === 'sftp') checkFolder(world);
  else checkBatches(world);
  const last = snapshotOf(world.ledger);
  expect(last?.integrity).toBe('ok');
  expect(world.files('processing')).toEqual([]);
  expect(world.files('archive')).toHaveLength(files.length);
}

/** The last revision of a file's results. */
export function newestResults(world: World, name: string): Buffer {
  const places = world.files('results').filter((file) => file.startsWith(`${name}.results`));
  const newest = places.map((file) => ({ file, n: Number(/\.r(\d+)\.csv$/.exec(file)?.[1] ?? 1) }));
  const [last] = newest.sort((a, b) => b.n - a.n);
  return world.read(`results/${last?.file}`);
}

/** No name came twice, none was refused, and nothing half is left beside them. */
function checkFolder(world: World): void {
  const taken = world.extoleSftp?.folder.taken ?? [];
  expect(taken.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
  expect(new Set(taken.map(({ name }) => name)).size).toBe(taken.length);
  const left = readdirSync(join(world.extoleSftp?.root ?? '', 'events')).filter(
    (name) => !/^(archive|results)$/.test(name),
  );
  expect(left, 'left in the folder of Extole').toEqual([]);
}

/** One batch for each file, and each file once. */
function checkBatches(world: World): void {
  world.extole.flush();
  const lines = readFileSync(join(world.root, 'received.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const made = lines
    .map((line): Request => JSON.parse(line))
    .filter(({ method, accepted }) => method === 'POST' && accepted);
  const of = (path: string): Request[] => made.filter((each) => each.path === path);
  expect(of('/v6/batches')).toHaveLength(of('/v6/files').length);
  expect(of('/v6/files').length).toBeGreaterThan(0);
}
