import type { ExportAccount, PushAccount } from '../accounts.ts';
import type { Counts, DestinationIdentity, FileAccount, Notice, RunAccount } from '../model.ts';
import { balanceOf, balanceOfFiles } from './balance.ts';
import { sumCounts } from './tally.ts';

/** What the runs of one day came to. A file that several runs worked on counts once, as the newest of them left it. */
export interface DayAccount {
  /** `2026-11-20`, in `timezone`. */
  day: string;
  timezone: string;
  jobs: string[];
  destinations: DestinationIdentity[];
  /** In the order they started. */
  runs: Pick<RunAccount, 'run' | 'job' | 'startedAt' | 'endedAt' | 'carriedIn' | 'counts' | 'balanced' | 'halted'>[];
  files: FileAccount[];
  seen: RunAccount['seen'];
  /** The sum of the files, so read = outcomes + open. */
  counts: Counts;
  /** The day's sum and each of its runs balance. */
  balanced: boolean;
  /** Of each export and push, what the newest run said; of targets that got none, only what the newest run said of them. */
  exports?: ExportAccount[];
  pushes?: PushAccount[];
  notices: Notice[];
}

/** The calendar day of an instant (ISO 8601) in a time zone: `2026-11-20`. */
export function dayOf(instant: string, timezone: string): string {
  const parts = dayFormat(timezone).formatToParts(new Date(instant));
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}

/** Making one takes a hundred times as long as using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return format;
}

/** Takes the runs that started on `day` in `timezone`; others among `accounts` are left out. */
export function rollUp(accounts: readonly RunAccount[], day: string, timezone: string): DayAccount {
  const runs = accounts
    .filter((account) => dayOf(account.startedAt, timezone) === day)
    .sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  const files = newestAccounts(runs);
  const counts = sumCounts(files.map((file) => file.counts));
  const seen = seenOf(files);
  const allBalanced = runs.every((run) => run.balanced) && files.every((file) => file.balanced);
  const exports = newestOf(
    runs,
    ({ exports = [] }) => exports,
    (each) => each.export,
  );
  const pushes = newestOf(
    runs,
    ({ pushes = [] }) => pushes,
    (each) => each.push,
  );
  return {
    day,
    timezone,
    jobs: [...new Set(runs.map((run) => run.job))].sort(),
    destinations: distinct(runs.map((run) => run.destination)),
    runs: runs.map(({ run, job, startedAt, endedAt, carriedIn, counts, balanced, halted }) => ({
      run,
      job,
      startedAt,
      endedAt,
      carriedIn,
      counts,
      balanced,
      ...(halted === undefined ? {} : { halted }),
    })),
    files,
    seen,
    counts,
    balanced: allBalanced && balanceOf(counts).balanced && balanceOfFiles(seen).balanced,
    ...(exports.length > 0 ? { exports } : {}),
    ...(pushes.length > 0 ? { pushes } : {}),
    notices: distinct(runs.flatMap((run) => run.notices)),
  };
}

/** Of runs in the order they started. What waits at a target, or never came to a number, counts only where the newest run of its job says so. */
export function newestOf<
  Run extends Pick<RunAccount, 'job' | 'run'>,
  Step extends { job: string; target: string; state: string },
>(runs: readonly Run[], of: (run: Run) => readonly Step[], number: (step: Step) => string): Step[] {
  const newestRun = new Map(runs.map(({ job, run }) => [job, run]));
  const steps = new Map<string, { step: Step; run: string }>();
  for (const run of runs)
    for (const step of of(run))
      steps.set(JSON.stringify([step.job, step.target, number(step)]), { step, run: run.run });
  return [...steps.values()]
    .filter(({ step, run }) => step.state === 'published' || step.state === 'done' || newestRun.get(step.job) === run)
    .map(({ step }) => step);
}

function newestAccounts(runs: readonly RunAccount[]): FileAccount[] {
  const files = new Map<string, FileAccount>();
  for (const run of runs) for (const file of run.files) files.set(identityOf(file), file);
  return [...files.values()];
}

/**
 * One processing is one file, however many runs worked on it. The same contents dropped again are a file of their own:
 * were they to replace the first account, its deliveries would vanish from the day.
 */
function identityOf(file: FileAccount): string {
  const first = file.repeatOf === undefined && file.processing !== '';
  const parts = first
    ? [file.job, file.processing]
    : [file.job, file.processing, file.sha256, file.name, file.archivedAs ?? ''];
  return JSON.stringify(parts);
}

function seenOf(files: readonly FileAccount[]): RunAccount['seen'] {
  const seen = { files: files.length, processed: 0, held: 0, refused: 0, open: 0 };
  for (const file of files) seen[file.state]++;
  return seen;
}

function distinct<T extends object>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
