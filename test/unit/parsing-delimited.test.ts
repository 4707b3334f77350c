import { describe, expect, it } from 'vitest';
import { openRows } from '../../src/parsing/open.ts';
import { fileSettings } from '../../src/parsing/settings.ts';
import { all, read, refused, stage } from './parsing-staging.ts';

describe('fields', () => {
  it('I05: keep line ends, delimiters and quotes that stand inside quotes, in the header too', async () => {
    const result = await read('"id","full,\n""name"""\n1,"a\n""b"", c"\n2,d\n');
    expect(result.columns).toEqual(['id', 'full,\n"name"']);
    expect(result.rows.map(({ line, values }) => [line, ...values])).toEqual([
      [3, '1', 'a\n"b", c'],
      [5, '2', 'd'],
    ]);
  });

  it('are never trimmed, parsed or unwrapped', async () => {
    const row = [' 007 ', '9007199254740993', '1E5', '="00123"', '+15551234567', 'C:\\temp\\new'];
    const result = await read(`a,b,c,d,e,f\n${row[0]},${row[1]},${row[2]},"=""00123""",${row[4]},${row[5]}\n`);
    expect(result.values).toEqual([row]);
  });

  it('I11: pass control characters, U+2028 and direction marks on, but not NUL', async () => {
    const result = await read('id,name\n1,a\u0001b\n2,c\u2028d\u202ee\n3,x\0y\n4,z\n');
    expect(result.faults).toEqual([undefined, undefined, 'NUL_BYTE', undefined]);
    expect(result.values[1]).toEqual(['2', 'c\u2028d\u202ee']);
  });

  it('I19: may hold pipes inside quotes in a pipe-separated file', async () => {
    const result = await read('id|name\n1|"a|b"\n', { name: 'orders.psv' });
    expect(result).toMatchObject({ delimiter: '|', values: [['1', 'a|b']], summary: { format: 'psv' } });
  });
});

describe('quotes out of place', () => {
  const good = (from: number, to: number, row: (n: number) => string) =>
    Array.from({ length: to - from + 1 }, (_, i) => row(from + i)).join('');

  it.each([
    ['no other row has quotes', (n: number) => `${n},name ${n}\n`],
    ['other rows have quotes', (n: number) => `${n},"name ${n}"\n`],
  ])(
    'I06: an unbalanced quote at row 2 of 10,000 refuses the file with the line where it opened (%s)',
    async (_, row) => {
      const refusal = await refused(`id,name\n1,x\n2,"broken\n${good(3, 10_000, row)}`);
      expect(refusal).toMatchObject({ code: 'QUOTE_NOT_CLOSED', line: 3 });
      expect(refusal.message).toContain('column 2 (name)');
    },
  );

  it('I06: an unbalanced quote in a file larger than a record may be is not called a long record', async () => {
    const refusal = await refused(`id,name\n1,"broken\n${good(2, 90_000, (n) => `${n},name ${n}\n`)}`);
    expect(refusal).toMatchObject({ code: 'QUOTE_NOT_CLOSED', line: 2 });
  });

  it('I06: a broken quote on the last line refuses the file after the rows before it were read', async () => {
    const contents = `id,name\n${good(1, 5000, (n) => `${n},name ${n}\n`)}5001,"x`;
    const reader = await openRows(stage(contents), fileSettings.parse({}), []);
    let rows = 0;
    const toTheEnd = async () => {
      for await (const batch of reader.batches()) rows += batch.length;
    };
    await expect(toTheEnd()).rejects.toMatchObject({ name: 'FileRefused', code: 'QUOTE_NOT_CLOSED', line: 5002 });
    expect(rows).toBe(5000);
    expect(() => reader.summary()).toThrow();
  });

  it('I07: a quote inside an unquoted field, or after a closed one, refuses the file with its line', async () => {
    expect(await refused('id,name\n1,a\n2,x"y\n3,b\n')).toMatchObject({ code: 'STRAY_QUOTE', line: 3 });
    expect(await refused('id,name\n1,"a" b\n')).toMatchObject({ code: 'STRAY_QUOTE', line: 2 });
  });

  it('names no value of the file in the error', async () => {
    const refusal = await refused('id,email\n1,anna@example.com"x\n');
    expect(JSON.stringify({ ...refusal, m: refusal.message, c: refusal.cause })).not.toContain('anna');
  });
});

