import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { compileFormat } from '../../src/mapping/datetime.ts';
import { compileMoment, createUtcFormat, formatUtc } from '../../src/mapping/moment.ts';
import type { Disambiguation } from '../../src/mapping/zone.ts';

const STRICT = { gap: 'refuse', overlap: 'refuse', dateOnly: 'end-of-day' } as const;

/** The instant as ISO 8601, or the code of the refusal. */
function read(
  text: string,
  format: string | string[],
  settings: Partial<Parameters<typeof compileMoment>[0]> = {},
): string {
  const moment = compileMoment({ ...STRICT, timezone: 'UTC', ...settings, format: [format].flat() })(text);
  return moment.ok ? formatUtc(moment.ms) : moment.code;
}

describe('formats', () => {
  test('take exactly what they declare', () => {
    expect(read('11/20/2026', 'MM/dd/yyyy', { timezone: 'America/New_York' })).toBe('2026-11-21T04:59:59Z');
    expect(read('20.11.2026 14:03', 'dd.MM.yyyy HH:mm', { timezone: 'Europe/Berlin' })).toBe('2026-11-20T13:03:00Z');
    expect(read('2026-11-20T14:03:22.250-0500', "yyyy-MM-dd'T'HH:mm:ss.SSSX")).toBe('2026-11-20T19:03:22.250Z');
    expect(read('5 Nov 2026 2:03 PM', 'd MMM yyyy h:mm a')).toBe('2026-11-05T14:03:00Z');
    expect(read('12:00 am 11/20/26', 'hh:mm a MM/dd/yy')).toBe('2026-11-20T00:00:00Z');
    expect(read('20261120140322', 'yyyyMMddHHmmss')).toBe('2026-11-20T14:03:22Z');
  });

  test('guess nothing', () => {
    const wrong = [
      '1/5/2026',
      '2026-11-18',
      '11/20/26',
      '11/20/2026 10:00',
      ' 11/20/2026',
      '11-20-2026',
      '45230',
      'Nov 5 26',
      '1795128067',
      '',
      '１１/20/2026',
    ];
    expect(wrong.map((text) => read(text, 'MM/dd/yyyy'))).toEqual(wrong.map(() => 'TIME_INVALID'));
  });

  test('refuse days and times that do not exist', () => {
    const wrong = ['02/30/2026', '02/29/2026', '04/31/2026', '00/10/2026', '13/01/2026', '01/00/2026', '01/32/2026'];
    expect(wrong.map((text) => read(text, 'MM/dd/yyyy'))).toEqual(wrong.map(() => 'TIME_INVALID'));
    expect(read('02/29/2028', 'MM/dd/yyyy')).toBe('2028-02-29T23:59:59Z');
    const times = ['2026-11-20 24:00:00', '2026-11-20 23:60:00', '2026-11-20 23:59:60'];
    expect(times.map((text) => read(text, 'yyyy-MM-dd HH:mm:ss'))).toEqual(times.map(() => 'TIME_INVALID'));
    expect(read('2026-11-20 13:00 PM', 'yyyy-MM-dd hh:mm a')).toBe('TIME_INVALID');
  });

  test('of a list are tried in turn', () => {
    const formats = ['yyyy-MM-dd', 'MM/dd/yyyy', 'epoch-s'];
    expect(['2026-11-20', '11/20/2026', '1795132800'].map((text) => read(text, formats))).toEqual([
      '2026-11-20T23:59:59Z',
      '2026-11-20T23:59:59Z',
      '2026-11-20T00:00:00Z',
    ]);
  });

  test('by name are iso, seconds, milliseconds and day numbers of spreadsheets', () => {
    expect(read('2026-11-20T14:03:22-05:00', 'iso')).toBe('2026-11-20T19:03:22Z');
    expect(read('2026-11-20T14:03:22-0500', 'iso')).toBe('2026-11-20T19:03:22Z');
    expect(read('2026-11-20 14:03:22.123456789Z', 'iso')).toBe('2026-11-20T14:03:22.123Z');
    expect(read('2026-11-20T14:03Z', 'iso')).toBe('2026-11-20T14:03:00Z');
    expect(read('1795128067250', 'epoch-ms')).toBe('2026-11-19T22:41:07.250Z');
    expect(read('46346.5', 'excel-serial')).toBe('2026-11-20T12:00:00Z');
    expect(
      ['2024-02-30T00:00:00Z', '2026-11-20T14:03:22+15:30', '2026-11-20T1:03Z'].map((text) => read(text, 'iso')),
    ).toEqual(Array(3).fill('TIME_INVALID'));
    expect(['12.5', '-1', '1e9', '99999999999999999'].map((text) => read(text, 'epoch-s'))).toEqual(
      Array(4).fill('TIME_INVALID'),
    );
  });

  test('that cannot work are refused with the reason', () => {
    expect(() => compileFormat('MM/dd')).toThrow('"MM/dd" does not state the year');
    expect(() => compileFormat('MM/dd/yyyy hh:mm')).toThrow('needs both hh (or h) and a');
    expect(() => compileFormat('yyyy-MM-DD')).toThrow('unknown letter D');
    expect(() => compileFormat('yyyy-MM-dd HH')).toThrow('must state hour and minute');
    expect(() => compileFormat('yyyy-MM-dd MM')).toThrow('states the month twice');
  });
});

