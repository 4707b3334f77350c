import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { laneJob, newestResults, type WholeFileLane } from './support/e2e-crash-lanes.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const keysTaken = (world: World): (string | undefined)[] =>
  world.taken().map(({ body }) => body.data.partner_conversion_id);

async function worldWith(lane: WholeFileLane, upload: object): Promise<World> {
  const world = await openWorld({ extoleSftp: {} });
  world.job('feed', laneJob(world, lane, upload));
  world.drop('a.csv', csv(rows('A', 3)));
  return world;
}

async function backup(world: World): Promise<string> {
  const made = await world.cli(['backup', '--to', join(world.root, 'b'), '--json']);
  expect(made.code, made.stderr).toBe(0);
  return String(made.json().path);
}

async function loseAndRestore(world: World, copy: string): Promise<void> {
  for (const part of ['', '-wal', '-shm']) rmSync(world.ledger + part, { force: true });
  const restored = await world.cli(['restore', copy]);
  expect([0, 3], restored.stderr).toContain(restored.code);
}

describe('a restored ledger', () => {
  it('of a time when a batch job was still to be made: it makes no second one, and no held row leaves', async () => {
    const world = await worldWith('batch', { wait: '0s' });
    world.extole.batches.walk = ['PENDING', 'IN_PROGRESS'];
    world.extole.setFaults(({ method, path }) => (method === 'POST' && path === '/v6/batches' ? '429' : undefined));
    await world.run('feed');
    const copy = await backup(world);
    world.extole.setFaults(undefined);
    await world.run('feed');
    expect(keysTaken(world)).toEqual(['A-0001', 'A-0002', 'A-0003']);
    await loseAndRestore(world, copy);
    for (let i = 0; i < 2; i++) await world.run('feed');
    expect(keysTaken(world)).toEqual(['A-0001', 'A-0002', 'A-0003']);
    expect(fates(readResults(newestResults(world, 'a.csv')))).toEqual([
      '2 held LEDGER_RESTORED',
      '3 held LEDGER_RESTORED',
      '4 held LEDGER_RESTORED',
    ]);
    await world.close();
  }, 60_000);
});
