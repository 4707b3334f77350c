import type { Job } from '../jobs/schema.ts';
import {
  type Expectation,
  keepExpectations,
  openExpectations,
  type StoredExpectation,
} from '../ledger/expectations.ts';
import type { Ledger } from '../ledger/open.ts';
import { type SkippedNumber, skippedNumbers } from '../ledger/sequences.ts';
import { cameFiles, lastLook, setWatchMark, upSince, watchMark } from '../ledger/watch.ts';
import { dayOf } from '../reports/roll-up.ts';
import { nextDue } from './due.ts';
import { type ExpectedRules, type Finding, findUnusual, KNOWN_BACK, overAt } from './expected.ts';

/** How long a run may take to look into the inbox once it is due. */
const GRACE_MS = 30 * 60_000;
const DAY_MS = 86_400_000;

/** Makes the ledger say what is unusual about the expected files of a job now. Repeating it changes nothing. */
export function watchExpected(ledger: Ledger, job: Job, now: number): void {
  const found = [...unusualFiles(ledger, job, now), ...sequenceGaps(ledger, job)];
  const { timezone } = job;
  const over = (ended: StoredExpectation): boolean => {
    // Late became missing, a day or two went by, or the job expects nothing any more.
    if (job.expect === undefined && ended.state !== 'sequence-gap') return true;
    return ended.state !== 'sequence-gap' && now >= overAt(ended.day, ended.state, timezone);
  };
  if (found.length > 0 || openExpectations(ledger, job.id).length > 0)
    keepExpectations(ledger, job.id, found, over, now);
}

function unusualFiles(ledger: Ledger, job: Job, now: number): Expectation[] {
  const { expect, id, timezone, schedule } = job;
  if (expect === undefined) return [];
  const since = watchMark(ledger, id, 'expected') ?? now;
  if (since === now) setWatchMark(ledger, id, 'expected', now);
  const rules: ExpectedRules = { ...expect, holidays: new Set(job.holidays ?? []), timezone };
  const looked = lastLook(ledger, id) ?? 0;
  const up = upSince(ledger);
  const lookedAt = (instant: number): boolean => {
    if (looked >= instant) return true;
    const due = schedule === undefined ? instant : nextDue(schedule, timezone, instant - 1);
    return now >= Math.max(due, up) + GRACE_MS;
  };
  const files = cameFiles(ledger, id, now - (KNOWN_BACK + 2) * DAY_MS);
  return findUnusual(rules, files, { now, since, lookedAt }).map((finding) => ({
    job: id,
    day: finding.day,
    state: finding.state,
    subject: finding.file === undefined ? '' : String(finding.file.id),
    since: finding.since,
    detail: detailOf(finding, rules),
  }));
}

function detailOf({ state, file }: Finding, { by, from, minRows, maxRows }: ExpectedRules): Expectation['detail'] {
  switch (state) {
    case 'late':
    case 'missing':
      return { by: clock(by) };
    case 'early':
      return { from: clock(from ?? 0) };
    case 'too-small':
      return { rows: file?.read ?? 0, minRows: minRows ?? 0 };
    case 'too-large':
      return { rows: file?.read ?? 0, maxRows: maxRows ?? 0 };
  }
}

const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** Numbers that one file skipped are one gap, until all of them have come. */
function sequenceGaps(ledger: Ledger, job: Job): Expectation[] {
  if (job.file.sequence === undefined) return [];
  const gaps = new Map<number, SkippedNumber[]>();
  for (const skipped of skippedNumbers(ledger, job.id))
    gaps.set(skipped.missingSince, [...(gaps.get(skipped.missingSince) ?? []), skipped]);
  return [...gaps].flatMap(([since, numbers]): Expectation[] => {
    const missing = numbers.filter(({ seenAt }) => seenAt === null).length;
    if (missing === 0) return [];
    const first = numbers[0]?.number ?? 0;
    const last = numbers.at(-1)?.number ?? first;
    return [
      {
        job: job.id,
        day: dayOf(new Date(since).toISOString(), job.timezone),
        state: 'sequence-gap',
        subject: first === last ? String(first) : `${first}-${last}`,
        since,
        detail: { first, last, missing },
      },
    ];
  });
}
