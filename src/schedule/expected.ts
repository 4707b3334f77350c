import type { ExpectationState } from '../ledger/expectations.ts';
import { dayOf } from '../reports/roll-up.ts';
import { dayPlus, localInstant } from './due.ts';

/** When files are expected. Times of day are minutes since midnight on the clock of the zone; Sunday is 0. */
export interface ExpectedRules {
  by: number;
  from?: number | undefined;
  days: readonly number[];
  holidays: ReadonlySet<string>;
  minRows?: number | undefined;
  maxRows?: number | undefined;
  timezone: string;
}

/** A file that came: neither refused nor seen before. */
export interface CameFile {
  id: number;
  /** When it was first seen; milliseconds since 1970. */
  at: number;
  /** null while it is not read. */
  read: number | null;
}

/** What is known of the present. */
export interface Watch {
  now: number;
  /** When the job began to be watched: no day before is judged. */
  since: number;
  /** Whether the inbox was looked into at an instant or later, or had the time to be. */
  lookedAt(instant: number): boolean;
}

/** One thing that is unusual now. */
export interface Finding {
  day: string;
  state: Exclude<ExpectationState, 'sequence-gap'>;
  /** The file it is about. */
  file?: CameFile;
  since: number;
}

/** Days back that are still judged, and that a late file may stand for. */
export const LOOK_BACK = 14;
/**
 * Days back whose files are still known to stand for a day. Were it no more than are judged, a file that stood for a day that is forgotten
 * would stand for the next one instead, and time alone would put that right.
 */
export const KNOWN_BACK = 5 * LOOK_BACK;
/** How many days a file that came too early, too small or too large is told as such. */
const SIZE_DAYS = 2;

/** The days on which a file is expected, oldest first, from the one on which the watch began (if it could still come in time). */
export function expectedDays(
  rules: ExpectedRules,
  { now, since }: Pick<Watch, 'now' | 'since'>,
  back = LOOK_BACK,
): string[] {
  const today = dayIn(now, rules.timezone);
  const began = dayIn(since, rules.timezone);
  const first = since < localInstant(began, rules.by, rules.timezone) ? began : dayPlus(began, 1);
  const days: string[] = [];
  for (let day = later(first, dayPlus(today, -back)); day <= today; day = dayPlus(day, 1))
    if (isExpected(rules, day)) days.push(day);
  return days;
}

const later = (a: string, b: string): string => (a > b ? a : b);
const dayIn = (ms: number, timezone: string): string => dayOf(new Date(ms).toISOString(), timezone);

function isExpected({ days, holidays }: ExpectedRules, day: string): boolean {
  return days.includes(new Date(`${day}T00:00:00Z`).getUTCDay()) && !holidays.has(day);
}

/**
 * Everything about the expected files that is unusual now. Each expected day needs one file. A file stands for the day on
 * which it came; where that day has one, or expects none, or has not begun (`from`), it stands for the oldest day without
 * one. A day without a file is late from `by` to midnight, and missing from then on.
 */
export function findUnusual(rules: ExpectedRules, files: readonly CameFile[], watch: Watch): Finding[] {
  const { timezone } = rules;
  const days = expectedDays(rules, watch);
  const known = expectedDays(rules, watch, KNOWN_BACK);
  const without = new Set(known);
  const early: Finding[] = [];
  for (const file of inOrder(files)) {
    const day = dayIn(file.at, timezone);
    const reach = dayPlus(day, -LOOK_BACK);
    const oldest = known.find((each) => each >= reach && each < day && without.has(each));
    const tooEarly = rules.from !== undefined && file.at < localInstant(day, rules.from, timezone);
    if (without.has(day) && !(tooEarly && oldest !== undefined)) {
      without.delete(day);
      if (tooEarly) early.push({ day, state: 'early', file, since: file.at });
    } else if (oldest !== undefined) without.delete(oldest);
  }
  return [
    ...days.flatMap((day) => (without.has(day) ? absent(rules, day, watch) : [])),
    ...early.filter(
      ({ day, file }) => watch.now < overAt(day, 'early', timezone) && !isFollowed(rules, files, day, file),
    ),
    ...sizes(rules, files, watch),
  ];
}

function inOrder(files: readonly CameFile[]): CameFile[] {
  return [...files].sort((a, b) => a.at - b.at || a.id - b.id);
}

function absent({ by, timezone }: ExpectedRules, day: string, { now, lookedAt }: Watch): Finding[] {
  const due = localInstant(day, by, timezone);
  const over = localInstant(dayPlus(day, 1), 0, timezone);
  if (now < due || !lookedAt(due)) return [];
  return [now >= over ? { day, state: 'missing', since: over } : { day, state: 'late', since: due }];
}

/** Another file came on that day, and in time. */
function isFollowed(
  { from = 0, timezone }: ExpectedRules,
  files: readonly CameFile[],
  day: string,
  early: CameFile | undefined,
): boolean {
  const begins = localInstant(day, from, timezone);
  return files.some((file) => file.id !== early?.id && file.at >= begins && dayIn(file.at, timezone) === day);
}

function sizes(rules: ExpectedRules, files: readonly CameFile[], { now, since }: Watch): Finding[] {
  const { minRows = 0, maxRows = Number.POSITIVE_INFINITY, timezone } = rules;
  const found: Finding[] = [];
  for (const file of inOrder(files)) {
    if (file.read === null || file.at < since) continue;
    // A file of the usual size puts right what came before it.
    if (file.read >= minRows && file.read <= maxRows) found.length = 0;
    else {
      const day = dayIn(file.at, timezone);
      const state = file.read < minRows ? 'too-small' : 'too-large';
      if (now < overAt(day, state, timezone)) found.push({ day, state, file, since: file.at });
    }
  }
  return found;
}

/** When a thing is over by itself, whether something put it right or not. Milliseconds since 1970. */
export function overAt(day: string, state: ExpectationState, timezone: string): number {
  if (state === 'late' || state === 'early') return localInstant(dayPlus(day, 1), 0, timezone);
  if (state === 'missing') return localInstant(dayPlus(day, LOOK_BACK), 0, timezone);
  return localInstant(dayPlus(day, SIZE_DAYS), 0, timezone);
}
