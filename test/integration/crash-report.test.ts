import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld } from './support/e2e-world.ts';

describe('a run that dies before it could tell', () => {
  it('C-report: what a run did that died before it could tell is told by the next one, once', async () => {
    const world = await openWorld();
    world.job('feed');
    world.drop('a.csv', csv([...rows('A', 5), 'torn']));
    for (const point of ['archived:1', 'closed:1', 'reported:1']) {
      const { signal } = await world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: point });
      expect(signal, point).toBe('SIGKILL');
    }
    const { code, run } = await world.run('feed');
    expect(code).toBe(0);
    expect(run).toMatchObject({
      read: 6,
      delivered: 5,
      rejected: 1,
      carriedIn: 0,
      balanced: true,
      seen: { processed: 1 },
    });
    expect(run.files).toMatchObject([{ path: 'a.csv', state: 'processed', read: 6, delivered: 5, balanced: true }]);
    const report = readFileSync((run.reportPath ?? '').replace(/html$/, 'csv'), 'utf8');
    expect(report).toMatch(/a\.csv/);
    const { run: after } = await world.run('feed');
    expect(after).toMatchObject({ read: 0, delivered: 0, files: [] });
    expect(world.requests()).toHaveLength(5);
    await world.close();
  });
});
