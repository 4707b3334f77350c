import { describe, expect, it } from 'vitest';
import { quoteExcelText } from '../../src/parsing/excel-text.ts';
import { all, inPieces, read, refused, textOf } from './parsing-staging.ts';

const excel = { file: { dialect: 'excel' } };

describe('fields written as ="00123"', () => {
  const text =
    'id,name,note\n="00123",Ann,="a,b"\n"=""00124""","says ""hi"",=""x""",\n=00125,=,="\nB"\n="00126",,"a,="\n';

  it('are read as they stand, also in quotes and across lines; each row keeps its place', async () => {
    const result = await read(text, excel);
    expect(result.values).toEqual([
      ['="00123"', 'Ann', '="a,b"'],
      ['="00124"', 'says "hi",="x"', ''],
      ['=00125', '=', '="\nB"'],
      ['="00126"', '', 'a,='],
    ]);
    const bytes = await textOf(result);
    expect(result.rows.map(({ offset, length }) => bytes.subarray(offset, offset + length).toString())).toEqual([
      '="00123",Ann,="a,b"',
      '"=""00124""","says ""hi"",=""x""",',
      '=00125,=,="\nB"',
      '="00126",,"a,="',
    ]);
  });

  it('are not made out of a control character that the file has', async () => {
    const { values } = await read('id,name\n1,\u0001Ann\n2,"\u0001Ben"\n="3",C\u0001\n', excel);
    expect(values).toEqual([
      ['1', expect.stringMatching(/^\p{Cc}Ann$/u)],
      ['2', expect.stringMatching(/^\p{Cc}Ben$/u)],
      ['="3"', expect.stringMatching(/^C\p{Cc}$/u)],
    ]);
  });

  it('are found wherever a chunk ends', async () => {
    const whole = Buffer.concat(await all(quoteExcelText(inPieces(Buffer.from(text), 1 << 16), ',')));
    for (const size of [1, 2, 3, 7]) {
      const pieces = await all(quoteExcelText(inPieces(Buffer.from(text), size), ','));
      expect(Buffer.concat(pieces).equals(whole)).toBe(true);
    }
    expect(whole).toHaveLength(Buffer.byteLength(text));
  });

  it('refuse the file in the usual dialect, with the setting to use; in this one other stray quotes still do', async () => {
    const usual = await refused('id,n\n="00123",a\n');
    expect(usual).toMatchObject({ code: 'STRAY_QUOTE', hint: expect.stringContaining('file.dialect: excel') });
    const stray = await refused('id,n\n="00123",a\n="00124"x,b\n', excel);
    expect(stray).toMatchObject({ code: 'STRAY_QUOTE', line: 3 });
    expect(await refused('id,n\n="00123,a\n', excel)).toMatchObject({ code: 'QUOTE_NOT_CLOSED', line: 2 });
  });
});
