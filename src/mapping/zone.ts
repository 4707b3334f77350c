import { Temporal } from 'temporal-polyfill';

/** What to do with a local time that a change of clocks leaves out, or gives twice. */
export type Disambiguation = 'refuse' | 'earlier' | 'later';

export type Instant = { ok: true; ms: number } | { ok: false; code: 'TIME_GAP' | 'TIME_OVERLAP' };

const DAY = 86_400_000;
const CACHED_DAYS = 5000;
const CACHED_MINUTES = 20_000;

/** Whether this runtime knows the zone, by its IANA name. */
export function isTimeZone(zone: string): boolean {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId.length > 0;
  } catch {
    return false;
  }
}

/**
 * From wall-clock time in a zone to an instant. Wall-clock time is given as the milliseconds since 1970 it would be in
 * UTC. Days without a change of clocks nearby have one offset, which is kept; the others go through Temporal.
 */
export function compileZone(
  zone: string,
  policy: { gap: Disambiguation; overlap: Disambiguation },
): (wallMs: number) => Instant {
  const offsetByDay = new Map<number, number | undefined>();
  const offsetByMinute = new Map<number, number | Instant>();
  return (wallMs) => {
    const day = Math.floor(wallMs / DAY);
    if (!offsetByDay.has(day)) {
      if (offsetByDay.size >= CACHED_DAYS) offsetByDay.clear();
      offsetByDay.set(day, offsetOfQuietDay(zone, day));
    }
    const offset = offsetByDay.get(day);
    if (offset !== undefined) return { ok: true, ms: wallMs - offset };
    // Clocks change on whole minutes, at least since 1972.
    const minute = Math.floor(wallMs / 60_000);
    let near = wallMs > 63_072_000_000 ? offsetByMinute.get(minute) : undefined;
    if (near === undefined) {
      if (offsetByMinute.size >= CACHED_MINUTES) offsetByMinute.clear();
      near = resolve(zone, wallMs, policy);
      offsetByMinute.set(minute, near);
    }
    return typeof near === 'number' ? { ok: true, ms: wallMs - near } : near;
  };
}

/** The offset in milliseconds that holds from a day before to a day after this one, or `undefined` where it changes. */
function offsetOfQuietDay(zone: string, day: number): number | undefined {
  const before = offsetAt(zone, (day - 1) * DAY);
  for (const instant of [day * DAY, (day + 1) * DAY, (day + 2) * DAY]) {
    if (offsetAt(zone, instant) !== before) return undefined;
  }
  return before;
}

function offsetAt(zone: string, ms: number): number {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).offsetNanoseconds / 1e6;
}

function resolve(
  zone: string,
  wallMs: number,
  policy: { gap: Disambiguation; overlap: Disambiguation },
): number | Instant {
  const wall = Temporal.Instant.fromEpochMilliseconds(wallMs).toZonedDateTimeISO('UTC').toPlainDateTime();
  const earlier = wall.toZonedDateTime(zone, { disambiguation: 'earlier' });
  const later = wall.toZonedDateTime(zone, { disambiguation: 'later' });
  if (earlier.epochMilliseconds === later.epochMilliseconds) return wallMs - earlier.epochMilliseconds;
  // In an overlap both are this very wall-clock time; in a gap neither is.
  const overlap = earlier.toPlainDateTime().equals(wall);
  const choice = overlap ? policy.overlap : policy.gap;
  if (choice === 'refuse') return { ok: false, code: overlap ? 'TIME_OVERLAP' : 'TIME_GAP' };
  return wallMs - (choice === 'earlier' ? earlier : later).epochMilliseconds;
}
