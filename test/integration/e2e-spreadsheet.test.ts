import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, row } from './support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from './support/e2e-world.ts';

let world: World;
afterEach(() => world.close());

const job = (change: object = {}): void => world.job('feed', { delivery: PATIENT, ...change });

const numbered = (ids: readonly string[]): string => csv(ids.map((id) => row(id)));
const range = (count: number, id: (n: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => id(i + 1));
const zeros = (n: number, width: number): string => String(n).padStart(width, '0');

describe('what a spreadsheet does to keys', () => {
  it('lost zeros: after three files of one width, a file with shorter keys is held, and told with numbers', async () => {
    world = await openWorld();
    job();
    const drop = (name: string, ids: readonly string[], age: number): void => world.drop(name, numbered(ids), age);
    for (const day of [1, 2, 3])
      drop(
        `day-${day}.csv`,
        range(20, (n) => zeros(day * 1000 + n, 9)),
        90 - day,
      );
    drop(
      'cut.csv',
      range(20, (n) => String(4000 + n)),
      60,
    );
    // Some ids begin with other digits: it is enough that the zeros are gone. A longer id alone harms nothing.
    drop('some.csv', [...range(3, (n) => String(5000 + n)), ...range(17, (n) => String(700000000 + n))], 50);
    drop('good.csv', [...range(19, (n) => zeros(6000 + n, 9)), '1234567890'], 40);
    const { code, run } = await world.run('feed');
    expect(run.files.map(({ path, code: why, delivered, held }) => [path, why, delivered, held])).toEqual([
      ...[1, 2, 3].map((day) => [`day-${day}.csv`, undefined, 20, 0]),
      ['cut.csv', 'KEY_WIDTH', 0, 20],
      ['some.csv', 'KEY_WIDTH', 0, 20],
      ['good.csv', undefined, 20, 0],
    ]);
    expect(code).toBe(3);
    expect(world.requests()).toHaveLength(80);
    const page = world.read(`reports/${world.files('reports').find((name) => name.endsWith('.r1.csv')) ?? ''}`);
    expect(page.toString()).toMatch(
      /20 of 20 keys.*fewer than 9 digits.*60 keys of the last 3 files had 9, 60 of them with a zero/,
    );
    job({ event: { key: { from: 'id', width: 'accept' } } });
    world.drop('cut.csv', numbered(range(20, (n) => String(4000 + n))));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 20 });
  });

  it('15 digits: long keys that end in zeros hold the file; ="..." and 1.23E+14 cost their rows, or are read as the job says', async () => {
    world = await openWorld();
    job();
    world.drop('rounded.csv', numbered(range(12, (n) => `${zeros(400000000000000 + n, 15)}0`)), 90);
    world.drop('long.csv', numbered(range(12, (n) => `${zeros(500000000000000 + n, 15)}${n % 9 || 1}`)), 80);
    const odd = csv([row('F-1'), row('F-2'), row('F-3')])
      .replace('F-1', '"=""00123"""')
      .replace('F-2', '1.23E+14');
    world.drop('odd.csv', odd, 70);
    job({ file: { maxRejected: 1 } });
    const { run } = await world.run('feed');
    expect(run.files.map(({ path, code, delivered }) => [path, code, delivered])).toEqual([
      ['rounded.csv', 'KEY_ROUNDED', 0],
      ['long.csv', undefined, 12],
      ['odd.csv', undefined, 1],
    ]);
    expect(fates(readResults(world.read('results/odd.csv.results.csv')))).toEqual([
      '2 rejected KEY_FORMULA',
      '3 rejected KEY_SCIENTIFIC',
      '4 delivered',
    ]);
    job({
      event: { key: { from: 'id', unwrapExcel: true, scientific: 'accept', rounded: 'accept' } },
      file: { dialect: 'excel' },
    });
    world.drop('odd.csv', odd.replace('F-3', 'F-4'), 90);
    world.drop('raw.csv', csv([row('F-5')]).replace('F-5', '="00777"'), 85);
    world.drop('rounded.csv', numbered(range(12, (n) => `${zeros(400000000000000 + n, 15)}0`)), 80);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 16 });
    const keys = world.requests().map(({ body }) => body.data.partner_conversion_id);
    expect(keys).toEqual(expect.arrayContaining(['00123', '00777', '1.23E+14']));
    expect(readResults(world.read('results/raw.csv.results.csv'))[0]?.input).toMatch(/^="00777",/);
  });
});
