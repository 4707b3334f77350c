import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { read, refused, textOf } from './parsing-staging.ts';

const file = { dialect: 'extole' };

describe('the extole dialect', () => {
  it('I09: reads the header of the documentation, with a space before the opening quote', async () => {
    const result = await read('First Name, "Last Name, Jr."\nAnna, "Smith, Jr."\n', { file });
    expect(result.columns).toEqual(['First Name', 'Last Name, Jr.']);
    expect(result.values).toEqual([['Anna', 'Smith, Jr.']]);
    expect((await textOf(result)).toString('utf8', result.rows[0]?.offset)).toBe('Anna, "Smith, Jr."\n');
  });

  it('I09: refuses the example of the documentation that lacks its closing quote, with its line', async () => {
    const contents = 'id,note\n1,"fine"\n2,"she said \\"help\\"\n3,"and more"\n';
    expect(await refused(contents, { file })).toMatchObject({ code: 'QUOTE_NOT_CLOSED', line: 3 });
    expect(await refused('id,note\n2,"she said \\"help\\"\n', { file })).toMatchObject({
      code: 'QUOTE_NOT_CLOSED',
      line: 2,
    });
  });

  it('I08: reads escaped quotes, and leaves other backslashes alone', async () => {
    const contents =
      'id,note\n1,"she said \\"help\\""\n2,"C:\\temp\\new"\n3,C:\\temp\\\n4,"\\\\server\\share"\n5,"\\""\n6,""\n';
    expect((await read(contents, { file })).values.map(([, note]) => note)).toEqual([
      'she said "help"',
      'C:\\temp\\new',
      'C:\\temp\\',
      '\\\\server\\share',
      '"',
      '',
    ]);
  });

  it('reads doubled quotes where the file has no others', async () => {
    expect((await read('id,note\n1,"a ""b"" c"\n', { file })).values).toEqual([['1', 'a "b" c']]);
  });

  it('I08: refuses both ways in one file, naming both lines', async () => {
    const refusal = await refused('id,note\n1,"a \\"b\\""\n2,"c ""d"""\n', { file });
    expect(refusal).toMatchObject({ code: 'DIALECT_AMBIGUOUS', line: 3 });
    expect(refusal.message).toContain('with a backslash on line 2, by doubling on line 3');
    expect(await refused('id,note\n1,"c ""d"""\n2,x\n3,"a \\"b\\""\n', { file })).toMatchObject({
      code: 'DIALECT_AMBIGUOUS',
      line: 4,
    });
  });

  it('I08: refuses a quote after two backslashes, which has two readings', async () => {
    expect(await refused('id,path\n1,x\n2,"C:\\temp\\\\"\n', { file })).toMatchObject({
      code: 'DIALECT_AMBIGUOUS',
      line: 3,
    });
  });

  it('I08: never takes a backslash before the closing quote for the end of the field', async () => {
    for (const rest of ['3,"x"\n', '3,""\n', '', '3,x\n']) {
      const refusal = await refused(`id,path\n1,"a"\n2,"C:\\temp\\"\n${rest}`, { file });
      expect(['QUOTE_NOT_CLOSED', 'DIALECT_AMBIGUOUS']).toContain(refusal.code);
    }
  });

  it('takes tabs before a quote for spaces, and refuses unusual spaces there', async () => {
    expect((await read('a,b\n1,\t "x \\"y\\""\n', { file })).values).toEqual([['1', 'x "y"']]);
    expect(await refused('a,b\n1,\u00a0"x\\",y"\n', { file })).toMatchObject({ code: 'STRAY_QUOTE', line: 2 });
    expect(await refused('a,b\n1,\u00a0"x"\n', { file })).toMatchObject({ code: 'STRAY_QUOTE', line: 2 });
  });

  it('keeps offsets and lines exact', async () => {
    const result = await read('id,note\r\n1, "a\r\n\\"b\\""\r\n2,\\x\n', { file });
    expect(result.rows.map(({ line, offset, length }) => [line, offset, length])).toEqual([
      [2, 9, 13],
      [4, 24, 4],
    ]);
    expect((await textOf(result)).toString('utf8', 9, 22)).toBe('1, "a\r\n\\"b\\""');
  });

  it('reads back whatever was written with escaped quotes, if no backslash stands before a quote or an end', async () => {
    const value = fc
      .string({ unit: fc.constantFrom('a', '"', ',', '\n', '\\', ' ', 'é'), maxLength: 8 })
      .map((text) => text.replace(/\\+(?="|$)/g, ''));
    const rows = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(rows, async (rows) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '\\"')}"`;
        const contents = `a,b\n${rows.map((row) => row.map(quoted).join(', ')).join('\n')}\n`;
        expect((await read(contents, { file })).values).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the rfc4180 dialect', () => {
  it('F14: refuses backslash-escaped quotes with a hint that names the other dialect', async () => {
    const refusal = await refused('id,note\n1,"she said \\"help\\""\n');
    expect(refusal).toMatchObject({ code: 'STRAY_QUOTE', line: 2 });
    expect(refusal.hint).toContain('file.dialect: extole');
  });

  it('I09: refuses a space before an opening quote', async () => {
    const refusal = await refused('First Name, "Last Name, Jr."\nAnna, "Smith, Jr."\n');
    expect(refusal).toMatchObject({ code: 'STRAY_QUOTE', line: 1 });
    expect(refusal.hint).toContain('file.dialect: extole');
  });

  it('keeps backslashes as they are', async () => {
    expect((await read('a,b\n"C:\\",x\n"\\n",\\"\n'.replace(',\\"', ',\\'))).values).toEqual([
      ['C:\\', 'x'],
      ['\\n', '\\'],
    ]);
  });
});
