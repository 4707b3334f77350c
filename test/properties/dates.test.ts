import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileFormat } from '../../src/mapping/datetime.ts';
import { compileMoment, formatUtc } from '../../src/mapping/moment.ts';
import { runs, timeFor } from './support/runs.ts';

/** A wall-clock time by its parts, and how each token of a format writes it. Nothing here is the program's. */
interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  nanos: number;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const pad = (n: number, width: number): string => String(n).padStart(width, '0');

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

const parts: fc.Arbitrary<Parts> = fc
  .record({
    year: fc.oneof(fc.integer({ min: 1000, max: 9999 }), fc.integer({ min: 2000, max: 2099 })),
    month: fc.integer({ min: 1, max: 12 }),
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
    second: fc.oneof(fc.integer({ min: 0, max: 59 }), fc.constant(59)),
    nanos: fc.oneof(fc.constantFrom(0, 999_999_999, 999_999_000, 1), fc.integer({ min: 0, max: 999_999_999 })),
    dayOf: fc.nat(30),
  })
  .map(({ dayOf, ...rest }) => ({ ...rest, day: 1 + (dayOf % daysIn(rest.year, rest.month)) }));

/** Milliseconds since 1970, counted day by day of the calendar rather than by a library. */
function msOf({ year, month, day, hour, minute, second, nanos }: Parts): number {
  const years = year - 1;
  let days = years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400) - 719_162;
  for (let each = 1; each < month; each++) days += daysIn(year, each);
  const seconds = (days + day - 1) * 86_400 + hour * 3600 + minute * 60 + second;
  return seconds * 1000 + Math.floor(nanos / 1_000_000);
}

const DATE = ['yyyy-MM-dd', 'MM/dd/yyyy', 'd.M.yyyy', 'dd MMM yyyy', 'yyyyMMdd', "'on' d/M/yyyy"] as const;
const TIME = [
  'HH:mm',
  'HH:mm:ss',
  'HHmmss',
  'h:mm a',
  'hh:mm:ss a',
  'HH:mm:ss.SSS',
  'H:mm:ss.SSSSSS',
  "HH'h'mm",
  'HH:mm:ss.SSSSSSSSS',
] as const;

function write(format: string, at: Parts): string {
  return format.replace(/yyyy|MMM|MM|M|dd|d|HH|H|hh|h|mm|ss|S+|a|'[^']*'/g, (token) => {
    const twelve = at.hour % 12 === 0 ? 12 : at.hour % 12;
    if (token.startsWith("'")) return token.slice(1, -1);
    if (token.startsWith('S')) return pad(at.nanos, 9).slice(0, token.length);
    const written: Record<string, string> = {
      yyyy: pad(at.year, 4),
      MMM: MONTHS[at.month - 1] ?? '',
      MM: pad(at.month, 2),
      M: String(at.month),
      dd: pad(at.day, 2),
      d: String(at.day),
      HH: pad(at.hour, 2),
      H: String(at.hour),
      hh: pad(twelve, 2),
      h: String(twelve),
      mm: pad(at.minute, 2),
      ss: pad(at.second, 2),
      a: at.hour < 12 ? 'AM' : 'PM',
    };
    return written[token] ?? token;
  });
}

/** What of the time a format does not write is zero. */
function kept(format: string, at: Parts): Parts {
  const digits = /S+/.exec(format)?.[0].length ?? 0;
  return {
    ...at,
    second: format.includes('ss') ? at.second : 0,
    nanos: Math.floor(at.nanos / 10 ** (9 - digits)) * 10 ** (9 - digits),
  };
}

it('I39: a time is read as exactly what its format wrote, to the millisecond and in every year', () => {
  fc.assert(
    fc.property(parts, fc.constantFrom(...DATE), fc.constantFrom(...TIME), (at, date, time) => {
      const format = `${date} ${time}`;
      const text = write(format, at);
      expect([text, compileFormat(format)(text)?.ms]).toEqual([text, msOf(kept(format, at))]);
    }),
    runs(1000),
  );
});

it('I39: an ISO time with any fraction and offset is that instant, and its text in UTC is read as the same', () => {
  const offset = fc.record({
    sign: fc.constantFrom('+', '-'),
    hours: fc.integer({ min: 0, max: 14 }),
    minutes: fc.constantFrom(0, 30, 45),
    colon: fc.boolean(),
  });
  const read = compileMoment({ format: ['iso'], gap: 'refuse', overlap: 'refuse', dateOnly: 'refuse' });
  fc.assert(
    fc.property(parts, fc.option(offset), fc.integer({ min: 0, max: 9 }), (at, zone, digits) => {
      const fraction = digits === 0 ? '' : `.${'S'.repeat(digits)}`;
      const format = `yyyy-MM-dd'T'HH:mm:ss${fraction}`;
      const shift =
        zone === null ? 'Z' : `${zone.sign}${pad(zone.hours, 2)}${zone.colon ? ':' : ''}${pad(zone.minutes, 2)}`;
      const text = write(format, at) + shift;
      const minutes = zone === null ? 0 : (zone.sign === '-' ? -1 : 1) * (zone.hours * 60 + zone.minutes);
      const expected = msOf(kept(format, at)) - minutes * 60_000;
      const moment = read(text);
      expect([text, moment.ok && moment.ms]).toEqual([text, expected]);
      if (at.year < 1001 || at.year > 9998) return;
      const again = read(formatUtc(expected));
      expect(again.ok && again.ms).toBe(expected);
    }),
    runs(1000),
  );
});

