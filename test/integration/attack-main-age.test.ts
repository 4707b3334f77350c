import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

describe('rows and files whose time is over', () => {
  let world: World;
  afterEach(() => world.close());

  it('a held file that expires in a run that dies is told by the next one', async () => {
    world = await openWorld();
    const held = { file: { maxRejected: 0.1 } };
    world.job('feed', held);
    world.drop('a.csv', csv([...rows('A', 3), 'torn']));
    expect((await world.run('feed')).run).toMatchObject({ held: 3, rejected: 1 });
    world.job('feed', { ...held, held: { maxAge: '0s' } });
    const dead = await world.cli(['run', 'feed'], { REFERRY_CRASH_AT: 'publication-planned:1' });
    expect(dead.signal).toBe('SIGKILL');
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ balanced: true, rejected: 3 });
    expect(fates(readResults(world.read('results/a.csv.results.r2.csv')))).toContain('2 rejected EXPIRED');
    const status = await world.cli(['status', '--json']);
    expect(status.stdout).not.toContain('TOO_MANY_REJECTED');
  });

  it('one whose staged file is lost keeps no other file from being taken', async () => {
    world = await openWorld();
    const delivery = { maxAttempts: 1 };
    world.job('feed', { delivery });
    world.drop('a.csv', csv(rows('A', 4)));
    world.extole.setFaults(({ body }) => (body.includes('"A-0002"') ? { kind: 'status', status: 408 } : undefined));
    expect((await world.run('feed')).run).toMatchObject({ failed: 1, delivered: 3 });
    rmSync(join(world.state, 'staging'), { recursive: true });
    for (const name of world.files('archive')) rmSync(join(world.served, 'archive', name));
    world.extole.setFaults(undefined);
    world.job('feed', { delivery, failed: { maxAge: '0s' } });
    world.drop('b.csv', csv(rows('B', 2)));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ delivered: 2, halted: null });
    expect(run.notices.map(({ code }) => code)).toEqual(['STAGED_FILE_LOST']);
  });
});

describe('the staged copy of a file that comes again long after', () => {
  let world: World;
  afterEach(() => world.close());

  it('is removed like any other', async () => {
    world = await openWorld();
    world.job('feed', { retention: { days: 0 } });
    const staged = () => readdirSync(join(world.state, 'staging')).filter((name) => name.startsWith('p'));
    world.drop('a.csv', csv(rows('A', 3)));
    await world.run('feed');
    await world.run('feed');
    expect(staged()).toEqual([]);
    world.drop('a.csv', csv(rows('A', 3)), 10);
    expect((await world.run('feed')).run).toMatchObject({ duplicate: 3 });
    await world.run('feed');
    expect(staged()).toEqual([]);
  });
});
