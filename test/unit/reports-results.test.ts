import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ResultRow, refusedResults, resultsFormat, resultsName } from '../../src/reports/results.ts';

const row: ResultRow = {
  line: 2,
  outcome: 'delivered',
  code: '',
  reason: '',
  eventId: '7465313346145957284',
  attempts: 1,
  at: '2026-11-20T11:15:02.123Z',
};
const rejected: ResultRow = { ...row, outcome: 'rejected', code: 'EMAIL_INVALID', eventId: '', attempts: 0 };

describe('results of delimited files', () => {
  it('puts the outcome before the untouched input record', () => {
    const format = resultsFormat({ delimiter: ',', header: 'id,name', json: false });
    expect(format.headerLine()).toBe('line,outcome,code,reason,event_id,attempts,at,id,name\n');
    expect(format.line(row, '007,"O""Neil,\r\n Jr." ,x')).toBe(
      '2,delivered,,,7465313346145957284,1,2026-11-20T11:15:02.123Z,007,"O""Neil,\r\n Jr." ,x\n',
    );
  });

  it('uses the delimiter of the input, and quotes what it would split', () => {
    const format = resultsFormat({ delimiter: '|', header: Buffer.from('id|name'), json: false });
    expect(format.headerLine()).toBe('line|outcome|code|reason|event_id|attempts|at|id|name\n');
    const line = format.line({ ...rejected, reason: 'found "a|b", a comma' }, 'x|y');
    expect(line).toBe('2|rejected|EMAIL_INVALID|"found ""a|b"", a comma"||0|2026-11-20T11:15:02.123Z|x|y\n');
  });

  it('keeps a reason on one line, whatever a provider put into its message', () => {
    const format = resultsFormat({ delimiter: '\t', header: 'id', json: false });
    const line = format.line({ ...rejected, reason: 'one\r\ntwo\tthree\u2028four\u0000' }, 'x');
    expect(line.split('\t')[3]).toBe('one two three four');
    expect(line.match(/\n/g)).toHaveLength(1);
  });

  it('carries no input columns where it was given no header', () => {
    const format = resultsFormat({ delimiter: ',', json: false });
    expect(format.line(row, 'secret')).not.toContain('secret');
    expect(format.headerLine()).toBe('line,outcome,code,reason,event_id,attempts,at\n');
  });

  it('leaves a byte order mark out of the header', () => {
    const format = resultsFormat({ delimiter: ',', header: '\uFEFFid', json: false });
    expect(format.headerLine()).toBe('line,outcome,code,reason,event_id,attempts,at,id\n');
  });

  it('gives leading columns that a strict reader gets back, for any text', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 });
    const odd = fc.constantFrom('"', '""', ',', '|', 'a"b', ' "x" ', ';\n', '\r\n', '^]-\\', '\u0085', '\0', '\u2028x');
    const field = fc.oneof(text, odd);
    const rows = fc.array(fc.record({ code: field, reason: field, eventId: field }), { minLength: 20, maxLength: 40 });
    fc.assert(
      fc.property(fc.constantFrom(',', '|', ';', '^', ']', '-'), rows, (delimiter, told) => {
        const format = resultsFormat({ delimiter, header: 'a', json: false });
        const lines = told.map((fields) => format.line({ ...rejected, at: '', ...fields }, 'raw'));
        const records: string[][] = parse(lines.join(''), { delimiter, record_delimiter: '\n' });
        expect(records).toEqual(
          told.map(({ code, reason, eventId }) => [
            '2',
            'rejected',
            ...[code, reason, eventId].map(onOneLine),
            '0',
            '',
            'raw',
          ]),
        );
      }),
      { numRuns: 30 },
    );
  });
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: what one line may not hold
const BREAKING = /[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g;

function onOneLine(text: string): string {
  const flat = text.replace(BREAKING, ' ');
  return flat === text ? text : flat.trim();
}

describe('results of JSON files', () => {
  const format = resultsFormat({ delimiter: '', json: true });

  it('gives one JSON object a line, with the input object as it stood', () => {
    const raw = '{ "id": 9007199254740993, "n": 25.20 }';
    expect(format.headerLine()).toBe('');
    expect(format.line(row, raw)).toBe(
      '{"line":2,"outcome":"delivered","code":"","reason":"","event_id":"7465313346145957284","attempts":1,' +
        `"at":"2026-11-20T11:15:02.123Z","row":${raw}}\n`,
    );
  });

  it('joins the lines of an object that takes several', () => {
    const line = format.line(row, '{\r\n  "id": "a",\n  "b": "c\\n"\n}');
    expect(line.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(line).row).toEqual({ id: 'a', b: 'c\n' });
  });

  it('gives a record that is no JSON as text', () => {
    const line = format.line({ ...rejected, code: 'JSON_INVALID', reason: 'cut "off"\n' }, '{"id": "Q-1", ');
    const parsed = JSON.parse(line);
    expect(parsed.raw).toBe('{"id": "Q-1", ');
    expect(parsed.reason).toBe('cut "off"');
    expect('row' in parsed).toBe(false);
  });
});

describe('the name of a results file', () => {
  it.each([
    ['x.csv', 'x.csv.results.csv'],
    ['x.psv', 'x.psv.results.psv'],
    ['x.TSV', 'x.TSV.results.tsv'],
    ['x.csv.gz', 'x.csv.results.csv'],
    ['x.csv.gz.pgp', 'x.csv.results.csv'],
    ['x.jsonl', 'x.jsonl.results.jsonl'],
    ['x.json', 'x.json.results.jsonl'],
    ['x.json.gz', 'x.json.results.jsonl'],
    ['orders', 'orders.results.csv'],
    ['.gz', '.gz.results.csv'],
  ])('of %s is %s', (input, name) => {
    expect(resultsName(input)).toBe(name);
  });

  it('tells revisions apart and never replaces the first', () => {
    expect(resultsName('x.csv', 1)).toBe('x.csv.results.csv');
    expect(resultsName('x.csv', 2)).toBe('x.csv.results.r2.csv');
    expect(resultsName('x.dat', 3, true)).toBe('x.dat.results.r3.jsonl');
  });
});

describe('the results of a refused file', () => {
  const refusal = { code: 'QUOTE_NOT_CLOSED', message: 'line 42: not closed', hint: 'Send it, whole.', line: 42 };

  it('say why in one line', () => {
    expect(refusedResults(refusal, { at: '2026-11-20T11:15:02Z' })).toBe(
      'line,outcome,code,reason,event_id,attempts,at\n' +
        '42,refused,QUOTE_NOT_CLOSED,"line 42: not closed. Send it, whole.",,0,2026-11-20T11:15:02Z\n',
    );
  });

  it('are a JSON line for JSON input, and name line 0 where the refusal names none', () => {
    const text = refusedResults({ code: 'ENCODING', message: 'x' }, { at: '2026-11-20T11:15:02Z', json: true });
    expect(JSON.parse(text)).toMatchObject({ line: 0, outcome: 'refused', code: 'ENCODING', reason: 'x' });
  });
});
