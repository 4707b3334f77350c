import { afterEach, describe, expect, it } from 'vitest';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

describe('one file that the server cannot give', () => {
  let world: World;
  afterEach(() => world.close());

  it('stays open with its reason, and the others go on in each run', async () => {
    world = await openWorld({ remote: 'sftp' });
    const { sftp } = world;
    if (!sftp) throw new Error('no server');
    world.job('feed');
    world.drop('bad.csv', csv(rows('A', 2)), 90);
    world.drop('good.csv', csv(rows('B', 3)), 80);
    // The oldest one fails wherever it lies.
    const failing = (): void => {
      const taken = world.files('processing').find((name) => name.startsWith('bad'));
      sftp.quirks.failRead = `/processing/${taken}`;
    };
    sftp.quirks.failRead = '/processing';
    await world.run('feed');
    failing();
    const { code, run } = await world.run('feed');
    expect(code).toBe(4);
    expect(run).toMatchObject({ delivered: 3, balanced: true, halted: null, seen: { open: 1 } });
    expect(run.notices.map(({ message }) => message).join()).toContain('bad.csv');
    world.drop('next.csv', csv(rows('C', 1)));
    failing();
    expect((await world.run('feed')).run).toMatchObject({ delivered: 1 });
    sftp.clearQuirks();
    expect((await world.run('feed')).run).toMatchObject({ delivered: 2, seen: { open: 0 } });
  });
});
