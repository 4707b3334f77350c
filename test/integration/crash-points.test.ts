import { describe, expect, it } from 'vitest';
import { checkInvariants, isConverged, remember, startHistory } from './support/e2e-crash.ts';
import { crashFiles } from './support/e2e-crash-files.ts';
import { watchAsPartner } from './support/e2e-crash-watch.ts';
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
  'taking:1',
  'staged:1',
  'sealed:1',
  'committed:1',
  'committed:3',
  'published:1',
  'archived:1',
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
});
