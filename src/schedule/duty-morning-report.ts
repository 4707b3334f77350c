import type { Job } from '../jobs/schema.ts';
import { newestMorning, planMorning, postponeMorning, recordMorning } from '../ledger/morning-reports.ts';
import { setWatchMark, watchMark } from '../ledger/watch.ts';
import { TransferError } from '../model.ts';
import { loginWatch } from '../pipelines/files/logins.ts';
import { dayOf } from '../reports/roll-up.ts';
import { dayPlus, latestDue } from './due.ts';
import type { Duty, DutyContext } from './duties.ts';
import { collectMorning, publishMorning } from './morning-report.ts';

const DAYS = 30;
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 30 * 60_000;

/** Publishes the morning report of each job at its time; one that was missed while the daemon was down is made up once. */
export const morningReportDuty: Duty = {
  name: 'morning-report',
  see: async (context) => {
    for (const job of context.jobs) {
      if (job.report.morning === undefined) continue;
      context.signal.throwIfAborted();
      await seeToJob(context, job, job.report.morning);
    }
  },
};

type Morning = NonNullable<Job['report']['morning']>;

async function seeToJob(context: DutyContext, job: Job, morning: Morning): Promise<void> {
  const { ledger, io, signal } = context;
  try {
    plan(context, job, morning);
    await publishPlanned(context, job);
  } catch (error) {
    if (signal.aborted) throw error;
    const planned = newestMorning(ledger, job.id);
    if (planned) {
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(planned.attempts, 10));
      postponeMorning(ledger, planned, io.now() + wait);
    }
    const code = error instanceof TransferError ? error.code : 'INTERNAL';
    const why = error instanceof Error ? error.message : String(error);
    io.log.error({ job: job.id, day: planned?.day, code }, `the morning report is not out yet: ${why}`);
  }
}

function plan({ ledger, io }: DutyContext, job: Job, morning: Morning): void {
  const now = io.now();
  const since = watchMark(ledger, job.id, 'morning');
  // A job that never had one starts with the next morning, not with all of the past.
  if (since === undefined) setWatchMark(ledger, job.id, 'morning', now);
  const due = since === undefined ? undefined : latestDue(cronOf(morning), job.timezone, since, now);
  if (due === undefined) return;
  const day = dayPlus(dayOf(new Date(due).toISOString(), job.timezone), -1);
  planMorning(ledger, { job: job.id, dueAt: due, day }, now);
  setWatchMark(ledger, job.id, 'morning', due);
}

function cronOf({ at, days }: Morning): string {
  return `${at % 60} ${Math.floor(at / 60)} * * ${days.length === 7 ? '*' : days.join(',')}`;
}

async function publishPlanned({ ledger, io, state, signal }: DutyContext, job: Job): Promise<void> {
  const planned = newestMorning(ledger, job.id);
  if (planned === undefined || planned.publishedAt !== null || planned.nextAt > io.now()) return;
  const account = await collectMorning(ledger, job, { day: planned.day, days: DAYS, state }, io);
  const path = await publishMorning(job, account, {
    state,
    io,
    signal,
    logins: loginWatch(ledger, io, { byHand: false }),
  });
  recordMorning(ledger, planned, path, io.now());
  io.log.info({ job: job.id, day: planned.day, path }, 'morning report published');
}
