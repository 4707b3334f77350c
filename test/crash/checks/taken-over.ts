import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { found } from '../../integration/support/e2e-cli.ts';
import { standStill } from '../../integration/support/standstill.ts';
import { type Check, goodRows } from './check.ts';

/**
 * The lock keeps a second process out. Where it fails (its file was removed, the disk is one that knows no locks) a process that was taken
 * over must notice before it claims: it waits for the next try of a row while another one takes the ledger.
 */
export const check: Check = {
  title: 'a process whose ledger was taken over by another one sends nothing more',
  async run(stage) {
    const world = await stage.world();
    world.job('feed');
    const idle = join(world.root, 'idle');
    mkdirSync(idle);
    world.job('other', { source: { url: `file://${idle}`, match: '*.csv', stable: { for: '0s' } } });
    await world.run('other');
    await world.servers.fail('429-retry-after-2');
    world.drop('a.csv', goodRows('A', 1));
    const first = world.start(['run', 'feed', '--json']);
    const waits = async (db: Database.Database): Promise<boolean> => {
      const state = db.prepare<[], { state: string }>('SELECT state FROM deliveries');
      return (await found(() => state.get()?.state === 'waiting')) ?? false;
    };
    if (!(await standStill(world.ledger, first, waits))) return ['the row was never seen to wait for its next try'];
    rmSync(`${world.ledger}.lock`);
    const second = await world.run('other');
    const before = world.servers.requests().length;
    first.kill('SIGCONT');
    const end = await first.done;
    const complaints: string[] = [];
    if (second.code !== 0) complaints.push(`the second process could not take over: ${second.code}: ${second.stderr}`);
    if (end.code === 0) complaints.push('the first process says that all went well');
    const after = world.servers.requests().slice(before);
    if (after.length > 0) complaints.push(`the first process sent ${after.length} requests after it was taken over`);
    return complaints;
  },
};
