import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cellsOf,
  createFormatChoice,
  isWritable,
  lineOf,
  speaksOf,
  uploadColumns,
  uploadName,
  whyNot,
} from '../../src/pipelines/files/by-file/dialect.ts';
import { readRows } from '../../src/sandbox/extole/dialect.ts';

/** Texts of the characters that matter, and some that do not. */
const value = fc.string({
  unit: fc.constantFrom('a', 'é', '"', '\\', ',', '|', ' ', '\n', '\r', "'", ';'),
  maxLength: 6,
});

describe('the file that is sent', () => {
  test.each(['csv', 'psv'] as const)('whatever may be written as %s is read back unaltered', (format) => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 4 }), (cells) => {
        fc.pre(cells.every((cell) => isWritable(cell, format, 'psv')));
        const columns = cells.map((_, i) => `c${i}`);
        const text = lineOf(columns, format, 'psv') + lineOf(cells, format, 'psv');
        const { rows } = readRows(text, format === 'csv' ? 'CSV' : 'PSV', 'both');
        expect(rows).toEqual([{ number: 1, values: cells }]);
      }),
    );
  });

  test.each([
    ['rfc4180', 'doubled'],
    ['backslash', 'backslash'],
  ] as const)('with upload.quotes: %s, quotes are written in that way', (quotes, read) => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 4 }), (cells) => {
        const text =
          lineOf(['a', ...cells.map((_, i) => `c${i}`)], 'csv', quotes) + lineOf(['x', ...cells], 'csv', quotes);
        expect(readRows(text, 'CSV', read).rows).toEqual([{ number: 1, values: ['x', ...cells] }]);
      }),
    );
  });

  test('a quote makes it psv, unless that would refuse more rows', () => {
    const formatOf = (rows: string[][], quotes: 'psv' | 'refuse' = 'psv'): string => {
      const choice = createFormatChoice(quotes);
      for (const row of rows) choice.add(row);
      return choice.format();
    };
    expect(formatOf([['a', 'b, c']])).toBe('csv');
    expect(formatOf([['a', '5" pipe'], ['b']])).toBe('psv');
    expect(formatOf([['a\\b']])).toBe('psv');
    expect(formatOf([['a"'], ['x|y'], ['line\nbreak']])).toBe('csv');
    expect(formatOf([['a"'], ['b"'], ['x|y']])).toBe('psv');
    expect(formatOf([['a"']], 'refuse')).toBe('csv');
  });

  test('a value that cannot be written is named by its field, and not shown', () => {
    const texts = [
      whyNot('nick', 'secret"', 'csv', 'psv'),
      whyNot('nick', 'secret"', 'csv', 'refuse'),
      whyNot('nick', 'secret|', 'psv', 'psv'),
      whyNot('nick', 'secret\n', 'psv', 'psv'),
    ];
    for (const text of texts) {
      expect(text).toMatch(/^field "nick": the value holds /);
      expect(text).not.toMatch(/secret/);
    }
  });

  test('the event name is a column, and no column of the input replaces key or container', () => {
    const columns = uploadColumns(['cart_value', 'email', 'container', 'partner_conversion_id'], 'partner_event_id');
    expect(columns.slice(0, 6)).toEqual([
      'event_name',
      'event_time',
      'email',
      'partner_user_id',
      'partner_event_id',
      'container',
    ]);
    const event = {
      line: 2,
      key: 'K-1',
      eventName: 'opened',
      eventTime: '2026-11-20T00:00:00Z',
      data: { email: 'a@b.example', container: 'test', partner_event_id: 'other', partner_conversion_id: 'K-1' },
    };
    const cells = cellsOf(event, columns, { keyField: 'partner_event_id', container: 'production' });
    expect(Object.fromEntries(columns.map((name, i) => [name, cells[i]]))).toMatchObject({
      event_name: 'opened',
      partner_event_id: 'K-1',
      container: 'production',
      partner_user_id: '',
      cart_value: '',
    });
  });

  test('its name is unlike any other, and its results are told by it', () => {
    const name = (part: number, processing: number, eventNames = ['account opened/x']): string =>
      uploadName({
        clientId: 'acme',
        eventNames,
        at: Date.UTC(2026, 10, 21, 6, 5, 4),
        ledger: '0a1b2c3d',
        processing,
        part,
        format: 'csv',
      });
    const mine = name(1, 12);
    expect(mine).toBe('acme_account-opened-x_20261121060504_0a1b2c3d-p12-1.csv');
    expect(name(1, 12, ['a', 'b'])).toBe('acme_events_20261121060504_0a1b2c3d-p12-1.csv');
    const stem = mine.replace('.csv', '');
    for (const results of [
      `${stem}-results.csv`,
      `${stem}.csv.results`,
      `RESULTS_${stem.toUpperCase()}.CSV`,
      `${stem}-2.csv`,
    ])
      expect(speaksOf(results, mine), results).toBe(true);
    for (const other of [name(11, 12), name(1, 1), name(2, 12), 'results.csv', ''])
      expect(speaksOf(other, mine), other).toBe(false);
    expect(speaksOf(mine, name(1, 1))).toBe(false);
  });
});
