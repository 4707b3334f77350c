import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { sampleFiles } from '../../tools/samples/generate.ts';

const folder = new URL('../../sample-files/', import.meta.url);
const tools = new URL('../../tools/samples/', import.meta.url);
const samples = sampleFiles();

interface Expected {
  line: string;
  outcome: string;
  code: string;
  lines: string;
}

function expectedOf(name: string): Expected[] {
  return parse(readFileSync(new URL(`expected/${name}.expected.csv`, folder)), { columns: true });
}

function textOf(name: string): string {
  const bytes = readFileSync(new URL(name, folder));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** The records as the expectations cut them out of the file. */
function cut(name: string): string[] {
  const lines = textOf(name)
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n/);
  return expectedOf(name).map((row) => {
    const first = Number(row.line) - 1;
    return lines.slice(first, first + Number(row.lines)).join('\n');
  });
}

const tableOf = (name: string): string[][] =>
  parse(textOf(name), {
    bom: true,
    delimiter: name.endsWith('.psv') ? '|' : ',',
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  });

describe('the sample files', () => {
  it('are what the generator writes', () => {
    for (const { name, text, expected } of samples) {
      expect(textOf(name) === text, name).toBe(true);
      expect(readFileSync(new URL(`expected/${name}.expected.csv`, folder), 'utf8') === expected, name).toBe(true);
    }
    const known = [...samples.map((sample) => sample.name), 'README.md', 'expected'];
    expect(readdirSync(folder).sort()).toEqual(known.sort());
  });

  it('come from a generator that shares no code with the program', () => {
    for (const file of readdirSync(tools)) {
      for (const [, from] of readFileSync(new URL(file, tools), 'utf8').matchAll(/from '([^']+)'/g))
        expect(from).toMatch(/^(?:\.\/[a-z]+\.ts|node:[a-z]+)$/);
    }
  });

  it('have each code that their jobs can give', () => {
    const codes = (name: string) => new Set(expectedOf(name).flatMap((row) => row.code || []));
    const everywhere = ['KEY_MISSING', 'KEY_TOO_LONG', 'KEY_PLACEHOLDER', 'EMAIL_INVALID', 'IDENTITY_MISSING'];
    const times = ['TIME_INVALID', 'TIME_MISSING', 'TIME_FUTURE', 'TIME_TOO_OLD'];
    const inFile = ['DUPLICATE_IN_FILE', 'CONFLICT_IN_FILE'];
    const others: Record<string, string[]> = {
      'account-openings-20261120.csv': [
        ...[
          'KEY_SCIENTIFIC',
          'KEY_CONTROL_CHARS',
          'EMAIL_TOO_LONG',
          'NAME_TOO_LONG',
          'PARTNER_USER_ID_TOO_LONG',
          'CONTROL_CHARS',
        ],
        ...['PHONE_INVALID', 'MONEY_INVALID', 'VALUE_NOT_MAPPED', 'FIELD_REQUIRED', 'COLUMN_COUNT'],
      ],
      'account-fundings-20261120.psv': [
        ...['TIME_GAP', 'MONEY_INVALID', 'FIELD_REQUIRED', 'COLUMN_COUNT', 'PARTNER_USER_ID_PLACEHOLDER'],
      ],
      'order-shipments-20261120.csv.gz': ['KEY_SCIENTIFIC', 'INTEGER_INVALID', 'VALUE_NOT_MAPPED', 'EMAIL_TOO_LONG'],
      'quote-submissions-20261120.jsonl': [
        ...['JSON_INVALID', 'JSON_DUPLICATE_KEY', 'JSON_NOT_OBJECT', 'DATE_INVALID', 'PHONE_INVALID', 'CONTROL_CHARS'],
      ],
    };
    for (const [name, more] of Object.entries(others))
      expect([...codes(name)]).toEqual(expect.arrayContaining([...everywhere, ...times, ...inFile, ...more]));
    expect([...codes('customers-20261120.csv')].sort()).toEqual([
      ...['COLUMN_COUNT', 'DUPLICATE_IN_FILE', 'EMAIL_INVALID', 'EMAIL_TOO_LONG', 'IDENTITY_MISSING', 'KEY_TOO_LONG'],
      'PERSON_NOT_FOUND',
    ]);
    expect([...codes('vip-20261120.csv')].sort()).toEqual([
      ...['COLUMN_COUNT', 'DUPLICATE_IN_FILE', 'KEY_MISSING', 'KEY_PLACEHOLDER', 'KEY_SCIENTIFIC', 'KEY_TOO_LONG'],
      'MEMBER_UNKNOWN',
    ]);
    expect([...codes('audiences-20261120.psv')].sort()).toEqual([
      ...['ACTION_UNKNOWN', 'CONFLICT_IN_FILE', 'DUPLICATE_IN_FILE', 'EMAIL_INVALID', 'KEY_MISSING'],
      'SEGMENT_NOT_ALLOWED',
    ]);
    expect([...codes('account-openings-20261121.csv')]).toEqual(expect.arrayContaining(['DUPLICATE', 'CONFLICT']));
  });

  it('are mostly good: no file has more than a tenth of its rows rejected', () => {
    for (const { name } of samples) {
      const rows = expectedOf(name);
      const rejected = rows.filter((row) => row.outcome === 'rejected').length;
      expect(rejected / rows.length, name).toBeLessThan(0.1);
    }
  });

  it('have records where the expectations say, each one whole', () => {
    for (const name of [
      'account-openings-20261120.csv',
      'account-openings-20261121.csv',
      'order-shipments-20261120.csv.gz',
      'customers-20261120.csv',
      'vip-20261120.csv',
    ]) {
      const table = tableOf(name).slice(1);
      const records = cut(name);
      const read: string[][] = parse(records.join('\n'), { relax_column_count: true });
      expect(read).toHaveLength(records.length);
      expect(table.slice(0, records.length)).toEqual(read);
    }
    for (const record of cut('account-fundings-20261120.psv')) expect(record).toMatch(/\|/);
    for (const record of cut('quote-submissions-20261120.jsonl')) expect(record).toMatch(/^\s*[{[]/);
  });

  it('state the rows and the sum of the gzipped file in its last record', () => {
    const table = tableOf('order-shipments-20261120.csv.gz');
    const trailer = table.at(-1) ?? [];
    const rows = table.slice(1, -1);
    const cents = rows.reduce((sum, row) => sum + BigInt((row[4] ?? '').replace(/[,.]/g, '')), 0n);
    expect(trailer.slice(0, 3)).toEqual([
      'TRAILER',
      String(rows.length),
      `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`,
    ]);
    expect(rows).toHaveLength(expectedOf('order-shipments-20261120.csv.gz').length);
  });

  it('state the rows of a file of VIP customers in its last record', () => {
    for (const name of ['vip-20261120.csv', 'vip-20261121.csv'])
      expect(tableOf(name).at(-1)).toEqual(['TRL', String(expectedOf(name).length)]);
  });

  it('share application ids between openings and fundings', () => {
    const ids = (name: string) => tableOf(name).map((row) => row[0] ?? '');
    const opened = new Set(ids('account-openings-20261120.csv'));
    const shared = ids('account-fundings-20261120.psv').filter((id) => opened.has(id));
    expect(shared.length).toBeGreaterThan(700);
  });

  it('have 200 to 2,000 rows, and the line endings they claim', () => {
    const sizes = samples.map(({ name }) => expectedOf(name).length);
    for (const [index, size] of sizes.entries()) if (index !== 2) expect(size).toBeGreaterThanOrEqual(200);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2000);
    expect(textOf('account-fundings-20261120.psv').replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(textOf('account-openings-20261120.csv').startsWith('\uFEFF')).toBe(true);
    expect(textOf('account-openings-20261119-truncated.csv')).toMatch(/,"O'Neil, J$/);
  });
});
