import { createLog, realIo } from '../../../src/io.ts';
import { type Ledger, openLedger } from '../../../src/ledger/open.ts';
import type { Io } from '../../../src/model.ts';
import { type DaemonOptions, runDaemon } from '../../../src/schedule/daemon.ts';
import { until } from '../../integration/support/e2e-cli.ts';
import type { World } from '../../integration/support/e2e-world.ts';

/** What a daemon said of runs. */
export interface Told {
  begun: number;
  ended: number;
  /** Ticks that came while their job was at work. */
  passed: string[];
}

/** A daemon in this process, on a clock that is set by hand and does not go by itself. */
export interface ClockDaemon {
  readonly ledger: Ledger;
  readonly told: Told;
  /** Sets the clock, and waits until the daemon has looked at its schedules. */
  look(now: number): Promise<void>;
  /** The same, and until what that began has ended. */
  at(now: number): Promise<void>;
  runs(job: string): { cause: string; state: string; at: number }[];
  stop(): Promise<void>;
}

export async function startClockDaemon(
  world: World,
  start: number,
  upkeep?: DaemonOptions['upkeep'],
): Promise<ClockDaemon> {
  const stop = new AbortController();
  let now = start;
  let looks = 0;
  const told: Told = { begun: 0, ended: 0, passed: [] };
  const info = (fields: object, message: string): void => {
    if (message === 'run starts') told.begun++;
    if (message === 'run ended') told.ended++;
    if (message.startsWith('a tick came while') && 'due' in fields) told.passed.push(String(fields.due));
  };
  const io: Io = { ...realIo({ ...createLog('silent'), info }), env: world.env, now: () => now };
  const ledger = await openLedger(world.ledger, 'daemon', io);
  const ended = runDaemon({
    ...{ ledger, io, signal: stop.signal, jobs: world.jobs, state: world.state },
    ...(upkeep ? { upkeep } : {}),
    looked: () => looks++,
  });
  await until('the first look', () => looks > 0);
  const look = async (next: number): Promise<void> => {
    const before = looks;
    now = next;
    await until('the daemon to look', () => looks > before);
  };
  return {
    ledger,
    told,
    look,
    async at(next) {
      await look(next);
      // What a look begins, it says before it is over.
      await until('the runs to end', () => told.ended === told.begun);
    },
    runs: (job) =>
      ledger.db
        .prepare<[string], { cause: string; state: string; at: number }>(
          'SELECT cause, state, started_at AS at FROM runs WHERE job = ? ORDER BY id',
        )
        .all(job),
    async stop() {
      stop.abort(new DOMException('the test is over', 'AbortError'));
      await ended;
      await ledger.close();
    },
  };
}