describe('zones', () => {
  const wall = 'yyyy-MM-dd HH:mm:ss';
  const chicago = (text: string, settings: { gap?: Disambiguation; overlap?: Disambiguation } = {}) =>
    read(text, wall, { timezone: 'America/Chicago', ...settings });

  test('a time that clocks leave out is refused, unless the job says which', () => {
    expect(chicago('2026-03-08 02:30:00')).toBe('TIME_GAP');
    expect(chicago('2026-03-08 01:59:59')).toBe('2026-03-08T07:59:59Z');
    expect(chicago('2026-03-08 03:00:00')).toBe('2026-03-08T08:00:00Z');
    expect(chicago('2026-03-08 02:30:00', { gap: 'later' })).toBe('2026-03-08T08:30:00Z');
    expect(chicago('2026-03-08 02:30:00', { gap: 'earlier' })).toBe('2026-03-08T07:30:00Z');
  });

  test('a time that comes twice is refused, unless the job says which', () => {
    expect(chicago('2026-11-01 01:30:00')).toBe('TIME_OVERLAP');
    expect(chicago('2026-11-01 01:30:00', { overlap: 'earlier' })).toBe('2026-11-01T06:30:00Z');
    expect(chicago('2026-11-01 01:30:00', { overlap: 'later' })).toBe('2026-11-01T07:30:00Z');
    expect(chicago('2026-11-01 00:59:59')).toBe('2026-11-01T05:59:59Z');
    expect(chicago('2026-11-01 02:00:00')).toBe('2026-11-01T08:00:00Z');
  });

  test('a shift of half an hour is seen as well', () => {
    const lordHowe = (text: string) => read(text, wall, { timezone: 'Australia/Lord_Howe' });
    expect(lordHowe('2026-10-04 02:15:00')).toBe('TIME_GAP');
    expect(lordHowe('2026-10-04 02:30:00')).toBe('2026-10-03T15:30:00Z');
    expect(lordHowe('2026-04-05 01:45:00')).toBe('TIME_OVERLAP');
  });

  test('agree with Temporal at every minute of every zone', () => {
    const zones = [
      'America/New_York',
      'Europe/London',
      'Australia/Lord_Howe',
      'Asia/Kolkata',
      'Pacific/Apia',
      'Africa/Casablanca',
      'UTC',
    ];
    const readers = new Map(
      zones.map((zone) => [
        zone,
        compileMoment({ ...STRICT, overlap: 'later', gap: 'earlier', format: [wall], timezone: zone }),
      ]),
    );
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 31_600_000 }), (zone, minute) => {
        const local = Temporal.PlainDateTime.from('2011-01-01T00:00').add({ minutes: minute });
        const text = local.toString({ smallestUnit: 'second' }).replace('T', ' ');
        const earlier = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
        const expected = earlier.toPlainDateTime().equals(local)
          ? local.toZonedDateTime(zone, { disambiguation: 'later' })
          : earlier;
        const moment = readers.get(zone)?.(text);
        expect(moment?.ok && moment.ms).toBe(expected.epochMilliseconds);
      }),
      { numRuns: 300 },
    );
  });

  test('an offset in the text wins, and without both the row is refused', () => {
    expect(read('2026-11-20T14:03:22', 'iso', { timezone: 'America/New_York' })).toBe('2026-11-20T19:03:22Z');
    expect(read('2026-11-20T14:03:22Z', 'iso', { timezone: 'America/New_York' })).toBe('2026-11-20T14:03:22Z');
    expect(read('2026-11-20T14:03:22', 'iso', { timezone: undefined })).toBe('TIME_INVALID');
  });
});

test('a date without a time is the end of that day, its start, or refused', () => {
  const day = (dateOnly: 'end-of-day' | 'start-of-day' | 'refuse') => read('2026-11-20', 'iso', { dateOnly });
  expect([day('end-of-day'), day('start-of-day'), day('refuse')]).toEqual([
    '2026-11-20T23:59:59Z',
    '2026-11-20T00:00:00Z',
    'TIME_INVALID',
  ]);
});

test('times are written as ISO 8601 in UTC', () => {
  const format = createUtcFormat();
  fc.assert(
    fc.property(fc.integer({ min: -2_208_988_800_000, max: 253_402_300_799_999 }), (ms) => {
      expect(format(ms)).toBe(new Date(ms).toISOString().replace('.000Z', 'Z'));
    }),
  );
});
