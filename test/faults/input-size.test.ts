import { afterEach, describe, expect, it } from 'vitest';
import { csv, row, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';

let world: World;
afterEach(() => world.close());

interface Told {
  files: { name: string; notices: { code: string; message: string }[] }[];
}

function toldOf(page: string | null): Map<string, string> {
  const report: Told = JSON.parse(
    world.read((page ?? '').replace(/^.*served\//, '').replace(/html$/, 'json')).toString(),
  );
  return new Map(
    report.files.map(({ name, notices }) => [name, notices.map(({ code, message }) => `${code} ${message}`).join()]),
  );
}

describe('a file that is smaller than those before it', () => {
  it('I34: cut off exactly between two rows, it cannot be told from a whole one: it is processed, and the report warns with both numbers; held where the job says so', {
    timeout: 90_000,
  }, async () => {
    world = await openWorld();
    world.job('feed', { delivery: PATIENT });
    const drop = (name: string, count: number, age: number): void =>
      world.drop(`${name}.csv`, csv(rows(name, count)), age);
    for (const day of [1, 2, 3, 4, 5]) drop(`day${day}`, 20 + day, 90 - day);
    drop('half', 12, 50);
    drop('cut', 11, 40);
    const { code, run } = await world.run('feed');
    expect(code).toBe(0);
    expect(run).toMatchObject({ delivered: 138, held: 0, balanced: true });
    const told = toldOf(run.reportPath);
    expect(told.get('half.csv')).toBe('');
    expect(told.get('cut.csv')).toMatch(
      /^FEWER_ROWS the file has 11 rows, less than half of the 23 that the last 6 files had/,
    );

    // A dry run says the same; `accept` says nothing.
    world.job('feed', { delivery: PATIENT, file: { fewerRows: 'hold' } });
    drop('torn', 5, 30);
    const dry = await world.cli(['run', 'feed', '--dry-run', '--json']);
    expect(dry.json()).toMatchObject({ files: [{ name: 'torn.csv', held: 5, wouldSend: 0 }] });
    const before = world.requests().length;
    const held = await world.run('feed');
    expect(held.code).toBe(3);
    expect(held.run.files).toMatchObject([{ path: 'torn.csv', state: 'held', code: 'FEWER_ROWS', held: 5 }]);
    expect(world.requests()).toHaveLength(before);
    const released = await world.cli(['release', 'torn.csv', '--reason', 'asked the sender', '--json']);
    expect(released.code, released.stderr).toBe(0);
    expect(world.requests()).toHaveLength(before + 5);

    world.job('feed', { delivery: PATIENT, file: { fewerRows: 'accept' } });
    drop('tiny', 1, 20);
    const accepted = await world.run('feed');
    expect(accepted.run).toMatchObject({ delivered: 1 });
    expect(toldOf(accepted.run.reportPath).get('tiny.csv')).toBe('');
  });

  it('I17: with file.maxRejected: 0.05, more than five of a hundred bad rows hold the file, and five do not', async () => {
    world = await openWorld();
    world.job('feed', { delivery: PATIENT, file: { maxRejected: 0.05 } });
    const bad = (count: number): string[] => Array.from({ length: count }, (_, i) => `bad-${i},x@private.example`);
    world.drop('five.csv', csv([...rows('five', 95), ...bad(5)]), 60);
    world.drop('six.csv', csv([...rows('six', 94), ...bad(6)]), 50);
    const { code, run } = await world.run('feed');
    expect(code).toBe(3);
    expect(run.files).toMatchObject([
      { path: 'five.csv', state: 'processed', delivered: 95, rejected: 5 },
      { path: 'six.csv', state: 'held', code: 'TOO_MANY_REJECTED', held: 94, rejected: 6 },
    ]);
    expect(world.requests()).toHaveLength(95);
    expect(world.requests().some(({ body }) => body.data.email === row('six-0001').email)).toBe(false);
  });
});
