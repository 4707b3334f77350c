import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../integration/support/e2e-cli.ts';
import { backdateSchedule, startDaemon, timesTold } from '../integration/support/e2e-daemon.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { expectNoneAgain, standingOf } from './support/acknowledged.ts';
import { openExecutor, partsOf } from './support/executor.ts';
import { noSmallDisk, openSmallDisk, type SmallDisk } from './support/small-disk.ts';

const MEGABYTE = 2 ** 20;
const DAY = 86_400_000;

describe.skipIf(noSmallDisk !== undefined)(
  `a disk that is full, below the ledger and the staging${noSmallDisk ? `: skipped, ${noSmallDisk}` : ''}`,
  { timeout: 90_000 },
  () => {
    let world: World;
    let disk: SmallDisk;
    const begin = async (bytes: number): Promise<void> => {
      world = await openWorld();
      disk = openSmallDisk(world.state, bytes);
      world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' }, schedule: '0 3 * * *' });
    };
    afterEach(async () => {
      disk.close();
      await world.close();
    });
    const expectOnce = (name: string, prefix: string, count: number): void => {
      expect(fates(readResults(world.read(`results/${name}.results.csv`)))).toEqual(
        rows(prefix, count).map((_, i) => `${i + 2} delivered`),
      );
      const ids = world.requests().map(({ requestId }) => requestId);
      expect(new Set(ids).size, 'attempts that came twice').toBe(ids.length);
    };

    /** No request without its committed claim. */
    const expectClaimed = (): void => {
      const db = new Database(world.ledger, { readonly: true });
      const known = new Set(db.prepare<[], string>('SELECT key FROM deliveries').pluck().all());
      expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
      db.close();
      for (const { body } of world.requests()) expect(known).toContain(body.data.partner_conversion_id);
    };

    it('S03: full before a claim: nothing is sent; the command says so, ends with 74, and the next one goes on', async () => {
      await begin(16 * MEGABYTE);
      expect((await world.run('feed')).code).toBe(0);
      world.drop('a.csv', csv(rows('A', 200)));
      disk.fill();
      const full = await world.cli(['run', 'feed', '--json']);
      expect(full.code, full.stderr).toBe(74);
      expect(full.stderr).toMatch(/LEDGER_FULL/);
      expect(full.stderr).toContain('what to do: make room');
      expect(full.stderr).not.toContain('restore');
      expect(world.requests()).toEqual([]);
      disk.empty();
      expect((await world.run('feed')).code).toBe(0);
      expectOnce('a.csv', 'A', 200);
      expect(world.requests()).toHaveLength(200);
    });

    it('S03: full in the middle of sending: no claim without a commit, what was answered and not recorded is unknown, never lost', async () => {
      await begin(16 * MEGABYTE);
      world.drop('a.csv', csv(rows('A', 600)));
      world.extole.setFaults(({ seq }) => {
        if (seq === 150) disk.fill();
        return undefined;
      });
      const full = await world.cli(['run', 'feed', '--json']);
      world.extole.setFaults(undefined);
      expect(full.code, full.stderr).toBe(74);
      const sent = world.requests().length;
      expect(sent).toBeLessThan(600);
      disk.empty();
      expectClaimed();
      const left = standingOf(world);
      expect(left.acknowledged.size).toBeGreaterThan(0);
      expect((await world.run('feed')).code).toBe(0);
      expectOnce('a.csv', 'A', 600);
      // Sent once more is at most what was on its way.
      expectNoneAgain(world, left);
      expect(world.requests().length - 600).toBeLessThanOrEqual(Math.min(256, left.claimed.size));
    });

    // reliability.md ends the process with 74 here. A daemon goes on instead, with nothing claimed: the disk may be emptied, and
    // a unit that does not restart after 74 would leave it down.
    it('S03: a daemon whose disk is full sends nothing that it could not claim, and goes on by itself when there is room', async () => {
      await begin(16 * MEGABYTE);
      expect((await world.run('feed')).code).toBe(0);
      world.drop('a.csv', csv(rows('A', 600)));
      world.extole.setFaults(({ seq }) => {
        if (seq === 150) disk.fill();
        return undefined;
      });
      backdateSchedule(world, 'feed', DAY);
      const daemon = await startDaemon(world);
      await until(
        'the run to fail',
        () => timesTold(daemon, 'run ended') + daemon.told().stderr.split('run failed').length > 1,
      );
      expect(daemon.told().stderr).toContain('LEDGER_FULL');
      world.extole.setFaults(undefined);
      const refused = await world.cli(['run', 'feed', '--json']);
      expect(refused.code).toBe(74);
      expect(refused.stderr).toContain('LEDGER_FULL');
      expectClaimed();
      const left = standingOf(world);
      disk.empty();
      // Nobody gives a command, and the schedule is hours away.
      await until('the daemon to finish the file', () => world.files('results').includes('a.csv.results.csv'), 150_000);
      expectNoneAgain(world, left);
      expectOnce('a.csv', 'A', 600);
      daemon.kill('SIGTERM');
      expect((await daemon.done).code).toBe(0);
    }, 200_000);

    it('S04: a file that there is no room for is not begun; the other job, and the ledger, go on', async () => {
      await begin(16 * MEGABYTE);
      world.job('small', { source: { match: 'small-*' } });
      world.job('feed', { source: { match: 'large-*' } });
      expect((await world.run('feed')).code).toBe(0);
      const filler = 'x'.repeat(1000);
      world.drop('large-1.csv', csv(rows('L', 1500).map((row) => ({ ...row, member: row.id + filler }))));
      disk.fill(3 * MEGABYTE);
      const { code, run, stderr } = await world.run('feed');
      expect(code, stderr).toBe(4);
      expect(run.halted).toMatchObject({ code: 'STAGING_FULL' });
      expect(stderr).toMatch(/bytes are free/);
      expect(partsOf(world)).toEqual([]);
      expect(disk.free()).toBeGreaterThan(2.5 * MEGABYTE);
      expect(world.requests()).toEqual([]);
      world.drop('small-1.csv', csv(rows('S', 20)));
      expect((await world.run('small')).code).toBe(0);
      expectOnce('small-1.csv', 'S', 20);
      disk.empty();
      const after = await world.run('feed');
      expect(after.run).toMatchObject({ read: 1500, balanced: true });
      expect(world.files('inbox')).toEqual([]);
      expect(world.files('processing')).toEqual([]);
    });

    it('S04: a disk that fills up while a file is checked leaves the file for later, and its neighbours too', async () => {
      await begin(16 * MEGABYTE);
      world.job('feed', { source: { match: '*.gz' }, delivery: PATIENT });
      expect((await world.run('feed')).code).toBe(0);
      // Packed it passes the look at the room there is; its index does not.
      world.drop('a.csv.gz', gzipSync(csv(rows('A', 1200))));
      const executor = await openExecutor(world);
      const { code, account } = await executor.run('feed', (step) => {
        if (step === 'staged') disk.fill(60_000);
      });
      expect([code, account.halted?.code]).toEqual([4, 'STAGING_FULL']);
      // The ledger has the room again that the half index took.
      expect(disk.free()).toBeGreaterThan(15_000);
      expect(world.requests()).toEqual([]);
      disk.empty();
      expect((await executor.run('feed')).code).toBe(0);
      await executor.close();
      expectOnce('a.csv', 'A', 1200);
    });
  },
);
