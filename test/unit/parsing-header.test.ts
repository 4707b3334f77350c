import { describe, expect, it } from 'vitest';
import { read, refused } from './parsing-staging.ts';

const wanted = ['Application_ID', 'email'];

describe('the header contract', () => {
  it('I13: matches names without regard to case and space, and gives them in the spelling of the job', async () => {
    const result = await read(' application_id , EMAIL ,Branch \nA1,a@b.co,12\n', { wanted });
    expect(result.columns).toEqual(['Application_ID', 'email', 'Branch']);
    expect(result.values).toEqual([['A1', 'a@b.co', '12']]);
  });

  it('I13: subset refuses a missing column, naming both sets, and ignores unknown ones', async () => {
    const refusal = await refused('application_id,e-mail,branch\nA1,a@b.co,12\n', { wanted });
    expect(refusal).toMatchObject({ code: 'HEADER_MISSING', line: 1 });
    expect(refusal.message).toContain(
      'lacks email; found: Application_ID, e-mail, branch; expected at least: Application_ID, email',
    );
  });

  it('exact-set refuses unknown columns and takes any order', async () => {
    const file = { header: { mode: 'exact-set' } };
    expect(await refused('application_id,email,branch\n', { wanted, file })).toMatchObject({
      code: 'HEADER_UNEXPECTED',
    });
    expect((await read('email,application_id\n', { wanted, file })).columns).toEqual(['email', 'Application_ID']);
    const declared = { header: { mode: 'exact-set', columns: ['email', 'application_id', 'branch'] } };
    expect((await read('branch,email,application_id\n', { wanted, file: declared })).columns).toEqual([
      'branch',
      'email',
      'Application_ID',
    ]);
    expect(await refused('email,application_id\n', { wanted, file: declared })).toMatchObject({
      code: 'HEADER_MISSING',
    });
  });

  it('ordered refuses another order', async () => {
    const file = { header: { mode: 'ordered' } };
    expect(await refused('email,application_id\n', { wanted, file })).toMatchObject({ code: 'HEADER_ORDER' });
    expect((await read('application_id,email\n', { wanted, file })).columns).toEqual(wanted);
  });

  it('with onDrift: warn reads the file and says what differs', async () => {
    const file = { header: { mode: 'exact-set', onDrift: 'warn' } };
    const result = await read('application_id,branch\nA1,12\n', { wanted, file });
    expect(result.columns).toEqual(['Application_ID', 'branch']);
    expect(result.summary.notices).toMatchObject([
      { code: 'HEADER_MISSING', message: expect.stringContaining('lacks email') },
    ]);
  });
});

