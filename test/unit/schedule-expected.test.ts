import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayPlus, localInstant } from '../../src/schedule/due.ts';
import {
  type CameFile,
  type ExpectedRules,
  expectedDays,
  findUnusual,
  LOOK_BACK,
  type Watch,
} from '../../src/schedule/expected.ts';

const HOUR = 60;
const NEW_YORK = 'America/New_York';
const RULES: ExpectedRules = {
  by: 7 * HOUR,
  from: 5 * HOUR,
  days: [1, 2, 3, 4, 5],
  holidays: new Set(['2026-11-26']),
  minRows: 10,
  maxRows: 100,
  timezone: NEW_YORK,
};
const at = (iso: string): number => Date.parse(iso);
const watch = (now: string, more: Partial<Watch> = {}): Watch => ({
  now: at(now),
  since: at('2026-11-01T00:00:00Z'),
  lookedAt: () => true,
  ...more,
});
const file = (id: number, when: string, read: number | null = 50): CameFile => ({ id, at: at(when), read });
const told = (rules: ExpectedRules, files: readonly CameFile[], at: Watch): string[] =>
  findUnusual(rules, files, at).map(({ day, state, file }) => `${day} ${state}${file ? ` ${file.id}` : ''}`);

/** A file at six in the morning of each of the days. */
const sixes = (...days: string[]): CameFile[] => days.map((day, i) => file(i + 1, `${day}T11:00:00Z`));
const WEEK = ['2026-11-09', '2026-11-10', '2026-11-11', '2026-11-12', '2026-11-13'];

