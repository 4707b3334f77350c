import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latestDue, nextDue } from '../../src/schedule/due.ts';
import { cpuMs } from './processor-time.ts';

const MINUTE = 60_000;
const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace(':00.000Z', 'Z');

function ticks(expression: string, zone: string, from: string, to: string): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  for (let t = nextDue(expression, zone, at(from)); t <= at(to); t = nextDue(expression, zone, t)) found.push(iso(t));
  return found;
}

describe('when a schedule is due', () => {
  it('counts a tick at the end of the span and not the one at its beginning', () => {
    const [nine, ten] = [at('2026-11-20T09:00Z'), at('2026-11-20T10:00Z')];
    expect(latestDue('0 * * * *', 'UTC', nine, ten)).toBe(ten);
    expect(latestDue('0 * * * *', 'UTC', nine, ten - 1)).toBeUndefined();
    expect(latestDue('0 * * * *', 'UTC', nine - 1, ten - 1)).toBe(nine);
    expect(nextDue('0 * * * *', 'UTC', nine)).toBe(ten);
    expect(latestDue('0 * * * *', 'UTC', ten, nine)).toBeUndefined();
  });

  it('C17: makes six missed hours up with one tick, the newest', () => {
    expect(iso(latestDue('*/15 * * * *', 'UTC', at('2026-11-20T03:00Z'), at('2026-11-20T09:07Z')))).toBe(
      '2026-11-20T09:00Z',
    );
  });

  it('C16: fires a time that the spring skips once, at the first instant after the gap', () => {
    const zone = 'America/New_York';
    const day = ['2026-03-08T05:00Z', '2026-03-09T04:00Z'] as const;
    expect(ticks('30 2 * * *', zone, ...day)).toEqual(['2026-03-08T07:00Z']);
    expect(ticks('0,20,40 2 * * *', zone, ...day)).toEqual(['2026-03-08T07:00Z']);
    expect(ticks('59 1 * * *', zone, ...day)).toEqual(['2026-03-08T06:59Z']);
  });

  it('C16: fires a time that the autumn repeats once, in the first pass', () => {
    const zone = 'America/New_York';
    const day = ['2026-11-01T04:00Z', '2026-11-02T05:00Z'] as const;
    expect(ticks('30 1 * * *', zone, ...day)).toEqual(['2026-11-01T05:30Z']);
    expect(latestDue('30 1 * * *', zone, at('2026-11-01T05:30Z'), at('2026-11-01T06:45Z'))).toBeUndefined();
    expect(iso(latestDue('30 1 * * *', zone, at('2026-11-01T05:00Z'), at('2026-11-01T06:10Z')))).toBe(
      '2026-11-01T05:30Z',
    );
  });

  it('loses no local minute of */30 on the days when the clock changes', () => {
    expect(ticks('*/30 * * * *', 'America/New_York', '2026-03-08T06:00Z', '2026-03-08T08:00Z')).toEqual([
      '2026-03-08T06:30Z',
      '2026-03-08T07:00Z',
      '2026-03-08T07:30Z',
      '2026-03-08T08:00Z',
    ]);
    const autumn = ticks('*/30 * * * *', 'America/New_York', '2026-11-01T03:59Z', '2026-11-02T04:59Z');
    expect(autumn).toHaveLength(48);
  });

  it('knows zones that shift by half an hour, in the other half of the year, or stand at a quarter', () => {
    expect(ticks('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T14:00Z', '2026-10-04T12:00Z')).toEqual([
      '2026-10-03T15:30Z',
    ]);
    expect(ticks('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T13:00Z', '2026-04-05T12:00Z')).toEqual([
      '2026-04-04T14:45Z',
    ]);
    // Ramadan of 2026: the clock is set back an hour on 15 February at 3:00.
    expect(ticks('30 2 * * *', 'Africa/Casablanca', '2026-02-15T00:00Z', '2026-02-15T20:00Z')).toEqual([
      '2026-02-15T01:30Z',
    ]);
    expect(iso(nextDue('0 9 * * *', 'Asia/Kathmandu', at('2026-11-20T00:00Z')))).toBe('2026-11-20T03:15Z');
  });

  it('fires what a day that never was had on it', () => {
    expect(ticks('0 12 30 12 *', 'Pacific/Apia', '2011-12-29T00:00Z', '2012-01-05T00:00Z')).toEqual([
      '2011-12-30T10:00Z',
    ]);
  });

  it('takes either day field where both are restricted, and both where one begins with *', () => {
    const november = ['2026-11-01T00:00Z', '2026-11-30T23:59Z'] as const;
    expect(ticks('0 6 13 * FRI', 'UTC', ...november).map((t) => t?.slice(8, 10))).toEqual(['06', '13', '20', '27']);
    expect(ticks('0 6 1,15 * MON', 'UTC', ...november).map((t) => t?.slice(8, 10))).toEqual([
      ...['01', '02', '09', '15', '16', '23', '30'],
    ]);
    expect(ticks('0 6 */2 * MON', 'UTC', ...november).map((t) => t?.slice(8, 10))).toEqual(['09', '23']);
  });

  it('finds a leap day years away without walking there minute by minute', () => {
    const look = (): unknown[] => [
      iso(nextDue('0 0 29 2 *', 'America/New_York', at('2096-03-01T12:00Z'))),
      iso(latestDue('0 0 29 2 *', 'America/New_York', 0, at('2104-02-28T12:00Z'))),
    ];
    expect(look()).toEqual(['2104-02-29T05:00Z', '2096-02-29T05:00Z']);
    expect(cpuMs(look)).toBeLessThan(100);
  });
});