describe('a header that is none', () => {
  it.each([
    ['I12: a name that occurs twice', 'id,email,ID \n', 'HEADER_DUPLICATE', 'columns 1 and 3 are both called "ID"'],
    ['an empty name', 'id,,email\n', 'HEADER_EMPTY_NAME', 'column 2'],
    ['a NUL byte', 'id,a\0b\n', 'NUL_BYTE', 'column 2'],
    ['__proto__', 'id,__proto__\n', 'HEADER_RESERVED_NAME', '"__proto__"'],
    ['constructor', 'id,constructor\n', 'HEADER_RESERVED_NAME', '"constructor"'],
    ['prototype', 'id,prototype\n', 'HEADER_RESERVED_NAME', '"prototype"'],
  ])('%s is named and refused, also with onDrift: warn', async (_, contents, code, part) => {
    for (const onDrift of ['fail', 'warn']) {
      const refusal = await refused(contents, { wanted: ['id'], file: { header: { onDrift } } });
      expect(refusal).toMatchObject({ code, line: 1, hint: expect.any(String) });
      expect(refusal.message).toContain(part);
    }
  });

  it('I15: data on the first line is not lost: the file is refused, without quoting the data', async () => {
    for (const contents of [
      'A-1001,anna@example.com,12.50\n',
      '2026-11-20,x,A-1001\n',
      '100,x,x\n',
      '11/20/2026,,\n',
    ]) {
      const refusal = await refused(contents, { wanted, file: { header: { onDrift: 'warn' } } });
      expect(refusal).toMatchObject({ code: 'HEADER_LOOKS_LIKE_DATA', line: 1 });
      expect(refusal.message).not.toContain('anna');
    }
    expect(await refused('1,anna@example.com\n2,b\n')).toMatchObject({ code: 'HEADER_LOOKS_LIKE_DATA' });
    expect((await read('id,2025,2026\n', { wanted: ['id'] })).columns).toEqual(['id', '2025', '2026']);
  });

  it('I18: a "sep=;" line and a comment are recognised', async () => {
    expect(await refused('sep=;\nid;email\n1;a\n', { wanted })).toMatchObject({ code: 'SEP_LINE', line: 1 });
    expect(await refused('sep=,\nid,email\n1,a\n', { wanted })).toMatchObject({ code: 'SEP_LINE' });
    expect(await refused('# exported 2026-11-20\nid,email\n', { wanted })).toMatchObject({ code: 'COMMENT_LINE' });
    expect((await read('#,email\n1,a\n', { wanted: ['email'] })).columns).toEqual(['#', 'email']);
  });

  it('I19: another delimiter than the one expected is named', async () => {
    for (const [delimiter, shown] of [
      ['\t', 'a tab'],
      ['|', '"|"'],
      [';', '";"'],
    ]) {
      const refusal = await refused(`application_id${delimiter}email\nA1${delimiter}x\n`, { wanted });
      expect(refusal).toMatchObject({ code: 'DELIMITER_MISMATCH', line: 1 });
      expect(refusal.message).toContain(`2 when split at ${shown}`);
    }
    const within = await refused('application_id|email|"a, b"\n', { wanted });
    expect(within.code).toBe('STRAY_QUOTE');
    expect(await refused('application_id|email|a, b\n', { wanted })).toMatchObject({ code: 'DELIMITER_MISMATCH' });
    expect((await read('application_id;email\nA1;x\n', { wanted, file: { delimiter: ';' } })).values).toEqual([
      ['A1', 'x'],
    ]);
  });
});

describe('the format', () => {
  it.each([
    ['a.csv', 'id,email\n', 'csv', ','],
    ['A.CSV', 'id,email\n', 'csv', ','],
    ['a.psv.gz', 'id|email\n', 'psv', '|'],
    ['a.tsv', 'id\temail\n', 'tsv', '\t'],
    ['a.tab', 'id\temail\n', 'tsv', '\t'],
    ['a.json', '[]', 'json', ''],
    ['a.ndjson', '{}', 'jsonl', ''],
    ['a.txt', 'id|email\n', 'psv', '|'],
    ['a.txt', '"a|b|c",email\n', 'csv', ','],
    ['a', '\n {"a":1}', 'jsonl', ''],
    ['a.dat', ' [\n{"a":1}]', 'json', ''],
    ['a.dat', 'id;email\n', 'csv', ';'],
    ['a.dat', '', 'csv', ','],
  ])('of %s holding %j is %s', async (name, contents, format, delimiter) => {
    const result = await read(contents, { name });
    expect(result.summary.format).toBe(format);
    expect(result.delimiter).toBe(delimiter);
  });

  it('that contradicts the contents is refused', async () => {
    expect(await refused('{"a":1}\n', { name: 'a.json' })).toMatchObject({ code: 'FORMAT_MISMATCH' });
    expect(await refused('[{"a":1}]\n', { name: 'a.jsonl' })).toMatchObject({ code: 'FORMAT_MISMATCH' });
    expect(await refused('{"a":1}\n', { name: 'a.csv' })).toMatchObject({ code: 'FORMAT_MISMATCH' });
    expect(await refused('id,email\n', { name: 'a.json' })).toMatchObject({ code: 'FORMAT_MISMATCH' });
    const refusal = await refused('id,email\n', { name: 'a.csv', file: { format: 'json' } });
    expect(refusal.message).toContain('the job says file.format: json');
  });
});
