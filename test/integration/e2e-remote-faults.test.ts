import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Quirks } from '../../src/sandbox/sftp/quirks.ts';
import { openExecutor } from '../faults/support/executor.ts';
import { watchAsPartner } from './support/e2e-crash-watch.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from './support/e2e-world.ts';

/** Each fault hits one run; what it may cost is that run, never a row. */
const FAULTS: Partial<Quirks>[] = [
  { statFailure: true },
  { denyRename: '/inbox' },
  { disconnectAtByte: 3000 },
  { shrinkWhileRead: true },
  { growWhileRead: true },
  { stallAfterBytes: 3000 },
  { failWriteAfterBytes: 500 },
  { truncateSilently: 500 },
  { denyWrite: '/results' },
  { denyWrite: '/reports' },
  { failRename: 'failure' },
  { denyRename: '/archive' },
  { vanishOnArrival: true },
  { denyList: '/inbox' },
];

/** Files before this one lie in the processing folder while the server cuts and lengthens what is there. */
const WHOLE = 1 + FAULTS.findIndex((fault) => 'growWhileRead' in fault);

describe('a server that fails in the middle of a run', () => {
  let world: World;
  afterEach(() => world.close());

  it('N-all: costs the run at most; the next one goes on, sends nothing twice and publishes whole files only', async () => {
    world = await openWorld({ remote: 'sftp' });
    const { sftp } = world;
    if (!sftp) throw new Error('no server');
    world.job('feed', { delivery: PATIENT, source: { stallTimeout: '400ms', operationTimeout: '700ms' } });
    const executor = await openExecutor(world);
    const partner = watchAsPartner(`${world.served}/results`);
    const faulty: string[] = [];
    let dropped = 0;
    for (const fault of FAULTS) {
      dropped++;
      world.drop(`day-${dropped}.csv`, csv(rows(`F${dropped}`, 60)), 100 - dropped);
      Object.assign(sftp.quirks, fault);
      const { code, codes, account } = await executor.run('feed');
      sftp.clearQuirks();
      // Whatever happened is said with a code of ours, and adds up.
      expect([0, 3, 4], `${JSON.stringify(fault)}: ${codes}`).toContain(code);
      expect(account.balanced, JSON.stringify(fault)).toBe(true);
      if (code === 4) faulty.push(JSON.stringify(fault));
    }
    // The faults did bite.
    expect(faulty.length).toBeGreaterThan(6);
    for (let again = 0; again < 3 && (world.files('inbox').length > 0 || again === 0); again++)
      await executor.run('feed');
    await executor.close();

    expect(partner.stop().complaints).toEqual([]);
    expect(world.files('inbox')).toEqual([]);
    expect(world.files('processing')).toEqual([]);
    const keys = world.requests().map(({ body }) => body.data.partner_conversion_id);
    expect(new Set(keys).size).toBe(keys.length);
    for (const [i, fault] of FAULTS.entries()) {
      const name = `day-${i + 1}.csv.results.csv`;
      if ('vanishOnArrival' in fault) continue;
      const said = fates(readResults(world.read(`results/${name}`)));
      // Only the faults that change the file itself leave other rows than were dropped.
      if (i >= WHOLE) expect(said, name).toEqual(rows('F', 60).map((_, n) => `${n + 2} delivered`));
      else expect(said.filter((fate) => !fate.endsWith('delivered')).length, name).toBeLessThanOrEqual(1);
    }
  }, 120_000);

  it('leftovers of ours go, though one of them may not be removed', async () => {
    world = await openWorld({ remote: 'sftp' });
    world.job('feed', { delivery: PATIENT });
    const names = ['1', '2', '3'].map((n) => `.feed.r${n}.html.0123456789ab.part`);
    const old = new Date(Date.now() - 2 * 86_400_000);
    for (const name of names) {
      writeFileSync(join(world.served, 'reports', name), '');
      utimesSync(join(world.served, 'reports', name), old, old);
    }
    if (world.sftp) world.sftp.quirks.denyWrite = `/reports/${names[0]}`;
    world.drop('a.csv', csv(rows('A', 2)));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 2 });
    expect(names.map((name) => world.files('reports').includes(name))).toEqual([true, false, false]);
  });
});
