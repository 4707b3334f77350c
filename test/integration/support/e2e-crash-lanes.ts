import type { CliResult } from './e2e-cli.ts';
import { snapshotOf } from './e2e-crash-watch.ts';
import type { World } from './e2e-world.ts';

export type WholeFileLane = 'sftp' | 'batch';

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
  const open = last.rows.some((state) => ['claimed', 'waiting', 'unknown', 'failed'].includes(state));
  return !open && last.processings.every(({ state }) => state === 'closed' || state === 'vanished');
}

/** Runs until every file is through; at most so many lives. */
export async function liveUntilThrough(world: World, lives = 5): Promise<CliResult[]> {
  const ends: CliResult[] = [];
  for (let life = 0; life < lives && !isThrough(world); life++) ends.push(await world.cli(['run', 'feed', '--json']));
  return ends;
}

/** The last revision of a file's results. */
export function newestResults(world: World, name: string): Buffer {
  const places = world.files('results').filter((file) => file.startsWith(`${name}.results`));
  const newest = places.map((file) => ({ file, n: Number(/\.r(\d+)\.csv$/.exec(file)?.[1] ?? 1) }));
  const [last] = newest.sort((a, b) => b.n - a.n);
  return world.read(`results/${last?.file}`);
}
