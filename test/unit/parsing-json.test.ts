import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readObject } from '../../src/parsing/json-object.ts';
import { type Piece, splitArray, splitLines } from '../../src/parsing/json-split.ts';
import { all, inPieces, read, refused, textOf } from './parsing-staging.ts';

const jsonl = { name: 'a.jsonl' };
const json = { name: 'a.json' };

describe('objects', () => {
  it('I20: keep numbers as they are written', async () => {
    const numbers = ['9007199254740993', '7465313346145957284', '25.20', '1E5', '1e400', '-0', '1.0', '0.1'];
    const result = await read(`{${numbers.map((text, i) => `"n${i}": ${text}`).join(',')}}`, jsonl);
    expect(result.values).toEqual([numbers]);
  });

  it('are flattened; arrays stay JSON text, null is missing', async () => {
    const result = await read(
      '{"a":{"b":{"c":"x"},"d":null},"list":[1.50, {"k": "v\\u00e9"}, [], null, true],"t":true,"f":false,"e":""}',
      jsonl,
    );
    expect(result.columns).toEqual(['a.b.c', 'a.d', 'list', 't', 'f', 'e']);
    expect(result.values).toEqual([['x', undefined, '[1.50,{"k":"vé"},[],null,true]', 'true', 'false', '']]);
  });

  it.each([
    ['a duplicate key', '{"id":1,"id":2}', 'JSON_DUPLICATE_KEY'],
    ['a duplicate key in a nested object', '{"a":{"x":1,"x":1}}', 'JSON_DUPLICATE_KEY'],
    ['a duplicate key in an array', '{"a":[{"x":1,"x":1}]}', 'JSON_DUPLICATE_KEY'],
    ['two keys of one column', '{"id":1," ID":2}', 'JSON_DUPLICATE_KEY'],
    ['a nested key that means another one', '{"a.b":1,"a":{"b":2}}', 'JSON_DUPLICATE_KEY'],
    ['__proto__', '{"__proto__":{"x":1}}', 'JSON_RESERVED_KEY'],
    ['a nested constructor', '{"a":[{"constructor":1}]}', 'JSON_RESERVED_KEY'],
    ['an empty key', '{"":1}', 'JSON_EMPTY_KEY'],
    ['a trailing comma', '{"id":1,}', 'JSON_INVALID'],
    ['two objects on a line', '{"id":1}{"id":2}', 'JSON_INVALID'],
    ['half a line', '{"id":1,"na', 'JSON_INVALID'],
    ['a control character in a string', '{"id":"a\u0001"}', 'JSON_INVALID'],
    ['NaN', '{"id":NaN}', 'JSON_INVALID'],
    ['an array', '[1]', 'JSON_NOT_OBJECT'],
    ['a number', '5', 'JSON_NOT_OBJECT'],
    ['a string', '"{}"', 'JSON_NOT_OBJECT'],
    ['I11: a lone surrogate', '{"id":"\\ud800"}', 'LONE_SURROGATE'],
    ['I11: a NUL character', '{"id":"a\\u0000"}', 'NUL_BYTE'],
    ['nesting without end', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'JSON_TOO_DEEP'],
  ])('I20: %s is one bad row; its neighbours are not affected', async (_, line, code) => {
    const result = await read(`{"id":"1"}\n${line}\n{"id":"3"}\n`, jsonl);
    expect(result.faults).toEqual([undefined, code, undefined]);
    expect(result.rows[2]).toMatchObject({ line: 3, values: ['3'] });
  });

  it('never throw, and never lose a key of valid JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.string(), (valid, any) => {
        readObject(any);
        const read = readObject(valid);
        if (!read.ok)
          expect(['JSON_NOT_OBJECT', 'JSON_EMPTY_KEY', 'LONE_SURROGATE', 'JSON_RESERVED_KEY', 'NUL_BYTE']).toContain(
            read.code,
          );
      }),
      { numRuns: 300 },
    );
  });

  it('name no value in the reason', async () => {
    const { rows } = await read('{"email":"anna@example.com",}\n{"email":"anna@example.com"\n', jsonl);
    expect(JSON.stringify(rows.map(({ fault }) => fault))).not.toContain('anna');
  });
});

describe('columns of JSON', () => {
  it('start with those of the job in its spelling, and grow at the end', async () => {
    const result = await read('{"EMAIL":"a","x":"1"}\n{"y":"2","Application_id":"A"}\n', {
      ...jsonl,
      wanted: ['application_id', 'email'],
    });
    expect(result.columns).toEqual(['application_id', 'email', 'x', 'y']);
    expect(result.values).toEqual([
      [undefined, 'a', '1'],
      ['A', undefined, undefined, '2'],
    ]);
  });

  it('may be declared: other keys refuse the file or are noticed', async () => {
    const file = (onDrift: string) => ({ header: { mode: 'exact-set', columns: ['id'], onDrift } });
    expect(await refused('{"id":1}\n{"x":1}\n', { ...jsonl, file: file('fail') })).toMatchObject({
      code: 'HEADER_UNEXPECTED',
      line: 2,
    });
    const { summary } = await read('{"id":1}\n{"x":1}\n{"x":2}\n', { ...jsonl, file: file('warn') });
    expect(summary.notices).toMatchObject([{ code: 'HEADER_UNEXPECTED' }]);
  });

  it('are limited in number, fields in size', async () => {
    const file = { limits: { columns: 2, field: 5 } };
    expect(await refused('{"a":1,"b":2}\n{"c":3}\n', { ...jsonl, file })).toMatchObject({
      code: 'TOO_MANY_COLUMNS',
      line: 2,
    });
    expect((await read('{"a":"123456"}\n{"a":"12345"}\n', { ...jsonl, file })).faults).toEqual([
      'FIELD_TOO_LARGE',
      undefined,
    ]);
  });
});

