import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, type World } from '../integration/support/e2e-world.ts';

describe('results that lag behind their rows', { timeout: 90_000 }, () => {
  let world: World;
  afterEach(() => world.close());

  it('are published by a later run, however old the file is: its staged copy is not pruned before', async () => {
    world = await openWorld({ remote: 'sftp' });
    const folder = join(world.root, 'by-hand');
    mkdirSync(folder);
    world.job('feed', {
      destination: { extole: { lane: 'folder', folder: { path: folder } } },
      retention: { days: 0 },
    });
    world.drop('a.csv', csv(rows('A', 3)));
    expect((await world.run('feed')).run).toMatchObject({ held: 3 });
    // The decision is in the ledger; what it changed cannot be written where partners look.
    const quirks = world.sftp?.quirks ?? expect.fail('no server');
    quirks.denyWrite = '/results';
    await world.cli(['confirm', 'a.csv', '--reason', 'My Extole says 3 of 3', '--by', 'ann', '--json']);
    expect(world.files('results')).toEqual(['a.csv.results.csv']);
    quirks.denyWrite = false;
    await world.run('feed');
    expect(world.files('results')).toContain('a.csv.results.r2.csv');
    expect(fates(readResults(world.read('results/a.csv.results.r2.csv')))).toEqual(
      rows('A', 3).map((_, i) => `${i + 2} delivered`),
    );
  });
});
