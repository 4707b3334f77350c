import { validate } from 'node-cron';
import { Temporal } from 'temporal-polyfill';
import { type Cron, CronError, parseCron } from '../jobs/cron.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
/** The 29th of February may be eight years away, and a weekday restricts nothing further than that. */
const FURTHEST_MS = 9 * 366 * DAY;

/**
 * The newest tick in (after, upTo] of a cron expression on the clock of a time zone, in milliseconds since 1970;
 * `undefined` where there is none. Each local minute that the expression names is due at the first instant at which the
 * zone's clock shows it or a later one: in a gap of daylight saving that is the first instant after it, in an overlap
 * the first pass. Throws `CronError`.
 */
export function latestDue(expression: string, timezone: string, after: number, upTo: number): number | undefined {
  if (upTo <= after) return undefined;
  const cron = checked(expression, timezone);
  const zone = clockOf(timezone);
  // Where the clock was set back lately, it has shown later minutes than it shows now.
  for (const local of localTimesBefore(cron, zone.latestShown(upTo))) {
    const tick = zone.firstInstant(local);
    if (tick <= after) return undefined;
    if (tick <= upTo) return tick;
  }
  return undefined;
}

/** The first tick later than `after`. Throws `CronError`. */
export function nextDue(expression: string, timezone: string, after: number): number {
  const cron = checked(expression, timezone);
  const zone = clockOf(timezone);
  const from = zone.shown(after);
  for (const local of localTimesFrom(cron, from, from + FURTHEST_MS)) {
    const tick = zone.firstInstant(local);
    if (tick > after) return tick;
  }
  throw new CronError('schedule', `"${expression}"`, 'which names no minute of the next nine years');
}

/**
 * The first instant (milliseconds since 1970) at which a zone's clock shows a time of a day or a later one. `day` is
 * `2026-11-20`, `minutes` count from midnight.
 */
export function localInstant(day: string, minutes: number, timezone: string): number {
  return clockOf(timezone).firstInstant(Date.parse(`${day}T00:00:00Z`) + minutes * MINUTE);
}

/** The day so many days later, by the calendar. */
export function dayPlus(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}

/** What is wrong with a schedule, for `check`; `undefined` where nothing is. */
export function scheduleProblem(expression: string, timezone: string): { field: string; message: string } | undefined {
  try {
    checked(expression, timezone);
    return undefined;
  } catch (error) {
    if (error instanceof CronError) return { field: error.field, message: error.message };
    throw error;
  }
}

/** Our reader is the stricter one; what it takes, node-cron takes as well, so that the two never disagree about a job. */
function checked(expression: string, timezone: string): Cron {
  const known = parsed.get(expression);
  const cron = known ?? parseCron(expression);
  if (!known) {
    if (!validate(expression.trim())) throw new CronError('schedule', `"${expression}"`, 'which node-cron refuses');
    if (parsed.size > 1000) parsed.clear();
    parsed.set(expression, cron);
  }
  if (!zoneExists(timezone)) {
    throw new CronError('timezone', `"${timezone}"`, `an IANA time zone is needed, such as America/New_York or UTC`);
  }
  return cron;
}

const parsed = new Map<string, Cron>();
const zones = new Map<string, boolean>();

function zoneExists(timezone: string): boolean {
  let exists = zones.get(timezone);
  if (exists === undefined) {
    try {
      new Intl.DateTimeFormat('en-US', { timeZone: timezone });
      exists = true;
    } catch {
      exists = false;
    }
    if (zones.size > 1000) zones.clear();
    zones.set(timezone, exists);
  }
  return exists;
}

/** The clock on the wall of a zone. Local times are milliseconds since 1970-01-01 00:00 on that clock. */
interface Clock {
  shown(instant: number): number;
  /** The latest time that the clock has shown up to an instant, at least. */
  latestShown(instant: number): number;
  /** The first instant at which the clock shows a local time or a later one. */
  firstInstant(local: number): number;
}

function clockOf(timezone: string): Clock {
  const offset = (instant: number): number =>
    Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timezone).offsetNanoseconds / 1e6;
  const shown = (instant: number): number => instant + offset(instant);
  return {
    shown,
    latestShown: (instant) => {
      let furthest = offset(instant);
      // No overlap is longer than a day; offsets between the looks would have to change twice to be missed.
      for (let hours = 1; hours <= 24; hours *= 2) furthest = Math.max(furthest, offset(instant - hours * 60 * MINUTE));
      return instant + furthest;
    },
    firstInstant: (local) => {
      const time = Temporal.Instant.fromEpochMilliseconds(local).toZonedDateTimeISO('UTC').toPlainDateTime();
      const earlier = time.toZonedDateTime(timezone, { disambiguation: 'earlier' });
      if (shown(earlier.epochMilliseconds) === local) return earlier.epochMilliseconds;
      // In a gap: `earlier` lies before it by the gap's length, and the gap is the next change of the clock.
      const end = earlier.getTimeZoneTransition('next');
      return end ? end.epochMilliseconds : earlier.epochMilliseconds;
    },
  };
}

/** Local times that an expression names, from a time on, ascending. */
function* localTimesFrom(cron: Cron, from: number, to: number): Generator<number> {
  for (let day = startOfDay(from); day <= to; ) {
    const skip = daysToSkip(cron, day, 1);
    if (skip > 0) {
      day += skip * DAY;
      continue;
    }
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const time = day + (hour * 60 + minute) * MINUTE;
        if (time >= from) yield time;
      }
    }
    day += DAY;
  }
}

/** Local times that an expression names, back from a time (included), descending. */
function* localTimesBefore(cron: Cron, from: number): Generator<number> {
  const hours = cron.hours.toReversed();
  const minutes = cron.minutes.toReversed();
  for (let day = startOfDay(from); day > from - FURTHEST_MS; ) {
    const skip = daysToSkip(cron, day, -1);
    if (skip > 0) {
      day -= skip * DAY;
      continue;
    }
    for (const hour of hours) {
      for (const minute of minutes) {
        const time = day + (hour * 60 + minute) * MINUTE;
        if (time <= from) yield time;
      }
    }
    day -= DAY;
  }
}

/** How many days on (or back) to look next; 0: this day is named. Months that are not named are left out whole. */
function daysToSkip(cron: Cron, day: number, direction: 1 | -1): number {
  const date = new Date(day);
  const month = date.getUTCMonth();
  if (!cron.months.has(month + 1)) {
    const dayOfMonth = date.getUTCDate();
    if (direction === -1) return dayOfMonth;
    return new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate() - dayOfMonth + 1;
  }
  const byDate = cron.days.has(date.getUTCDate());
  const byWeekday = cron.weekdays.has(date.getUTCDay());
  const named = cron.eitherDay ? byDate || byWeekday : byDate && byWeekday;
  return named ? 0 : 1;
}

const startOfDay = (local: number): number => Math.floor(local / DAY) * DAY;
