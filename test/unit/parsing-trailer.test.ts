import { describe, expect, it } from 'vitest';
import { read, refused } from './parsing-staging.ts';

const trailer = { startsWith: 'TRL', count: 2, sums: { amount: 3 } };
const header = 'id,amount,note\n';
const rows = '1,0.10,a\n2,0.20,b\n3,-1000000000000000.05,c\n';

describe('the trailer', () => {
  it('is no row, may have fewer fields, and gives its totals as written', async () => {
    const result = await read(`${header}${rows}TRL,0003,-999999999999999.75\n`, { file: { trailer } });
    expect(result.faults).toEqual([undefined, undefined, undefined]);
    expect(result.summary).toMatchObject({ rows: 3, trailer: { count: '0003', amount: '-999999999999999.75' } });
  });

  it('is compared exactly, whatever the number of decimals', async () => {
    const file = { trailer };
    expect((await read(`${header}1,0.1,a\n2,0.2,b\nTRL,2,0.30`, { file })).summary.rows).toBe(2);
    expect(await refused(`${header}1,0.1,a\n2,0.2,b\nTRL,2,0.30000000000000004\n`, { file })).toMatchObject({
      code: 'TRAILER_SUM',
    });
  });

  it('I33: a wrong row count refuses the file, showing both numbers', async () => {
    const refusal = await refused(`${header}${rows}TRL,4,0\n`, { file: { trailer } });
    expect(refusal).toMatchObject({ code: 'TRAILER_COUNT', line: 5 });
    expect(refusal.message).toContain('says 4, the file has 3');
  });

  it('I33: a wrong sum refuses the file, showing both numbers', async () => {
    const refusal = await refused(`${header}1,10.00,a\n2,x,b\nTRL,2,10.50\n`, { file: { trailer } });
    expect(refusal).toMatchObject({ code: 'TRAILER_SUM', line: 4 });
    expect(refusal.message).toContain('says 10.50 for the sum of amount, the rows add up to 10.00');
    expect(refusal.message).toContain('first on line 3, are no numbers');
  });

  it('I33: a missing trailer refuses the file, also an empty one', async () => {
    for (const contents of ['', header, `${header}${rows}`, `${header}TRL,0,0\n${rows}`]) {
      expect(await refused(contents, { file: { trailer } })).toMatchObject({ code: 'TRAILER_MISSING' });
    }
  });

  it('counts bad rows, and blank lines after it are nothing', async () => {
    const result = await read(`${header}1,5,a\n2,6\nTRL,2,11\n\n  \n`, { file: { trailer } });
    expect(result.faults).toEqual([undefined, 'COLUMN_COUNT']);
  });

  it('may stand in a file without rows', async () => {
    expect((await read(`${header}TRL,0,0\n`, { file: { trailer } })).summary.rows).toBe(0);
  });

  it('may have its own delimiter, and count the header or itself', async () => {
    const own = (countIncludes: string) => ({
      trailer: { startsWith: 'TRL', delimiter: '|', count: 2, countIncludes },
    });
    for (const [count, includes] of [
      [3, 'rows'],
      [4, 'rows+header'],
      [4, 'rows+trailer'],
      [5, 'all'],
    ]) {
      const file = own(`${includes}`);
      expect((await read(`${header}${rows}TRL|${count}|x,y\n`, { file })).summary.rows).toBe(3);
      expect(await refused(`${header}${rows}TRL|7\n`, { file })).toMatchObject({ code: 'TRAILER_COUNT' });
    }
  });

  it('reads sums with a decimal comma and thousands separators', async () => {
    const file = { delimiter: ';', trailer: { ...trailer, decimal: ',' } };
    const result = await read('id;amount\n1;1.234,50\n2;0,5\nTRL;2;1.235,00\n', { file });
    expect(result.summary.trailer).toEqual({ count: '2', amount: '1.235,00' });
  });

  it('does not hide the habit of ending every record in a delimiter', async () => {
    const file = { trailer: { startsWith: 'TRL', delimiter: '|', count: 2 } };
    expect((await read('id,amount\n1,2,\n2,3,\nTRL|2\n', { file })).values).toEqual([
      ['1', '2'],
      ['2', '3'],
    ]);
  });

  it.each([
    ['TRL\n', 'has 1 fields; the row count is expected in field 2'],
    ['TRL,three,0\n', 'row count "three"'],
    ['TRL,3,ten\n', 'sum "ten" of amount'],
  ])('%j is refused as unreadable', async (last, part) => {
    const refusal = await refused(`${header}${rows}${last}`, { file: { trailer } });
    expect(refusal.code).toBe('TRAILER_INVALID');
    expect(refusal.message).toContain(part);
  });

  it('cannot be expected in JSON, or of a column that the file lacks', async () => {
    expect(await refused('[]', { name: 'a.json', file: { trailer } })).toMatchObject({ code: 'TRAILER_UNSUPPORTED' });
    const file = { trailer: { startsWith: 'TRL', sums: { total: 2 } } };
    expect(await refused(`${header}${rows}TRL,3\n`, { file })).toMatchObject({ code: 'TRAILER_INVALID' });
  });
});