describe('JSON Lines', () => {
  it('may end lines in LF, CRLF or CR, have blank lines, a mark, and no line end at the end', async () => {
    const result = await read('\ufeff{"id":"1"}\r\n\n \t\n{"id":"é"}\r{"id":"3"}', jsonl);
    expect(result.rows).toEqual([
      { line: 1, offset: 0, length: 10, values: ['1'] },
      { line: 4, offset: 16, length: 11, values: ['é'] },
      { line: 5, offset: 28, length: 10, values: ['3'] },
    ]);
    expect(result.summary).toMatchObject({ rows: 3, bytes: 38, format: 'jsonl' });
  });

  it('refuse a line over the record limit', async () => {
    const file = { limits: { record: 100 } };
    expect(await refused(`{"id":1}\n{"id":"${'x'.repeat(100)}"}\n`, { ...jsonl, file })).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      line: 2,
    });
  });

  it('without rows are zero rows', async () => {
    for (const contents of ['', '\n\n', '\ufeff']) expect((await read(contents, jsonl)).summary.rows).toBe(0);
  });
});

describe('a JSON array', () => {
  it('gives the line and place of each element', async () => {
    const contents = '\ufeff[\r\n  {"id":"]}\\"[,"},\n  {"id":\n"é"}\n, 7 ]\n';
    const result = await read(contents, json);
    expect(result.rows.map(({ line, values, fault }) => [line, values[0], fault?.code])).toEqual([
      [2, ']}"[,', undefined],
      [3, 'é', undefined],
      [5, undefined, 'JSON_NOT_OBJECT'],
    ]);
    const text = await textOf(result);
    expect(result.rows.map(({ offset, length }) => text.toString('utf8', offset, offset + length))).toEqual([
      '{"id":"]}\\"[,"}',
      '{"id":\n"é"}',
      '7',
    ]);
  });

  it('I20: never gives two elements the same line, since rows are known by it', async () => {
    const lines = async (contents: string) => (await read(contents, json)).rows.map(({ line }) => line);
    expect(await lines('[{"id":1},{"id":2},{"id":3}]')).toEqual([1, 2, 3]);
    expect(await lines('[{"id":1},{"id":2},\n{"id":3},\n\n\n{"id":4}, 7]')).toEqual([1, 2, 3, 5, 6]);
  });

  it.each([
    ['a comma after the last element', '[{"a":1},\n]', 2],
    ['a comma before the first', '[,{"a":1}]', 1],
    ['two commas', '[{"a":1},,{"a":1}]', 1],
    ['no comma', '[{"a":1} {"a":2}]', 1],
    ['no comma and no space', '[{"a":1}{"a":2}]', 1],
    ['a second array', '[{"a":1}]\n[{"a":2}]', 2],
    ['text behind the end', '[]x', 1],
    ['an element cut off', '[{"a":1},\n{"a":', 2],
    ['an array not closed', '[{"a":1},\n{"a":2}\n', 3],
    ['a malformed element', '[{"a":1},\n{"a":1,}]', 2],
    ['crossed brackets', '[{"a":[1}]]', 1],
    ['a closing bracket alone', '[}', 1],
    ['a bare word', '[{"a":1},\nnope]', 2],
  ])('I20: with %s is refused with its line', async (_, contents, line) => {
    expect(await refused(contents, json)).toMatchObject({ code: 'JSON_INVALID', line, hint: expect.any(String) });
  });

  it('may be empty', async () => {
    for (const contents of ['[]', ' [ \n ] ', '', '\ufeff\n'])
      expect((await read(contents, json)).summary.rows).toBe(0);
    expect(await refused('[]', { ...json, file: { empty: 'refuse' } })).toMatchObject({ code: 'EMPTY_FILE' });
  });

  it('refuses an element over the record limit before it was read whole', async () => {
    const file = { limits: { record: 100 } };
    expect(await refused(`[1,\n"${'x'.repeat(200_000)}`, { ...json, file })).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      line: 2,
    });
  });
});

describe('where JSON is cut into chunks', () => {
  const plain = (pieces: Piece[][]) => pieces.flat().map(({ line, offset, text }) => [line, offset, text.toString()]);
  it.each([
    ['an array', splitArray, '[ {"a":"\\\\\\"é]"} ,\r\n[1,[2]],"x\\"]",\r-1.5e3,{"b":{}}\n]\n'],
    ['lines', splitLines, '{"a":1}\r\n\r\n{"b":"é"}\r{"c":3}\n\n \n{"d":4}'],
  ])('%s gives the same pieces, at every byte', async (_, split, contents) => {
    const bytes = Buffer.from(contents);
    const whole = plain(await all(split(inPieces(bytes, bytes.length), 1000)));
    expect(whole.length).toBeGreaterThan(3);
    for (let size = 1; size < bytes.length; size++) {
      expect(plain(await all(split(inPieces(bytes, size), 1000)))).toEqual(whole);
    }
  });
});
