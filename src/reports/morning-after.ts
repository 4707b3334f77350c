import type { RunAccount } from '../model.ts';
import type { AfterRows } from './after-rows.ts';
import { dayOf, newestOf } from './roll-up.ts';

/** What a run said of exports and pushes. */
export type RunSteps = Pick<RunAccount, 'run' | 'job' | 'startedAt' | 'exports' | 'pushes'>;

/**
 * The exports and pushes that came to their end on `day` in `timezone`, and those that the newest run left held or open. `runs` in the order
 * they started, those after the day too: what they ended is in the next report, and no longer waits.
 */
export function stepsOfDay(runs: readonly RunSteps[], day: string, timezone: string): AfterRows {
  const counts = ({ startedAt }: RunSteps, { state }: { state: string }): boolean =>
    (state !== 'published' && state !== 'done') || dayOf(startedAt, timezone) === day;
  const exports = newestOf(
    runs,
    (run) => (run.exports ?? []).filter((each) => counts(run, each)),
    (each) => each.export,
  );
  const pushes = newestOf(
    runs,
    (run) => (run.pushes ?? []).filter((each) => counts(run, each)),
    (each) => each.push,
  );
  return { ...(exports.length > 0 ? { exports } : {}), ...(pushes.length > 0 ? { pushes } : {}) };
}