it('I39: a date that no calendar has is never read as another one', () => {
  const number = fc.integer({ min: 0, max: 99 });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9999 }),
      number,
      number,
      number,
      number,
      number,
      (year, month, day, hour, minute, second) => {
        const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)} ${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}`;
        const exists =
          year >= 1000 &&
          month >= 1 &&
          month <= 12 &&
          day >= 1 &&
          day <= daysIn(year, month) &&
          hour < 24 &&
          minute < 60 &&
          second < 60;
        for (const format of ['iso', 'yyyy-MM-dd HH:mm:ss'])
          expect([text, compileFormat(format)(text) !== undefined]).toEqual([text, exists]);
      },
    ),
    runs(1000),
  );
});

const ZONES = [
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Africa/Casablanca',
  'Asia/Gaza',
  'America/Nuuk',
];
const clocks = new Map(
  ZONES.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat('en-US-u-hc-h23', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    }),
  ]),
);

/** What a clock on the wall of a zone shows, as the milliseconds since 1970 it would be in UTC. */
function wallIn(zone: string, ms: number): number {
  const shown = new Map(
    clocks
      .get(zone)
      ?.formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const at = (name: Intl.DateTimeFormatPartTypes) => shown.get(name) ?? 0;
  return Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'));
}

it(
  'I40: a local time is the instant at which the clocks of its zone show it: the one, none in a gap, the chosen of two',
  () => {
    const year = fc.integer({ min: 2024, max: 2030 });
    const policy = fc.constantFrom('refuse' as const, 'earlier' as const, 'later' as const);
    // Times near the changes of the zone are found among all hours of a year, so many are in a gap or an overlap.
    const near = fc.record({
      zone: fc.constantFrom(...ZONES),
      year,
      which: fc.nat(5),
      minutes: fc.integer({ min: -150, max: 150 }),
    });
    fc.assert(
      fc.property(near, policy, policy, ({ zone, year, which, minutes }, gap, overlap) => {
        const changes = changesOf(zone, year);
        const change = changes[which % Math.max(1, changes.length)] ?? Date.UTC(year, which, 15);
        const local = wallIn(zone, change) + minutes * 60_000;
        const text = new Date(local).toISOString().slice(0, 19).replace('T', ' ');
        const instants = candidates(zone, local);
        const moment = compileMoment({
          format: ['yyyy-MM-dd HH:mm:ss'],
          timezone: zone,
          gap,
          overlap,
          dateOnly: 'refuse',
        })(text);
        const found = moment.ok ? moment.ms : moment.code;
        if (instants.length === 1) expect([text, zone, found]).toEqual([text, zone, instants[0]]);
        else if (instants.length === 0 && gap === 'refuse')
          expect([text, zone, found]).toEqual([text, zone, 'TIME_GAP']);
        else if (instants.length === 2)
          expect([text, zone, found]).toEqual([
            text,
            zone,
            overlap === 'refuse' ? 'TIME_OVERLAP' : Math[overlap === 'earlier' ? 'min' : 'max'](...instants),
          ]);
        else expect(typeof found).toBe('number');
      }),
      runs(300),
    );
  },
  timeFor(20_000),
);

const known = new Map<string, number[]>();

/** Instants at which the offset of a zone changes, to the minute. */
function changesOf(zone: string, year: number): number[] {
  const name = `${zone} ${year}`;
  const before = known.get(name);
  if (before) return before;
  const offset = (ms: number) => wallIn(zone, ms) - ms;
  const changes: number[] = [];
  const hour = 3_600_000;
  for (let at = Date.UTC(year, 0, 1); at < Date.UTC(year + 1, 0, 1); at += 24 * hour) {
    let [low, high] = [at, at + 24 * hour];
    if (offset(low) === offset(high)) continue;
    while (high - low > 60_000) {
      const middle = low + Math.floor((high - low) / 120_000) * 60_000;
      if (offset(middle) === offset(low)) low = middle;
      else high = middle;
    }
    changes.push(high);
  }
  known.set(name, changes);
  return changes;
}

/** Every instant at which the zone's clocks show this: looked for under each offset the zone has within two days of it. */
function candidates(zone: string, local: number): number[] {
  const offsets = new Set(
    [-48, -24, -3, 0, 3, 24, 48].map((hours) => wallIn(zone, local + hours * 3_600_000) - (local + hours * 3_600_000)),
  );
  return [...offsets].map((offset) => local - offset).filter((ms) => wallIn(zone, ms) === local);
}