describe('ragged rows', () => {
  it('I17: a short or long row is one bad row; its neighbours are not affected', async () => {
    const result = await read('a,b,c\n1,2,3\n1,2\n1,2,3,4\n4,5,6\n');
    expect(result.faults).toEqual([undefined, 'COLUMN_COUNT', 'COLUMN_COUNT', undefined]);
    expect(result.rows[1]).toMatchObject({
      line: 3,
      values: [],
      fault: { reason: 'the record has 2 fields, the header has 3' },
    });
    expect(result.values[3]).toEqual(['4', '5', '6']);
  });

  it('I16: a delimiter at the end of every record is no column', async () => {
    for (const contents of ['a,b,\n1,2,\n3,4,\n', 'a,b\n1,2,\n3,4,\n', 'a,b,\n1,2\n3,4\n']) {
      const result = await read(contents);
      expect(result.columns).toEqual(['a', 'b']);
      expect(result.values).toEqual([
        ['1', '2'],
        ['3', '4'],
      ]);
    }
  });

  it('I16: a delimiter at the end of some records makes these bad rows', async () => {
    expect((await read('a,b\n1,2,\n3,4\n')).faults).toEqual(['COLUMN_COUNT', undefined]);
    expect((await read('a,b,\n1,2,\n3,4\n')).faults).toEqual([undefined, 'COLUMN_COUNT']);
  });

  it('I16: values under a column without a name are not dropped', async () => {
    expect(await refused('a,b,\n1,2,3\n')).toMatchObject({ code: 'HEADER_EMPTY_NAME' });
    const later = `a,b,\n${'1,2,\n'.repeat(300)}1,2,3\n`;
    expect((await read(later)).faults.filter(Boolean)).toEqual(['COLUMN_COUNT']);
  });

  it('I46: rows that are all one column short are each told, however many they are', async () => {
    const result = await read(`a,b,c\n1,2,3\n${'1,2\n'.repeat(20_000)}`);
    expect(result.summary.rows).toBe(20_001);
    expect(result.faults.filter((code) => code === 'COLUMN_COUNT')).toHaveLength(20_000);
  });

  it('I18: a comment among the rows is a bad row that says so', async () => {
    const { rows } = await read('a,b\n# exported by CRM\n1,2\n');
    expect(rows[0]?.fault).toMatchObject({ code: 'COLUMN_COUNT', reason: expect.stringContaining('comment') });
  });
});

describe('limits', () => {
  const file = { limits: { field: 1000, record: '4KB', columns: 5 } };

  it('I10: a field over its limit is a bad row while the record is within its own', async () => {
    const result = await read(`a,b\n1,${'x'.repeat(1000)}\n2,${'é'.repeat(501)}\n3,y\n`, { file });
    expect(result.faults).toEqual([undefined, 'FIELD_TOO_LARGE', undefined]);
    expect(result.rows[1]?.fault?.reason).toContain('b is longer than 1000 bytes');
  });

  it('I10: a record over its limit refuses the file, to the byte and counted in bytes', async () => {
    const wide = { limits: { field: '1MB', record: 4096 } };
    expect((await read(`a,b\n1,${'é'.repeat(2047)}\n`, { file: wide })).faults).toEqual([undefined]);
    expect(await refused(`a,b\n0,0\n1,${'é'.repeat(2047)}x\n`, { file: wide })).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      line: 3,
    });
    expect(await refused(`a,b\n1,${'x'.repeat(100_000)}\n`, { file })).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      line: 2,
    });
  });

  it('I10: 10 MB without a line end is refused after 1 MB', async () => {
    expect(await refused(`a,b\n1,${'x'.repeat(10 * 1024 * 1024)}`)).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      line: 2,
    });
  });

  it('I10: more columns than allowed refuse the file', async () => {
    expect(await refused('a,b,c,d,e,f\n', { file })).toMatchObject({ code: 'TOO_MANY_COLUMNS', line: 1 });
    const names = Array.from({ length: 5000 }, (_, i) => `c${i}`).join(',');
    expect((await refused(names)).message).toContain('5000 columns; 512 are allowed');
  });
});

