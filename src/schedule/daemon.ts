import { loadJobs } from '../jobs/load.ts';
import type { Job } from '../jobs/schema.ts';
import { noticeClock } from '../ledger/clock.ts';
import { mustHold } from '../ledger/fence.ts';
import { endsExecutor, ledgerProblem } from '../ledger/problem.ts';
import { openProcessings } from '../ledger/processings.ts';
import { giveBackRequests } from '../ledger/requests.ts';
import { lastFire, rememberFire } from '../ledger/schedules.ts';
import { answersAreDue, fetchAnswers } from './answers.ts';
import { createPassedOver, dueRun } from './due-run.ts';
import { createDuties, DUTIES, type DutyContext, type Upkeep } from './duties.ts';
import { codeOf, createService } from './serve.ts';
import { createTurns } from './turns.ts';
import type { ExecuteOptions } from './verb.ts';
import { run } from './verbs/run.ts';

/** How often requests of commands are looked for. */
const REQUESTS_EVERY_MS = 250;

export interface DaemonOptions extends Omit<ExecuteOptions, 'cause'> {
  /** Called once the daemon is ready. */
  ready?: (jobs: readonly Job[]) => void;
  /** Called each time the schedules were looked at. */
  looked?: () => void;
  upkeep?: Upkeep;
  /** Aborted, with the problem, where something else in this process finds that the ledger must not be written to any more. */
  unwritable?: AbortSignal;
}

/**
 * Runs all jobs on their schedules until the signal comes, then lets what is on the wire come to its end. A job never
 * overlaps with itself; what was missed while down is made up once.
 */
