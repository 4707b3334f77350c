import type { Job } from '../jobs/schema.ts';
import { refusedLogin } from '../ledger/logins.ts';
import { newestRuns, type RunFacts } from '../ledger/matters.ts';
import type { Ledger } from '../ledger/open.ts';
import { lastFire } from '../ledger/schedules.ts';
import type { Log } from '../model.ts';
import { loginOf, pauseAfter, pausedUntil } from '../remotes/login-watch.ts';
import { latestDue } from './due.ts';

/** A tick that is acted upon so late was missed. */
const LATE_MS = 90_000;

/**
 * Whether a job is to run now: a tick since the last one that was acted upon, files that an executor left unfinished (`interrupted`),
 * or a run that came to nothing. While the login at its source is paused it is not; the tick then stays due. `since` and `due`:
 * milliseconds since 1970.
 */
export function dueRun(
  ledger: Pick<Ledger, 'db'>,
  job: Job,
  { since, interrupted, now }: { since: number; interrupted: boolean; now: number },
): { due: number; cause: 'schedule' | 'catch-up' } | undefined {
  if (job.schedule === undefined || loginPausedUntil(ledger, job, now) !== undefined) return undefined;
  const tick = latestDue(job.schedule, job.timezone, since, now);
  if (tick !== undefined) return { due: tick, cause: now - tick > LATE_MS ? 'catch-up' : 'schedule' };
  if (newestRuns(ledger, job.id, 1)[0]?.goesOn) return { due: now, cause: 'catch-up' };
  const again = retryAt(ledger, job.id, now);
  return interrupted || (again !== undefined && again <= now) ? { due: now, cause: 'catch-up' } : undefined;
}

/** Tells once of each tick that comes while its job is still at work. It stays due, and one run makes up all that passed. */
export function createPassedOver(
  ledger: Pick<Ledger, 'db'>,
  log: Pick<Log, 'info'>,
): (job: Pick<Job, 'id' | 'schedule' | 'timezone'>, now: number) => void {
  const told = new Map<string, number>();
  return ({ id, schedule, timezone }, now) => {
    const since = lastFire(ledger, id);
    if (schedule === undefined || since === undefined) return;
    const due = latestDue(schedule, timezone, Math.max(since, told.get(id) ?? since), now);
    if (due === undefined) return;
    told.set(id, due);
    log.info(
      { job: id, due: new Date(due).toISOString() },
      'a tick came while the job was still at work; it is made up when that has ended',
    );
  };
}

/** After so many runs in a row the pause is at its longest. */
const COUNTED = 6;

/**
 * When a run that came to nothing is made up: its source, or this machine, stopped it, or left a file half way. Soon, with
 * growing pauses, since the next tick may be a day away. Milliseconds since 1970; `undefined` where the newest run is as it should be. What a
 * destination stopped waits for the next tick: each try there costs rows an attempt.
 */
export function retryAt(ledger: Pick<Ledger, 'db'>, job: string, now: number): number | undefined {
  const runs = newestRuns(ledger, job, COUNTED);
  const good = runs.findIndex((run) => !cameToNothing(run));
  const failures = good < 0 ? runs.length : good;
  const [newest] = runs;
  if (newest === undefined || failures === 0) return undefined;
  // Each of them publishes a report: what so many tries did not heal needs a person.
  if (newest.halted === null && failures >= COUNTED) return undefined;
  // One that ended in the future: the clock was set back since.
  return Math.min(newest.endedAt, now) + pauseAfter(failures);
}

const cameToNothing = ({ halted, haltedBy, stuck }: RunFacts): boolean =>
  haltedBy !== 'destination' && (halted !== null || stuck);

/** Until when the schedule leaves a job alone, as the login at its source was refused; `undefined` where it does not. */
function loginPausedUntil(ledger: Pick<Ledger, 'db'>, job: Job, now: number): number | undefined {
  const login = loginOf(job.source.url);
  return login === undefined ? undefined : pausedUntil(refusedLogin(ledger, login), now);
}
