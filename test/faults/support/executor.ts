import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLog, realIo } from '../../../src/io.ts';
import { type Ledger, openLedger } from '../../../src/ledger/open.ts';
import type { Io } from '../../../src/model.ts';
import type { RunResult } from '../../../src/pipelines/files/run-job.ts';
import { run } from '../../../src/schedule/verbs/run.ts';
import type { World } from '../../integration/support/e2e-world.ts';

export interface Executed {
  code: number;
  account: RunResult['account'];
  /** What the run was halted by, and what it told. */
  codes: string[];
}

/** What holds the ledger and executes runs, as a daemon does, in this process, on a clock that can be set. */
export interface Executor {
  readonly ledger: Ledger;
  /** Milliseconds by which our clock is ahead. */
  ahead: number;
  /** Where our clock stands still; milliseconds since 1970. */
  fixed: number | undefined;
  /** `at`: called at the named steps of the run. */
  run(job: string, at?: (step: string) => void, cause?: 'schedule' | 'command'): Promise<Executed>;
  /** Ends the executor and begins another, as a restart does. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Pauses before another try are short, unless `patient`. */
export async function openExecutor(world: World, { patient = false } = {}): Promise<Executor> {
  const real = realIo(createLog('silent'));
  const io: Io = {
    ...real,
    env: world.env,
    now: () => executor.fixed ?? real.now() + executor.ahead,
    sleep: (ms, signal) => real.sleep(patient ? ms : Math.min(ms, 20), signal),
  };
  let ledger = await openLedger(world.ledger, 'daemon', real);
  const executor: Executor = {
    get ledger() {
      return ledger;
    },
    ahead: 0,
    fixed: undefined,
    async run(job, at = () => {}, cause = 'schedule') {
      const { signal } = new AbortController();
      const options = { ledger, io, signal, jobs: world.jobs, state: world.state, cause, crashPoint: at };
      const { executed, exitCode } = await run.execute({ verb: 'run', job }, options);
      const { account } = executed;
      const codes = [...(account.halted ? [account.halted.code] : []), ...account.notices.map(({ code }) => code)];
      return { code: exitCode, account, codes };
    },
    async restart() {
      await ledger.close();
      ledger = await openLedger(world.ledger, 'daemon', real);
    },
    close: () => ledger.close(),
  };
  return executor;
}

/** Files of the staging folder that are not whole. */
export function partsOf(world: World): string[] {
  const staging = join(world.state, 'staging');
  if (!existsSync(staging)) return [];
  return readdirSync(staging, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.part'));
}

/** Keys that were sent, each as often as it was. */
export const keysOf = (world: World): string[] =>
  world.requests().map(({ body }) => String(body.data.partner_conversion_id));
