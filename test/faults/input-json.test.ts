import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AT, csv, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

describe('JSON', () => {
  const record = (id: string, more = ''): string =>
    `{"id":${id},"email":"j@private.example","member":"M","at":"${AT}","amount":"1.00"${more}}`;

  it('I20: what each line says is taken exactly, or its row is rejected; lines beside it are not affected', async () => {
    world.job('lines', { source: { match: '*.jsonl' }, delivery: PATIENT, file: { maxRejected: 1, sharedKey: 1 } });
    const cases: [line: string, fate: string][] = [
      [record('"js-1"'), 'delivered'],
      [record('7465313346145957284'), 'delivered'],
      [record('1e400'), 'delivered'],
      [record('"js-2"', ',"more":{"deep":[1.50,{"x":null}]}'), 'delivered'],
      [record('"js-3"', ',"id":"js-4"'), 'rejected JSON_DUPLICATE_KEY'],
      [record('"js-5"', ',"__proto__":{"email":"x@y.example"}'), 'rejected JSON_RESERVED_KEY'],
      [record('"js-6"', ','), 'rejected JSON_INVALID'],
      [record('"js-7"') + record('"js-8"'), 'rejected JSON_INVALID'],
      [record('"js-9"').slice(0, -9), 'rejected JSON_INVALID'],
      [record('"\\ud800"'), 'rejected LONE_SURROGATE'],
      [record('"a\\u0000b"'), 'rejected NUL_BYTE'],
      [record('"a\\u001bb"'), 'rejected KEY_CONTROL_CHARS'],
      [record('null'), 'rejected KEY_MISSING'],
      ['[1]', 'rejected JSON_NOT_OBJECT'],
      [record('"js-10"'), 'delivered'],
    ];
    world.drop('a.jsonl', `\ufeff${cases.map(([text]) => text).join('\n')}\n`);
    const { run } = await world.run('lines');
    const lines: { line: number; outcome: string; code: string }[] = world
      .read('results/a.jsonl.results.jsonl')
      .toString()
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(lines.map(({ line, outcome, code }) => `${line} ${outcome} ${code ?? ''}`.trim())).toEqual(
      cases.map(([, fate], i) => `${i + 1} ${fate}`),
    );
    expect(run).toMatchObject({ read: cases.length, delivered: 5, balanced: true });
    const keys = world.requests().map(({ body }) => body.data.partner_conversion_id);
    expect(keys).toEqual(expect.arrayContaining(['7465313346145957284', '1e400']));
  });

  it('I20: an array that is not one whole array is refused, with its line, and nothing of it is sent', async () => {
    world.job('arrays', { source: { match: '*.json' }, delivery: PATIENT });
    const before = world.requests().length;
    const two = `${record('"ja-1"')},\n${record('"ja-2"')}`;
    const cases: [name: string, text: string, code: string, line: number][] = [
      ['comma.json', `[\n${two},\n]`, 'JSON_INVALID', 4],
      ['concatenated.json', `[\n${two}\n]\n[${record('"ja-3"')}]`, 'JSON_INVALID', 5],
      ['cut.json', `[\n${two}`, 'JSON_INVALID', 3],
      ['cutvalue.json', `[\n${two.slice(0, -20)}`, 'JSON_INVALID', 3],
      ['object.json', record('"ja-4"'), 'FORMAT_MISMATCH', 1],
      ['rows.json', csv([row('ja-5')]), 'FORMAT_MISMATCH', 1],
      ['broken.json', `[\n${two},\n{"id":x}]`, 'JSON_INVALID', 4],
    ];
    for (const [i, [name, text]] of cases.entries()) world.drop(name, text, 500 - i);
    world.drop('good.json', `\ufeff [ ${record('"ja-6"')} , ${record('"ja-7"')} ] \n`, 10);
    const { run } = await world.run('arrays');
    const refused = run.files.filter(({ path }) => path !== 'good.json');
    expect(refused.map(({ path, state, code }) => [path, state, code])).toEqual(
      cases.map(([name, , code]) => [name, 'refused', code]),
    );
    for (const [name, , , line] of cases)
      expect([name, JSON.parse(world.read(`results/${name}.results.jsonl`).toString()).line]).toEqual([name, line]);
    expect(run).toMatchObject({ read: 2, delivered: 2, balanced: true });
    expect(world.requests()).toHaveLength(before + 2);
  });
});