describe('files without rows', () => {
  it.each([
    ['empty', ''],
    ['only a byte order mark', '\ufeff'],
    ['only blank lines', '\n\r\n  \n'],
    ['only a header', 'id,name\r\n'],
    ['a header without a line end', 'id,name'],
    ['a header and blank lines', 'id,name\n\n \n'],
  ])('I14: %s: zero rows and a notice, or a refusal where the job says so', async (_, contents) => {
    const result = await read(contents, { wanted: ['id'] });
    expect(result.rows).toEqual([]);
    expect(result.summary).toMatchObject({ rows: 0, bytes: Buffer.byteLength(contents.replace('\ufeff', '')) });
    expect(result.summary.notices).toMatchObject([{ code: 'EMPTY_FILE' }]);
    expect(await refused(contents, { file: { empty: 'refuse' } })).toMatchObject({ code: 'EMPTY_FILE' });
  });
});

describe('a reader', () => {
  it('gives the header its place, and reads again from the start when asked again', async () => {
    const reader = await openRows(stage('\n"id",name\n1,a\n'), fileSettings.parse({}), []);
    expect(reader.header).toEqual({ offset: 1, length: 9 });
    for (let i = 0; i < 2; i++) {
      expect(await all(reader.batches())).toEqual([[{ line: 3, offset: 11, length: 3, values: ['1', 'a'] }]]);
      expect(reader.summary().rows).toBe(1);
    }
  });

  it('gives batches of some hundred rows at most', async () => {
    const reader = await openRows(stage(`id\n${'1\n'.repeat(2345)}`), fileSettings.parse({}), []);
    const sizes = (await all(reader.batches())).map((batch) => batch.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
    expect(sizes.reduce((a, b) => a + b)).toBe(2345);
  });

  it('stops with the reason of the signal', async () => {
    const controller = new AbortController();
    const reader = await openRows(stage('id\n1\n'), fileSettings.parse({}), [], controller.signal);
    controller.abort(new Error('shutting down'));
    await expect(all(reader.batches())).rejects.toThrow('shutting down');
  });

  it('takes the Ctrl-Z at the end of a DOS or mainframe file for nothing, also behind a trailer', async () => {
    expect((await read('a,b\r\n1,2\r\n\u001a')).faults).toEqual([undefined]);
    const file = { trailer: { startsWith: 'TRL', count: 2 } };
    expect((await read('a,b\r\n1,2\r\nTRL,1\r\n\u001a', { file })).summary.rows).toBe(1);
  });

  it('I17: a line of quotes is a row with one empty value, and not a blank line', async () => {
    const result = await read('a,b\n1,2\n""\n\n" "\n3,4\n');
    expect(result.rows.map(({ line, fault }) => [line, fault?.code])).toEqual([
      [2, undefined],
      [3, 'COLUMN_COUNT'],
      [5, 'COLUMN_COUNT'],
      [6, undefined],
    ]);
  });

  it('keeps blank values of a file with one column, and skips blank lines of others', async () => {
    expect((await read('id\n1\n""\n \n\n2\n')).values).toEqual([['1'], [''], [' '], ['2']]);
    expect((await read('a,b\n1,2\n \n\t\n3,4\n')).summary.rows).toBe(2);
  });
});
