import { describe, expect, test } from 'vitest';
import { controlCheck, statedChecksum } from '../../src/parsing/manifest.ts';
import { manifestSettings } from '../../src/parsing/manifest-settings.ts';

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const SHA = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('the checksum that a manifest states', () => {
  test.each([
    ['bare', `${MD5}\n`],
    ['in capitals, with a byte order mark', `\uFEFF${MD5.toUpperCase()}\r\n`],
    ['as md5sum writes it', `${MD5}  x.csv\n`],
    ['of a binary read', `${MD5} *x.csv\n`],
    ['under the name it was written with', `${MD5}  x.csv.tmp\n`],
    ['as BSD writes it', `MD5 (x.csv) = ${MD5}\n`],
    ['among others, with folders', `${MD5.replace('d', 'e')}  other.csv\n${MD5}  ./out/x.csv\n# end\n`],
  ])('%s', (_, text) => {
    expect(statedChecksum(text, 'md5', 'x.csv')).toBe(MD5);
  });

  test('is not guessed', () => {
    expect(() => statedChecksum('', 'md5', 'x.csv')).toThrow(/no md5 checksum/);
    expect(() => statedChecksum(`${SHA}  x.csv`, 'md5', 'x.csv')).toThrow(/32 hexadecimal digits/);
    expect(() => statedChecksum(`${SHA}  a.csv\n${SHA}  b.csv`, 'sha256', 'x.csv')).toThrow(
      /2 checksums, and none for x.csv/,
    );
  });
});

const control = (settings: object) => {
  const { control: read } = manifestSettings.parse({ name: '{name}.ctl', kind: 'control', control: settings });
  if (!read) throw new Error('no control settings');
  return read;
};

/** Adds rows of id and amount, and verifies. */
function verify(text: string, settings: object, rows: readonly (readonly string[])[]): void {
  const check = controlCheck(text, control(settings));
  for (const values of rows) check.add(values, ['id', 'Amount']);
  check.verify();
}

const ROWS = [
  ['1', '10.10'],
  ['2', '0.2'],
  ['3', '-1'],
];

describe('control totals', () => {
  const both = { count: 'rows', sums: { amount: 'total' } };

  test('are read from lines of keys and values, or from CSV with or without a header', () => {
    verify('ROWS=3\nTotal: "9.30"\n', both, ROWS);
    verify('file,rows,total\nx.csv,3,9.3\n', { ...both, format: 'csv' }, ROWS);
    verify(
      'x.csv|3|9,30',
      { ...both, format: 'csv', delimiter: '|', columns: ['file', 'rows', 'total'], decimal: ',' },
      [
        ['1', '9,3'],
        ['2', ''],
        ['3', '0'],
      ],
    );
    verify('rows=4', { count: 'rows', countIncludes: 'rows+header' }, ROWS);
  });

  test('that differ are told with both numbers, exactly', () => {
    expect(() => verify('rows=4\ntotal=9.3', both, ROWS)).toThrow(/says 4 rows, the file has 3/);
    expect(() => verify('rows=3\ntotal=9.300001', both, ROWS)).toThrow(
      /9\.300001 for the sum of amount.*add up to 9\.30/,
    );
    expect(() => verify('rows=3\ntotal=9.3', both, [...ROWS.slice(0, 2), ['3', 'x']])).toThrow(
      /1 values are no numbers/,
    );
    expect(() => verify('rows=3\nt=1', { count: 'rows', sums: { price: 't' } }, ROWS)).toThrow(/no such column/);
  });

  test('that are not there or no numbers are an error of the manifest', () => {
    for (const text of ['', 'rows=', 'rows=three\ntotal=1', 'rows=3\ntotal=', 'rows=3\ntotal=about 9'])
      expect(() => verify(text, both, ROWS), text).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
    expect(() => verify('a,b\n1', { count: 'a', format: 'csv' }, ROWS)).toThrow(/a line of 2 values/);
  });
});
