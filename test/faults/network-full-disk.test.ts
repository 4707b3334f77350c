import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { watchAsPartner } from '../integration/support/e2e-crash-watch.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT } from '../integration/support/e2e-world.ts';
import { sshdMissing, startSshd } from '../integration/support/remotes-sshd.ts';
import { fromFile } from '../integration/support/usual-job.ts';
import { keysOf, openExecutor } from './support/executor.ts';
import { noSmallDisk, openSmallDisk } from './support/small-disk.ts';

const why = sshdMissing() ?? noSmallDisk;

it.skipIf(why !== undefined && process.env.REFERRY_REQUIRE_ALL !== '1')(
  `N12: a results folder of OpenSSH's server that is full costs no row its outcome; when there is room, the results are published, once${why === undefined ? '' : ` (skipped: ${why})`}`,
  async () => {
    const world = await openWorld();
    const results = join(world.served, 'results');
    const sshd = await startSshd(world.served);
    if (sshd === undefined) throw new Error('sshd did not start');
    const executor = await openExecutor(world);
    const disk = openSmallDisk(results, 2_000_000);
    try {
      world.job('feed', {
        delivery: PATIENT,
        source: {
          url: `sftp://${sshd.user}@127.0.0.1:${sshd.port}${world.served}/inbox`,
          privateKey: fromFile(sshd.privateKeyPath),
          hostKey: sshd.hostKeyFingerprint,
        },
      });
      // Room for a part of the results only: a server takes that much, and the rest is what must not look like success.
      disk.fill(16_384);
      const partner = watchAsPartner(results);
      world.drop('a.csv', csv(rows('A', 300)));
      const { code, codes, account } = await executor.run('feed');
      expect([code, codes]).toEqual([4, ['PUBLISH_FAILED']]);
      expect([account.files[0]?.counts.delivered, account.balanced]).toEqual([300, true]);
      expect(readdirSync(results)).toEqual(['balloon']);
      expect((await executor.run('feed')).code).toBe(4);
      disk.empty();
      expect((await executor.run('feed')).code).toBe(0);
      expect(partner.stop().complaints.filter((each) => !each.includes('balloon'))).toEqual([]);
      expect(readdirSync(results)).toEqual(['a.csv.results.csv']);
      expect(fates(readResults(world.read('results/a.csv.results.csv')))).toEqual(
        rows('A', 300).map((_, i) => `${i + 2} delivered`),
      );
      expect([keysOf(world).length, new Set(keysOf(world)).size]).toEqual([300, 300]);
      expect(world.files('archive')).toHaveLength(1);
    } finally {
      await executor.close();
      disk.close();
      await sshd.close();
      await world.close();
    }
  },
  60_000,
);
