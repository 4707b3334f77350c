import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokenRecord } from '../../src/parsing/broken-record.ts';
import { doubleEscapedQuotes } from '../../src/parsing/dialect.ts';
import { createPlainLines } from '../../src/parsing/plain-lines.ts';
import { readRecords, type SplitRecord } from '../../src/parsing/records.ts';
import { all, inPieces, read, textOf } from './parsing-staging.ts';

const SYNTAX = { delimiter: ',', leadingSpaces: false, maxRecord: 10_000 };

async function split(text: AsyncIterable<Buffer>, width?: number): Promise<SplitRecord[]> {
  return (await all(readRecords(text, width ? { ...SYNTAX, width } : SYNTAX))).flat();
}

const field = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é', '😀', '\\', '|'), maxLength: 6 }),
  fc.constant(''),
);
const lineEnd = fc.constantFrom('\n', '\r\n', '\r');

function written(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A file with mixed line ends, blank lines, quoted line ends, and what must be read from it. */
const file = fc
  .record({
    rows: fc.array(fc.tuple(fc.tuple(field, field, field), lineEnd, fc.array(lineEnd, { maxLength: 2 })), {
      minLength: 1,
      maxLength: 8,
    }),
    bom: fc.boolean(),
    finalEnd: fc.boolean(),
  })
  .map(({ rows, bom, finalEnd }) => {
    let text = 'one,two,three\n';
    const expected: { line: number; raw: string; values: string[] }[] = [];
    for (const [i, [values, end, blanks]] of rows.entries()) {
      const raw = values.map(written).join(',');
      expected.push({ line: linesIn(text) + 1, raw, values });
      const last = i === rows.length - 1;
      text += raw + (last && !finalEnd ? '' : [end, ...blanks].join(''));
    }
    return { text, bom, expected };
  });

function linesIn(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

describe('the place of a record', () => {
  it('has offset and length so that the slice of the text reads the same, whatever line ends and quotes are mixed', async () => {
    await fc.assert(
      fc.asyncProperty(file, async ({ text, bom, expected }) => {
        const result = await read((bom ? '\ufeff' : '') + text);
        expect(result.values).toEqual(expected.map(({ values }) => values));
        expect(result.rows.map((row) => row.line)).toEqual(expected.map(({ line }) => line));
        const whole = await textOf(result);
        expect(whole.toString()).toBe(text);
        expect(result.summary.bytes).toBe(whole.length);
        for (const [i, row] of result.rows.entries()) {
          expect(whole.toString('utf8', row.offset, row.offset + row.length)).toBe(expected[i]?.raw);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('leaves nothing but line ends between records: the pieces cover the file', async () => {
    const result = await read('a,b\r\n1,"x\r\n\r\ny"\n\n\r2,é\r3,"q"');
    const whole = await textOf(result);
    let at = 0;
    for (const { offset, length } of [{ offset: 0, length: 3 }, ...result.rows]) {
      expect(whole.toString('utf8', at, offset)).toMatch(/^[\r\n]*$/);
      at = offset + length;
    }
    expect(at).toBe(whole.length);
  });

  it('can be given to openText as the start', async () => {
    for (const contents of ['\ufeffa,b\n1,é\n2,z\n', Buffer.from('\ufeffa,b\n1,é\n2,z\n', 'utf16le')]) {
      const result = await read(contents);
      const start = result.rows[1]?.offset ?? -1;
      expect((await textOf(result, start)).toString()).toBe('2,z\n');
    }
  });

  it('I04: is the same for LF, CRLF, CR and a mixture', async () => {
    for (const [first, second] of [
      ['\n', '\n'],
      ['\r\n', '\r\n'],
      ['\r', '\r'],
      ['\n', '\r\n'],
      ['\r\n', '\n'],
      ['\r', '\n'],
    ]) {
      const result = await read(`id,name${first}1,a${second}2,b${first}`);
      expect(result.rows.map(({ line, values }) => [line, ...values])).toEqual([
        [2, '1', 'a'],
        [3, '2', 'b'],
      ]);
    }
    const crlf = await read('id,name\r\n1,a\r\n2,b\r\n');
    expect(crlf.rows).toEqual([
      { line: 2, offset: 9, length: 3, values: ['1', 'a'] },
      { line: 3, offset: 14, length: 3, values: ['2', 'b'] },
    ]);
  });
});

describe('a record without end', () => {
  it('is given up at the limit, not collected', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        given += 1000;
        if (given > 100_000) throw new Error('read on for too long');
        yield Buffer.alloc(1000, 'x');
      }
    }
    await expect(split(endless())).rejects.toMatchObject({ name: 'BrokenRecord', at: { offset: 0, line: 1 } });
    expect(given).toBeLessThan(13_000);
  });
});

describe('where the text is cut into chunks', () => {
  const text = Buffer.from('id,"na\r\nme"\r\n1,"a""b,\r\n"\r\r\n2,é😀\n"",""\n3,x');
  it.each([undefined, 2])('makes no difference to records, at every byte (known width: %s)', async (width) => {
    const whole = await split(inPieces(text, text.length), width);
    expect(whole.map(({ values }) => values)).toEqual([
      ['id', 'na\r\nme'],
      ['1', 'a"b,\r\n'],
      ['2', 'é😀'],
      ['', ''],
      ['3', 'x'],
    ]);
    expect(whole.map(({ line }) => line)).toEqual([1, 3, 6, 7, 8]);
    for (let size = 1; size < text.length; size++) expect(await split(inPieces(text, size), width)).toEqual(whole);
  });

  it('makes no difference to Extole quoting, at every byte', async () => {
    const extole = Buffer.from('a,"C:\\temp\\new", "x \\"y\\""\n\\,"\\n",\\\r\n"\\"","",z');
    const doubled = async (size: number) =>
      Buffer.concat(await all(doubleEscapedQuotes(inPieces(extole, size), ','))).toString();
    const whole = await doubled(extole.length);
    expect(whole).toBe('a,"C:\\temp\\new", "x ""y"""\n\\,"\\n",\\\r\n"""","",z');
    for (let size = 1; size < extole.length; size++) expect(await doubled(size)).toBe(whole);
  });
});

describe('lines in which nothing is quoted', () => {
  /** What csv-parse makes of a text: a quoted line in front of it sends all of it there. */
  async function parsed(pieces: readonly Buffer[]): Promise<SplitRecord[] | string> {
    const front = Buffer.from('"q"\n');
    return outcome(
      (async function* () {
        yield front;
        yield* pieces;
      })(),
      front.length,
    );
  }

  async function outcome(text: AsyncIterable<Buffer>, before: number): Promise<SplitRecord[] | string> {
    const lines = before > 0 ? 1 : 0;
    try {
      const records = (await all(readRecords(text, { ...SYNTAX, maxRecord: 40 }))).flat();
      return records
        .slice(lines)
        .map((record) => ({ ...record, offset: record.offset - before, line: record.line - lines }));
    } catch (error) {
      const at = error instanceof BrokenRecord ? error.at : { offset: -1, line: -1 };
      return `broken at ${at.offset - before}, line ${at.line - lines}`;
    }
  }

  it('are split as csv-parse splits them, wherever the text is cut, up to where a parser is needed', async () => {
    const unit = fc.constantFrom(
      'a',
      'bc',
      ',',
      '\n',
      '\n',
      '\r\n',
      '\r',
      ' ',
      'é',
      '😀',
      '\t',
      '\0',
      '\\',
      '1,2,3\n',
      '"',
    );
    const weights = fc.string({ unit, maxLength: 60 });
    const quoteless = weights.map((text) => text.replaceAll('"', ''));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          quoteless,
          weights,
          quoteless.map((text) => text.replaceAll('\r', '')),
        ),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        async (text, sizes) => {
          const bytes = Buffer.from(text);
          const pieces: Buffer[] = [];
          for (let i = 0, n = 0; i < bytes.length; n++) {
            const size = sizes[n % sizes.length] ?? 1;
            pieces.push(bytes.subarray(i, i + size));
            i += size;
          }
          const quick = await outcome(Readable.from(pieces), 0);
          expect(quick).toEqual(await parsed(pieces));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('do not reach the parser', async () => {
    const lines = createPlainLines(SYNTAX, { offset: 0, line: 1 });
    expect(lines.split(Buffer.from('a,b\r\nc,d\n\ne')).map(({ values }) => values)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(lines).toMatchObject({ stopped: false, at: { offset: 10, line: 4 } });
    expect(lines.split(Buffer.from(',f\ng,"h"\n')).map(({ values }) => values)).toEqual([['e', 'f']]);
    expect(lines).toMatchObject({ stopped: true, at: { offset: 14, line: 5 } });
    expect(lines.rest.toString()).toBe('g,"h"\n');
  });
});
