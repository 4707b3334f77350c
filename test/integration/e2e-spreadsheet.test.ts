import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, row } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

let world: World;
afterEach(() => world.close());

const numbered = (ids: readonly string[]): string => csv(ids.map((id) => row(id)));
const range = (count: number, id: (n: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => id(i + 1));
const zeros = (n: number, width: number): string => String(n).padStart(width, '0');

describe('what a spreadsheet does to keys', () => {
  it('lost zeros: after three files of one width, a file with shorter keys is held, and told with numbers', async () => {
    world = await openWorld();
    world.job('feed');
    for (const day of [1, 2, 3])
      world.drop(`day-${day}.csv`, numbered(range(20, (n) => zeros(day * 1000 + n, 9))), 90 - day);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 60, seen: { held: 0 } });
    world.drop('cut.csv', numbered(range(20, (n) => String(4000 + n))));
    const { code, run } = await world.run('feed');
    expect(run.files).toMatchObject([{ path: 'cut.csv', state: 'held', code: 'KEY_WIDTH', held: 20 }]);
    expect(code).toBe(3);
    expect(world.requests()).toHaveLength(60);
    const page = world
      .read(`reports/${world.files('reports').find((name) => name.endsWith(`.r2.csv`)) ?? ''}`)
      .toString();
    expect(page).toMatch(
      /20 of 20 keys.*fewer than 9 digits.*60 keys of the last 3 files had 9, 60 of them with a zero/,
    );

    // Some ids begin with other digits: it is enough that the zeros are gone. A longer id alone harms nothing.
    world.drop(
      'some.csv',
      numbered([...range(3, (n) => String(5000 + n)), ...range(17, (n) => String(700000000 + n))]),
      90,
    );
    world.drop('good.csv', numbered([...range(19, (n) => zeros(6000 + n, 9)), '1234567890']), 80);
    expect((await world.run('feed')).run.files).toMatchObject([
      { path: 'some.csv', code: 'KEY_WIDTH' },
      { path: 'good.csv', delivered: 20 },
    ]);
    world.job('feed', { event: { key: { from: 'id', width: 'accept' } } });
    world.drop('cut.csv', numbered(range(20, (n) => String(4000 + n))));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 20 });
  });

  it('15 digits: long keys that end in zeros hold the file; ="..." and 1.23E+14 cost their rows, or are read as the job says', async () => {
    world = await openWorld();
    world.job('feed');
    world.drop('rounded.csv', numbered(range(12, (n) => `${zeros(400000000000000 + n, 15)}0`)), 90);
    world.drop('long.csv', numbered(range(12, (n) => `${zeros(500000000000000 + n, 15)}${n % 9 || 1}`)), 80);
    const odd = csv([row('F-1'), row('F-2'), row('F-3')])
      .replace('F-1', '"=""00123"""')
      .replace('F-2', '1.23E+14');
    world.drop('odd.csv', odd, 70);
    world.job('feed', { file: { maxRejected: 1 } });
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
    world.job('feed', {
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
