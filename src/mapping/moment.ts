import { compileFormat, type Wall } from './datetime.ts';
import { compileZone, type Disambiguation } from './zone.ts';

/** What stands for the time of day in a date without one. */
export type DateOnly = 'end-of-day' | 'start-of-day' | 'refuse';

export type Moment =
  | { ok: true; ms: number; wall: Wall }
  | { ok: false; code: 'TIME_INVALID' | 'TIME_GAP' | 'TIME_OVERLAP'; rule: string };

const END_OF_DAY = 86_399_000;

/** A strict reader of moments in declared formats. `rule` says what is allowed, to end a reason with. */
export function compileMoment(settings: {
  format: readonly string[];
  timezone?: string | undefined;
  gap: Disambiguation;
  overlap: Disambiguation;
  dateOnly: DateOnly;
}): (text: string) => Moment {
  const readers = settings.format.map((format) => compileFormat(format));
  const zone = settings.timezone === undefined ? undefined : compileZone(settings.timezone, settings);
  const allowed = `allowed: ${settings.format.map(describeFormat).join(' or ')}`;
  const fail = (code: 'TIME_INVALID' | 'TIME_GAP' | 'TIME_OVERLAP', rule: string): Moment => ({
    ok: false,
    code,
    rule,
  });
  return (text) => {
    let wall: Wall | undefined;
    for (const read of readers) {
      wall = read(text);
      if (wall !== undefined) break;
    }
    if (wall === undefined) return fail('TIME_INVALID', allowed);
    if (!wall.timed && settings.dateOnly === 'refuse')
      return fail('TIME_INVALID', `a time of day is needed; ${allowed}`);
    const local = !wall.timed && settings.dateOnly === 'end-of-day' ? wall.ms + END_OF_DAY : wall.ms;
    if (wall.offset !== undefined) return { ok: true, ms: local - wall.offset * 60_000, wall };
    if (zone === undefined)
      return fail('TIME_INVALID', 'an offset such as -05:00 or Z is needed, since the job declares no timezone');
    const instant = zone(local);
    if (instant.ok) return { ok: true, ms: instant.ms, wall };
    const rule =
      instant.code === 'TIME_GAP'
        ? `that time does not exist in ${settings.timezone}, clocks go forward over it; the job may say gap: later or earlier`
        : `that time comes twice in ${settings.timezone}, clocks go back over it; the job may say overlap: earlier or later`;
    return fail(instant.code, rule);
  };
}

function describeFormat(format: string): string {
  switch (format) {
    case 'iso':
      return 'ISO 8601 such as 2026-11-20T14:03:00Z';
    case 'epoch-s':
      return 'seconds since 1970';
    case 'epoch-ms':
      return 'milliseconds since 1970';
    case 'excel-serial':
      return "a spreadsheet's day number such as 46346.5";
    default:
      return format;
  }
}

const DAY = 86_400_000;
const CACHED_DAYS = 5000;
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

/** ISO 8601 in UTC, without milliseconds where there are none. */
export function formatUtc(ms: number): string {
  return createUtcFormat()(ms);
}

/** The same, several times as quick for the many times of a file, which fall on few days. */
export function createUtcFormat(): (ms: number) => string {
  const dates = new Map<number, string>();
  return (ms) => {
    const day = Math.floor(ms / DAY);
    let date = dates.get(day);
    if (date === undefined) {
      if (dates.size >= CACHED_DAYS) dates.clear();
      date = new Date(ms).toISOString().slice(0, -13);
      dates.set(day, date);
    }
    const rest = ms - day * DAY;
    const seconds = Math.floor(rest / 1000);
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    const time = `${date}${TWO_DIGITS[hours]}:${TWO_DIGITS[minutes - hours * 60]}:${TWO_DIGITS[seconds - minutes * 60]}`;
    const fraction = rest - seconds * 1000;
    return fraction === 0 ? `${time}Z` : `${time}.${String(fraction).padStart(3, '0')}Z`;
  };
}