describe('an expected file', () => {
  const since = at('2026-11-15T00:00:00Z');
  it('is late from the minute by which it should be there, missing when the day is over, and neither once it came', () => {
    const files: CameFile[] = [];
    expect(told(RULES, files, watch('2026-11-16T11:59:59Z', { since }))).toEqual([]);
    expect(told(RULES, files, watch('2026-11-16T12:00:00Z', { since }))).toEqual(['2026-11-16 late']);
    expect(told(RULES, files, watch('2026-11-17T04:59:59Z', { since }))).toEqual(['2026-11-16 late']);
    expect(told(RULES, files, watch('2026-11-17T05:00:00Z', { since }))).toEqual(['2026-11-16 missing']);
    expect(told(RULES, [file(1, '2026-11-16T20:00:00Z')], watch('2026-11-16T21:00:00Z', { since }))).toEqual([]);
  });

  it('is not late before anybody has looked', () => {
    const unseen = watch('2026-11-16T12:00:00Z', {
      since,
      lookedAt: (instant) => instant < at('2026-11-16T12:00:00Z'),
    });
    expect(told(RULES, [], unseen)).toEqual([]);
  });

  it('is expected neither at the weekend nor on a holiday', () => {
    const days = expectedDays(RULES, { now: at('2026-11-30T20:00:00Z'), since: at('2026-11-20T00:00:00Z') });
    expect(days).toEqual(['2026-11-20', '2026-11-23', '2026-11-24', '2026-11-25', '2026-11-27', '2026-11-30']);
  });

  it('is not asked for on days before the watch began, nor on its first day where it began too late', () => {
    const now = at('2026-11-18T20:00:00Z');
    expect(expectedDays(RULES, { now, since: at('2026-11-17T11:00:00Z') })).toEqual(['2026-11-17', '2026-11-18']);
    expect(expectedDays(RULES, { now, since: at('2026-11-17T13:00:00Z') })).toEqual(['2026-11-18']);
  });

  it('that comes days later, beside the one of its day, stands for the oldest day without one', () => {
    const files = sixes('2026-11-09', '2026-11-11', '2026-11-12', '2026-11-13');
    const now = '2026-11-13T20:00:00Z';
    const begun = { since: at('2026-11-08T00:00:00Z') };
    expect(told(RULES, files, watch(now, begun))).toEqual(['2026-11-10 missing']);
    expect(told(RULES, [...files, file(9, '2026-11-13T15:00:00Z')], watch(now, begun))).toEqual([]);
    // Also at the weekend, when none is expected.
    const saturday = [...files, file(9, '2026-11-14T15:00:00Z')];
    expect(told(RULES, saturday, watch('2026-11-14T16:00:00Z', begun))).toEqual([]);
  });

  it('that comes before its time is early, unless it is the one of yesterday', () => {
    const begun = { since: at('2026-11-08T00:00:00Z') };
    const night = file(7, '2026-11-13T08:00:00Z');
    const full = sixes(...WEEK.slice(0, 4));
    expect(told(RULES, [...full, night], watch('2026-11-13T13:00:00Z', begun))).toEqual(['2026-11-13 early 7']);
    // Another one in time puts it right, and so does the end of the day.
    const second = file(8, '2026-11-13T11:30:00Z');
    expect(told(RULES, [...full, night, second], watch('2026-11-13T13:00:00Z', begun))).toEqual([]);
    expect(told(RULES, [...full, night], watch('2026-11-14T05:00:00Z', begun))).toEqual([]);
    expect(told(RULES, [...full.slice(0, 3), night], watch('2026-11-13T13:00:00Z', begun))).toEqual([
      '2026-11-13 late',
    ]);
  });

  it('with too few or too many rows is told until one of the usual size comes, for two days at most', () => {
    const begun = { since: at('2026-11-08T00:00:00Z') };
    const small = { ...file(5, '2026-11-13T11:00:00Z'), read: 9 };
    const files = [...sixes(...WEEK.slice(0, 4)), small];
    expect(told(RULES, files, watch('2026-11-13T12:30:00Z', begun))).toEqual(['2026-11-13 too-small 5']);
    expect(
      told(RULES, [...files, { ...small, id: 6, at: small.at + 1, read: 101 }], watch('2026-11-13T12:30:00Z', begun)),
    ).toEqual(['2026-11-13 too-small 5', '2026-11-13 too-large 6']);
    expect(told(RULES, [...files, file(7, '2026-11-13T13:00:00Z', 10)], watch('2026-11-13T13:30:00Z', begun))).toEqual(
      [],
    );
    expect(told(RULES, files, watch('2026-11-15T05:00:00Z', begun))).toEqual([]);
    expect(told(RULES, [...files.slice(0, 4), { ...small, read: null }], watch('2026-11-13T12:30:00Z', begun))).toEqual(
      [],
    );
  });

  it('is due at the same time on the clock when the clocks change', () => {
    const daily = { ...RULES, days: [0, 1, 2, 3, 4, 5, 6], by: 2 * HOUR + 30, from: undefined };
    // 2:30 does not exist on 8 March 2026: late from the first instant after the gap.
    const begun = { since: at('2026-03-08T05:00:00Z') };
    expect(told(daily, [], watch('2026-03-08T06:59:59Z', begun))).toEqual([]);
    expect(told(daily, [], watch('2026-03-08T07:00:00Z', begun))).toEqual(['2026-03-08 late']);
    expect(told(daily, [], watch('2026-03-09T03:59:59Z', begun))).toEqual(['2026-03-08 late']);
    expect(told(daily, [], watch('2026-03-09T04:00:00Z', begun))).toEqual(['2026-03-08 missing']);
    // 1:30 comes twice on 1 November 2026: late from the first.
    const twice = { ...daily, by: HOUR + 30 };
    const autumn = { since: at('2026-11-01T04:00:00Z') };
    expect(told(twice, [], watch('2026-11-01T05:29:59Z', autumn))).toEqual([]);
    expect(told(twice, [], watch('2026-11-01T05:30:00Z', autumn))).toEqual(['2026-11-01 late']);
    expect(told(twice, [], watch('2026-11-02T04:59:59Z', autumn))).toEqual(['2026-11-01 late']);
  });

  const zones = fc.constantFrom(
    NEW_YORK,
    'UTC',
    'Europe/London',
    'Asia/Kathmandu',
    'Africa/Cairo',
    'Australia/Lord_Howe',
  );
  const spring = at('2026-03-01T00:00:00Z');
  const scene = fc.record({
    timezone: zones,
    by: fc.integer({ min: 1, max: 1439 }),
    days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
    arrivals: fc.array(fc.integer({ min: 0, max: 60 * 24 * 60 }), { maxLength: 40 }),
    now: fc.integer({ min: 0, max: 60 * 24 * 60 }),
  });

  it('each day has one state at most, and days without a file and files without a day never come together', () => {
    fc.assert(
      fc.property(scene, ({ timezone, by, days, arrivals, now }) => {
        const rules: ExpectedRules = { by, days, holidays: new Set(), timezone };
        const present: Watch = { now: spring + now * 60_000, since: spring, lookedAt: () => true };
        const files = arrivals
          .filter((minute) => minute <= now)
          .map((minute, i): CameFile => ({ id: i, at: spring + minute * 60_000, read: 1 }));
        const found = findUnusual(rules, files, present);
        const asked = expectedDays(rules, present);
        expect(new Set(found.map(({ day }) => day)).size).toBe(found.length);
        for (const { day, state, since } of found) {
          expect(asked).toContain(day);
          expect(since).toBeLessThanOrEqual(present.now);
          const over = localInstant(dayPlus(day, 1), 0, timezone);
          expect(state).toBe(present.now >= over ? 'missing' : 'late');
        }
        // Every file within the days that are judged fills one, as long as one is empty.
        const first = localInstant(asked[0] ?? '9999-01-01', 0, timezone);
        const useful = files.filter((each) => each.at >= first).length;
        const due = asked.filter((day) => localInstant(day, by, timezone) <= present.now).length;
        expect(found.length).toBeGreaterThanOrEqual(Math.max(0, due - useful));
        expect(found.length).toBeLessThanOrEqual(asked.length);
        if (useful === 0) expect(found.length).toBe(due);
      }),
      { numRuns: 80 },
    );
  });

  it('one more file never makes more days late or missing, and time alone puts nothing right', () => {
    fc.assert(
      fc.property(scene, fc.integer({ min: 0, max: 60 * 24 * 60 }), ({ timezone, by, days, arrivals, now }, extra) => {
        const rules: ExpectedRules = { by, days, holidays: new Set(), timezone };
        const present: Watch = {
          now: spring + Math.max(now, extra, ...arrivals) * 60_000,
          since: spring,
          lookedAt: () => true,
        };
        const files = arrivals.map((minute, i): CameFile => ({ id: i, at: spring + minute * 60_000, read: 1 }));
        const more = [...files, { id: 999, at: spring + extra * 60_000, read: 1 }];
        const without = findUnusual(rules, files, present).length;
        expect(findUnusual(rules, more, present).length).toBeLessThanOrEqual(without);
        const later = { ...present, now: present.now + 3_600_000 };
        const still = new Set(findUnusual(rules, files, later).map(({ day }) => day));
        const gone = findUnusual(rules, files, present)
          .map(({ day }) => day)
          .filter((day) => !still.has(day));
        const oldest = dayPlus(new Date(later.now).toISOString().slice(0, 10), -LOOK_BACK + 1);
        expect(gone.filter((day) => day > oldest)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
