import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { TransferError } from '../../src/model.ts';
import { runDaemon } from '../../src/schedule/daemon.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

test('a daemon does not begin on a ledger that the listener could not write to before there was a daemon', async () => {
  world.job('feed', { schedule: '* * * * *' });
  world.drop('a.csv', csv(rows('A', 1)));
  const io = { ...realIo(createLog('silent')), env: world.env };
  const ledger = await openLedger(world.ledger, 'daemon', io);
  const unwritable = AbortSignal.abort(new TransferError('LEDGER_FULL', 'the disk of the ledger is full'));
  const around = { ledger, io, jobs: world.jobs, state: world.state, unwritable };
  // Whoever misses it goes on until it is told to stop, and then says that all is well.
  const daemon = runDaemon({ ...around, signal: AbortSignal.timeout(3000) });
  await expect(daemon).rejects.toMatchObject({ code: 'LEDGER_FULL' });
  expect(ledger.db.prepare('SELECT count(*) AS n FROM schedules').get()).toEqual({ n: 0 });
  await ledger.close();
});
