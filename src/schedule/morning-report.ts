import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../jobs/schema.ts';
import { arrivedFiles, stepsOfRuns, troubledRuns } from '../ledger/days.ts';
import { expectationsOfDays } from '../ledger/expectations.ts';
import type { Ledger } from '../ledger/open.ts';
import { add, jobStates } from '../ledger/status.ts';
import { isWatched } from '../ledger/watch.ts';
import { type Io, type RunAccount, TransferError } from '../model.ts';
import { memberConflicts } from '../pipelines/files/member-conflicts.ts';
import type { LoginWatch } from '../remotes/login-watch.ts';
import { openRemote } from '../remotes/open.ts';
import { balanceOf } from '../reports/balance.ts';
import { createMorningTally, type MorningAccount, type WaitingLine } from '../reports/morning.ts';
import { stepsOfDay } from '../reports/morning-after.ts';
import { renderMorning } from '../reports/morning-report.ts';
import type { RenderedReport } from '../reports/report.ts';
import { dayPlus, localInstant } from './due.ts';

const PAGE = 100;
/** What a page shows readably, and a ledger keeps. */
export const MOST_DAYS = 92;

/** Rolls a job up: `days` days, the last of which is `day` (`2026-11-20` in the job's zone). `state`: the folder of staged files. Only reads. */
export async function collectMorning(
  ledger: Ledger,
  job: Pick<Job, 'id' | 'timezone'>,
  { day, days, state }: { day: string; days: number; state: string },
  io: Pick<Io, 'now' | 'sleep'>,
): Promise<MorningAccount> {
  const { id, timezone } = job;
  const shown = Array.from({ length: days }, (_, i) => dayPlus(day, i - days + 1));
  const span = { from: localInstant(shown[0] ?? day, 0, timezone), to: io.now() + 1 };
  const tally = createMorningTally(shown, timezone);
  for (let after = { openedAt: span.from, id: 0 }; ; ) {
    const page = arrivedFiles(ledger, id, span.to, after, PAGE);
    tally.add(page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    after = last;
    // Months of files take a while: what else the daemon does goes on in between.
    await io.sleep(0);
  }
  for (const { id: run, startedAt, balanced, counts, carriedIn, halted } of troubledRuns(ledger, id, span))
    tally.addRun({ startedAt, run: `r${run}`, imbalance: balanced ? null : imbalanceOf(counts, carriedIn), halted });
  const expected = isWatched(ledger) ? expectationsOfDays(ledger, id, { from: shown[0] ?? day, to: '9999-12-31' }) : [];
  return tally.finish({
    job: id,
    madeAt: new Date(io.now()).toISOString(),
    waiting: waitingOf(ledger, id, join(state, 'staging')),
    ...stepsOfDay(stepsOfRuns(ledger, id, localInstant(day, 0, timezone)), day, timezone),
    expected: expected.map((each) => ({
      day: each.day,
      state: each.state,
      subject: each.subject,
      since: new Date(each.since).toISOString(),
      solvedAt: each.solvedAt === null ? null : new Date(each.solvedAt).toISOString(),
    })),
  });
}

function imbalanceOf(counts: string, carriedIn: number): string {
  const read: RunAccount['counts'] = JSON.parse(counts);
  const balance = balanceOf(read, carriedIn);
  return balance.balanced ? 'a file in it did not balance' : balance.imbalance;
}

const NONE = { count: 0, since: 0 };

function waitingOf(ledger: Ledger, job: string, staging: string): WaitingLine[] {
  const state = jobStates(ledger).get(job);
  if (state === undefined) return [];
  const { rows, files } = state;
  const lines: [string, { count: number; since: number }][] = [
    ['files refused', files.refused],
    ['files held', files.held],
    ['rows held', rows.held],
    ['rows in conflict', add(rows.conflict, memberConflicts(ledger, staging, job).get(job) ?? NONE)],
    ['rows failed', rows.failed],
    ['rows open', rows.open],
    ['files open', files.open],
  ];
  return lines.map(([what, { count, since }]) => ({
    what,
    count,
    oldest: count === 0 || since === 0 ? null : new Date(since).toISOString(),
  }));
}

export const morningStem = (job: string, day: string): string => `${job}.${day}.morning`;

/** Puts a report's three forms into the job's reports folder; one of the same name is replaced. Returns the page's path. */
export async function publishMorning(
  job: Job,
  account: MorningAccount,
  { state, io, signal, logins }: { state: string; io: Io; signal: AbortSignal; logins?: LoginWatch },
): Promise<string> {
  signal.throwIfAborted();
  const rendered = await renderMorning(account);
  await mkdir(state, { recursive: true, mode: 0o700 });
  const local = await mkdtemp(join(state, 'morning-'));
  try {
    await using remote = await openRemote(job.source, io, signal, logins);
    const folder = job.report.reports;
    await remote.ensureFolder(folder);
    let page = '';
    for (const ending of FORMS) {
      const name = `${morningStem(job.id, account.day)}.${ending}`;
      const bytes = Buffer.from(rendered[ending]);
      const path = join(local, name);
      await writeFile(path, bytes, { mode: 0o600 });
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      page = await remote.publish(`${folder}/${name}`, { path, size: bytes.length, sha256 }, { replace: true });
    }
    return page;
  } finally {
    await rm(local, { recursive: true, force: true });
  }
}

/** The page comes last: whoever sees it finds the others beside it. */
const FORMS = ['csv', 'json', 'html'] as const satisfies readonly (keyof RenderedReport)[];

/** Writes a report's three forms into a local folder. Returns their paths. */
export async function writeMorning(account: MorningAccount, folder: string): Promise<string[]> {
  const rendered = await renderMorning(account);
  const paths: string[] = [];
  try {
    await mkdir(folder, { recursive: true });
    for (const ending of FORMS) {
      const path = join(folder, `${morningStem(account.job, account.day)}.${ending}`);
      await writeFile(path, rendered[ending], { mode: 0o600 });
      paths.push(path);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TransferError('USAGE', `cannot write the report into ${folder}: ${why}`, {
      hint: 'name a folder that can be written: --out FOLDER',
    });
  }
  return paths;
}
