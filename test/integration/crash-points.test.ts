import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkInvariants, isConverged, remember, startHistory } from './support/e2e-crash.ts';
import { crashFiles } from './support/e2e-crash-files.ts';
import { watchAsPartner } from './support/e2e-crash-watch.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld } from './support/e2e-world.ts';

/** One after the other, in one ledger: each life is ended at a named place, and the next one goes on from there. */
const POINTS = [
  'taking:1',
  'taken:1',
  'staged:1',
  'claimed-file:1',
  'sealed:1',
  'committed:1',
  'committed:2',
  'committed:4',
  'publication-planned:1',
  'published:1',
  'archived:1',
  'closed:1',
  'taking:1',
  'committed:3',
  'published:1',
  'reported:1',
];

describe('a process that dies at a named place', () => {
  it('C-points: is continued by the next one as if nothing had happened, over SFTP', async () => {
    const world = await openWorld({ remote: 'sftp' });
    const window = 8;
    world.job('feed', { delivery: { window, unknown: 'resend', maxAmbiguous: 100 } });
    const files = crashFiles(24);
    for (const [i, { name, text }] of files.entries()) world.drop(name, text, 100 - i);
    const history = startHistory(world, files, window);
    const partner = watchAsPartner(`${world.served}/results`);
    const survived: string[] = [];
    for (const point of POINTS) {
      const end = await world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: point });
      remember(history, end);
      if (end.signal !== 'SIGKILL') survived.push(`${point}: exit ${end.code}\n${end.stderr}`);
    }
    for (let life = 0; life < 3 && !isConverged(history); life++)
      remember(history, await world.cli(['run', 'feed', '--json']));

    expect(survived).toEqual([]);
    expect(history.kills).toBe(POINTS.length);
    checkInvariants(history, { resends: true });
    expect(partner.stop().complaints).toEqual([]);
    await world.close();
  }, 120_000);

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
