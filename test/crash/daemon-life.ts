import { found } from '../integration/support/e2e-cli.ts';
import type { Process } from '../integration/support/processes.ts';
import type { CrashWorld } from './world.ts';

const DAY = 86_400_000;

/** As if the daemon had been down when its jobs were due: it starts with them. */
export function missTick(world: CrashWorld, jobs: readonly string[]): void {
  world.tamper((db) => {
    const set = db.prepare(
      'INSERT INTO schedules (job, last_due_at) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET last_due_at = excluded.last_due_at',
    );
    for (const job of jobs) set.run(job, Date.now() - 3 * DAY);
  });
}

/** Resolves when the process has said a thing so often, or has ended; false where it took too long. */
export async function saysWithin(process: Process, text: string, times: number, ms: number): Promise<boolean> {
  let over = false;
  void process.done.then(() => {
    over = true;
  });
  return (await found(() => over || process.told().stderr.split(text).length > times, ms)) ?? false;
}
