import { loadJobs } from '../jobs/load.ts';
import { stillExecutes } from '../ledger/fence.ts';
import { lastEnds } from '../ledger/measures.ts';
import type { Ledger } from '../ledger/open.ts';
import type { Io } from '../model.ts';

/** The answer of `/healthz` and `/readyz`: `ok`, or why not. */
export interface Health {
  ok: boolean;
  reasons: string[];
}

export interface HealthOptions {
  ledger: Ledger;
  io: Io;
  /** Folder of the job files. */
  jobsFolder: string;
  /** When the daemon last looked at its schedules; monotonic milliseconds. `undefined`: it is still starting. */
  lastLook: () => number | undefined;
}

/** It looks at its schedules once a minute. */
const LATE_MS = 180_000;
/** One bad run may be chance, three are not. */
const RUNS = 3;

/** Whether the process lives: its event loop turns, its ledger answers and is still its own. A restart may help where not. */
export function isAlive({ ledger, io, lastLook }: HealthOptions): Health {
  const reasons: string[] = [];
  const looked = lastLook();
  if (looked !== undefined && io.monotonic() - looked > LATE_MS)
    reasons.push(`the schedules were last looked at ${Math.round((io.monotonic() - looked) / 1000)} s ago`);
  try {
    if (!stillExecutes(ledger)) reasons.push('another process has taken the ledger over');
  } catch (error) {
    reasons.push(`the ledger does not answer: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { ok: reasons.length === 0, reasons };
}

/** Whether it can do its work: alive, started, every job file good, and no job that could not reach its ends three times in a row. */
export async function isReady(options: HealthOptions): Promise<Health> {
  const { reasons } = isAlive(options);
  if (options.lastLook() === undefined) reasons.push('starting');
  const { jobs, problems } = await loadJobs(options.jobsFolder, options.io.env);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (errors > 0)
    reasons.push(`the job files have ${errors} error${errors === 1 ? '' : 's'}: referry check lists them`);
  try {
    for (const { id } of jobs) {
      const ends = lastEnds(options.ledger, id, RUNS);
      const halted = ends.map((end) => end.halted).filter((code) => code !== null);
      if (halted.length === RUNS)
        reasons.push(`job ${id}: its last ${RUNS} runs were halted, the newest with ${halted[0]}`);
    }
  } catch {
    // Said above already.
  }
  return { ok: reasons.length === 0, reasons };
}