/** Days on which something happens to a clock, and quiet ones. */
const WINDOWS = [
  { zone: 'America/New_York', start: '2026-03-07T22:00Z' },
  { zone: 'America/New_York', start: '2026-10-31T22:00Z' },
  { zone: 'Australia/Lord_Howe', start: '2026-04-04T02:00Z' },
  { zone: 'Australia/Lord_Howe', start: '2026-10-03T02:00Z' },
  { zone: 'Africa/Casablanca', start: '2026-02-14T18:00Z' },
  { zone: 'Africa/Casablanca', start: '2026-03-21T18:00Z' },
  { zone: 'Asia/Kathmandu', start: '2026-12-31T06:00Z' },
  { zone: 'UTC', start: '2028-02-28T12:00Z' },
].map(({ zone, start }) => ({ zone, start: at(start), shown: walk(zone, at(start)) }));
const MINUTES = 40 * 60;

/** What the zone's clock shows at each minute, as the platform's own formatter says it. */
function walk(zone: string, start: number): number[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  return Array.from({ length: 40 * 60 }, (_, i) =>
    Date.parse(`${format.format(start + i * MINUTE).replace(' ', 'T')}Z`),
  );
}

const field = (least: number, most: number): fc.Arbitrary<{ text: string; values: Set<number> }> => {
  const all = Array.from({ length: most - least + 1 }, (_, i) => least + i);
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant({ text: '*', values: new Set(all) }) },
    fc.integer({ min: 1, max: most - least + 1 }).map((step) => ({
      text: `*/${step}`,
      values: new Set(all.filter((_, i) => i % step === 0)),
    })),
    fc.uniqueArray(fc.constantFrom(...all), { minLength: 1, maxLength: 4 }).map((list) => ({
      text: list.join(','),
      values: new Set(list),
    })),
    fc.tuple(fc.constantFrom(...all), fc.constantFrom(...all), fc.integer({ min: 1, max: 5 })).map(([a, b, step]) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      return {
        text: `${from}-${to}/${step}`,
        values: new Set(all.filter((n) => n >= from && n <= to && (n - from) % step === 0)),
      };
    }),
  );
};

describe('when a schedule is due, for any schedule and zone', () => {
  const schedule = fc.record({
    minute: field(0, 59),
    hour: field(0, 23),
    day: field(1, 31),
    weekday: field(0, 6),
    place: fc.nat({ max: WINDOWS.length - 1 }),
    a: fc.integer({ min: 0, max: MINUTES - 1 }),
    b: fc.integer({ min: 0, max: MINUTES - 1 }),
  });

  it('is due at the first instant at which the clock shows a named minute or a later one', () => {
    fc.assert(
      fc.property(schedule, ({ minute, hour, day, weekday, place, a, b }) => {
        const window = WINDOWS[place] ?? { zone: 'UTC', start: 0, shown: [] };
        const expression = `${minute.text} ${hour.text} ${day.text} * ${weekday.text}`;
        const either = !day.text.startsWith('*') && !weekday.text.startsWith('*');
        const named = (local: number): boolean => {
          const date = new Date(local);
          const byDay = day.values.has(date.getUTCDate());
          const byWeekday = weekday.values.has(date.getUTCDay());
          if (!minute.values.has(date.getUTCMinutes()) || !hour.values.has(date.getUTCHours())) return false;
          return either ? byDay || byWeekday : byDay && byWeekday;
        };
        const due: number[] = [];
        let furthest = window.shown[0] ?? 0;
        for (const [i, local] of window.shown.entries()) {
          let fires = false;
          for (let minute = furthest + MINUTE; minute <= local; minute += MINUTE) fires ||= named(minute);
          if (fires) due.push(window.start + i * MINUTE);
          furthest = Math.max(furthest, local);
        }
        const [after, upTo] = [window.start + Math.min(a, b) * MINUTE, window.start + Math.max(a, b) * MINUTE];
        expect(latestDue(expression, window.zone, after, upTo)).toBe(due.findLast((t) => t > after && t <= upTo));
        const next = nextDue(expression, window.zone, after);
        const expected = due.find((t) => t > after);
        if (expected === undefined) expect(next).toBeGreaterThanOrEqual(window.start + MINUTES * MINUTE);
        else expect(next).toBe(expected);
      }),
      { numRuns: 400 },
    );
  });
});