export async function runDaemon(given: DaemonOptions): Promise<void> {
  // Where it cannot go on by itself, all that it began ends as well.
  const broken = new AbortController();
  // The listener takes webhooks before there is a daemon, and may have found it out.
  if (given.unwritable?.aborted) throw ledgerProblem(given.unwritable.reason, given.ledger.path);
  given.unwritable?.addEventListener('abort', () => broken.abort(given.unwritable?.reason));
  const signal = AbortSignal.any([given.signal, broken.signal]);
  const options = { ...given, signal };
  const { ledger, io } = options;
  const turns = createTurns();
  const passOver = createPassedOver(ledger, io.log);
  let told = '';
  const startedAt = io.now();

  /** What a work ended with. A ledger that fails is not written to again: a disk that lost a write may seem well afterwards. */
  const noteFailure = (error: unknown): unknown => {
    const problem = ledgerProblem(error, ledger.path);
    if (endsExecutor(problem)) broken.abort(problem);
    return problem;
  };
  /** Jobs whose run the ledger had no room for, or was locked against: gone on with at the next look, not at the next tick. */
  const brokenOff = new Set<string>();

  const start = (job: string, work: (pause: AbortSignal) => Promise<void>): void => {
    const careful = (pause: AbortSignal): Promise<void> =>
      work(pause)
        .catch((raw: unknown) => {
          if (signal.aborted) return;
          const error = noteFailure(raw);
          if (codeOf(error).startsWith('LEDGER_')) brokenOff.add(job);
          const message = error instanceof Error ? error.message : String(error);
          io.log.error({ job, code: codeOf(error) }, `run failed: ${message}`);
        })
        .finally(seeToDuties);
    void turns.take(job, careful);
  };

  const duties = createDuties(DUTIES, io, noteFailure);
  const dutyContext = async (): Promise<DutyContext> => ({
    ledger,
    io,
    signal,
    jobs: await readJobs(),
    state: options.state,
    jobsFolder: options.jobs,
    upkeep: options.upkeep ?? {},
    ...(options.crashPoint ? { crashPoint: options.crashPoint } : {}),
  });
  let lastDuties = Promise.resolve();
  const seeToDuties = (): void => {
    if (signal.aborted) return;
    lastDuties = duties.see(dutyContext).catch((error: unknown) => io.log.error({}, String(noteFailure(error))));
  };

  const readJobs = async (): Promise<readonly Job[]> => {
    const { jobs, problems } = await loadJobs(options.jobs, io.env);
    const lines = problems.map((p) => `${p.file}:${p.line}: ${p.message}`);
    if (lines.join('\n') !== told) {
      told = lines.join('\n');
      for (const line of lines) io.log.error({}, `job file: ${line}`);
    }
    return jobs;
  };

  /** `first`: files that the last executor left unfinished are gone on with at once. */
  const tick = async (first = false): Promise<void> => {
    if (signal.aborted) return;
    const now = io.now();
    const back = noticeClock(ledger, now);
    if (back > 0)
      io.log.warn(
        { seconds: Math.round(back / 1000) },
        'the clock was set back: schedules go on from the time it shows now',
      );
    for (const job of await readJobs()) {
      if (signal.aborted) return;
      if (turns.busy(job.id)) {
        passOver(job, now);
        continue;
      }
      if (answersAreDue(job, options)) start(job.id, () => fetchAnswers(job, { ...options, cause: 'schedule' }));
      if (job.schedule === undefined) continue;
      // A job that never ran starts with its next tick, not with all of the past.
      const since = lastFire(ledger, job.id) ?? rememberStart(job.id);
      const interrupted = (first && openProcessings(ledger, job.id).length > 0) || brokenOff.has(job.id);
      const next = dueRun(ledger, job, { since, interrupted, now });
      if (next === undefined) continue;
      const { due, cause } = next;
      rememberFire(ledger, job.id, due);
      brokenOff.delete(job.id);
      start(job.id, async (pause) => {
        io.log.info({ job: job.id, cause, due: new Date(due).toISOString() }, 'run starts');
        const { executed, exitCode } = await run.execute({ verb: 'run', job: job.id }, { ...options, cause, pause });
        const { counts, seen, balanced } = executed.account;
        io.log.info(
          { job: job.id, run: executed.account.run, exitCode, balanced, files: seen.files, ...counts },
          'run ended',
        );
      });
    }
  };

  const rememberStart = (job: string): number => {
    rememberFire(ledger, job, startedAt);
    return startedAt;
  };

  giveBackRequests(ledger, io.now());
  options.ready?.(await readJobs());
  const everyMinute = async (): Promise<void> => {
    await tick().catch((error) => io.log.error({}, String(noteFailure(error))));
    options.looked?.();
    seeToDuties();
  };
  const service = createService({ ...options, cause: 'command' }, turns, seeToDuties, noteFailure);
  let lookFailedWith = '';
  /** Throws where this process must end. A ledger without room is asked again, and told of once. */
  const lookForRequests = (): void => {
    try {
      mustHold(ledger);
      service.look();
      lookFailedWith = '';
    } catch (raw) {
      const error = noteFailure(raw);
      if (broken.signal.aborted || codeOf(error) === 'INTERNAL') throw error;
      if (codeOf(error) !== lookFailedWith) io.log.error({ code: codeOf(error) }, String(error));
      lookFailedWith = codeOf(error);
    }
  };
  let minute = minuteOf(io.now());
  let looking: Promise<void> | undefined;
  /** Any other minute than the last one counts, also an earlier one: whoever waits for a later one stands still when the clock is set back. */
  const lookAtClock = (): void => {
    const now = minuteOf(io.now());
    if (now === minute || looking !== undefined) return;
    minute = now;
    looking = everyMinute().finally(() => {
      looking = undefined;
    });
  };
  try {
    await tick(true);
    options.looked?.();
    seeToDuties();
    while (!signal.aborted) {
      // First, since it finds out whether the ledger is still ours: a tick that another process is to act upon is not ours to mark.
      lookForRequests();
      lookAtClock();
      await io.sleep(REQUESTS_EVERY_MS, signal).catch(() => {});
    }
    broken.signal.throwIfAborted();
  } catch (error) {
    broken.abort(error);
    throw ledgerProblem(error, ledger.path);
  } finally {
    await looking;
    await turns.stop();
    await lastDuties;
  }
}

const minuteOf = (ms: number): number => Math.floor(ms / 60_000);
