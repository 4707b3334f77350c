import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { readResults } from '../integration/support/e2e-results.ts';
import { csv, row } from '../integration/support/e2e-rows.ts';
import { openWorld, type World } from '../integration/support/e2e-world.ts';

/** Newest results of a file, as `key outcome code`. */
function outcomesOf(world: World, name: string): string[] {
  const files = world.files('results').filter((file) => file.startsWith(`${name}.results`));
  const revision = (file: string): number => Number(/\.r(\d+)\.csv$/.exec(file)?.[1] ?? 1);
  const newest = files.sort((a, b) => revision(b) - revision(a))[0];
  return readResults(world.read(`results/${newest}`)).map(({ input, outcome, code }) =>
    `${input.split(',')[0]} ${outcome} ${code}`.trim(),
  );
}

function inLedger<T>(world: World, sql: string): T[] {
  const db = new Database(world.ledger, { readonly: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

const decisions = (world: World): number =>
  inLedger<{ n: number }>(world, 'SELECT count(*) AS n FROM decisions')[0]?.n ?? 0;

const unfinished = (world: World): unknown[] =>
  inLedger(world, "SELECT id, state FROM deliveries WHERE state IN ('claimed','waiting','unknown','failed')");

const sentOf = (world: World, key: string): number =>
  world.requests().filter(({ body }) => body.data.partner_conversion_id === key).length;

/** One file for each point, all in one ledger, each with a row that waits for a person. */
async function worldWith(points: readonly string[], contents: (n: number) => string): Promise<World> {
  const world = await openWorld();
  world.job('feed', { delivery: { unknown: 'hold' } });
  for (const n of points.keys()) world.drop(`f${n}.csv`, contents(n), 1000 - n);
  world.extole.setFaults(({ body }) => (/"H-\d+"/.test(body) ? '500pre' : undefined));
  await world.run('feed');
  world.extole.setFaults(undefined);
  return world;
}

/** The command dies at the point; then a run of the job goes on from what it left. */
async function dieAndGoOn(world: World, command: readonly string[], point: string): Promise<void> {
  const before = decisions(world);
  const end = await world.cli([...command, '--reason', 'because', '--json'], { REFERRY_CRASH_AT: point });
  expect(end.signal, `${point}: ${end.stderr}${end.stdout}`).toBe('SIGKILL');
  await world.run('feed');
  expect(decisions(world), `decisions kept at ${point}`).toBe(before + 1);
}

describe('a decision whose process dies', () => {
  it('C-decision: release: what was decided is done by the next run, and sent once', async () => {
    const points = ['decision-planned:1', 'published:1', 'decision-applied:1'];
    const world = await worldWith(points, (n) => csv([row(`A-${n}`), row(`H-${n}`)]));
    for (const [n, point] of points.entries()) {
      expect(outcomesOf(world, `f${n}.csv`)).toEqual([`A-${n} delivered`, `H-${n} held UNKNOWN_DELIVERY`]);
      const before = sentOf(world, `H-${n}`);
      await dieAndGoOn(world, ['release', `f${n}.csv`], point);
      expect(outcomesOf(world, `f${n}.csv`), point).toEqual([`A-${n} delivered`, `H-${n} delivered`]);
      expect(sentOf(world, `H-${n}`), point).toBe(before + 1);
      expect(sentOf(world, `A-${n}`)).toBe(1);
    }
    expect(unfinished(world)).toEqual([]);
    await world.close();
  }, 60_000);

  it('C-decision: release: a row that was on the wire when it died is held again, not sent again', async () => {
    const world = await worldWith(['x'], (n) => csv([row(`A-${n}`), row(`H-${n}`)]));
    const before = sentOf(world, 'H-0');
    await dieAndGoOn(world, ['release', 'f0.csv'], 'committed:1');
    expect(sentOf(world, 'H-0') - before).toBeLessThanOrEqual(1);
    expect(outcomesOf(world, 'f0.csv')).toEqual(['A-0 delivered', 'H-0 held UNKNOWN_DELIVERY']);
    await world.close();
  }, 60_000);

  it('C-decision: reject and resolve: the same, and the key is free or sent once', async () => {
    const points = ['decision-planned:1', 'published:1'];
    const world = await worldWith(points, (n) =>
      csv([row(`H-${n}`), row(`C-${n}`, { amount: '1.00' }), row(`C-${n}`, { amount: '2.00' })]),
    );
    for (const [n, point] of points.entries()) {
      const before = sentOf(world, `H-${n}`);
      await dieAndGoOn(world, ['reject', `f${n}.csv`], point);
      await dieAndGoOn(world, ['resolve', `C-${n}`, '--line', '4'], point);
      expect(outcomesOf(world, `f${n}.csv`), point).toEqual([
        `H-${n} rejected OPERATOR_REJECTED`,
        `C-${n} conflict CONFLICT_IN_FILE`,
        `C-${n} delivered`,
      ]);
      expect(sentOf(world, `H-${n}`)).toBe(before);
      expect(sentOf(world, `C-${n}`)).toBe(1);
    }
    expect(unfinished(world)).toEqual([]);
    await world.close();
  }, 60_000);

  it('C-decision: reprocess: one new pass, whose rows are sent once', async () => {
    const points = ['decision-planned:1', 'committed:2', 'published:1'];
    const world = await worldWith(points, (n) => csv([row(`A-${n}`), row(`B-${n}`, { at: '20.11.2026' })]));
    expect(outcomesOf(world, 'f0.csv')).toEqual(['A-0 delivered', 'B-0 rejected TIME_INVALID']);
    world.job('feed', {
      delivery: { unknown: 'hold' },
      event: { time: { from: 'at', format: ['iso', 'dd.MM.yyyy'], timezone: 'UTC' } },
    });
    for (const [n, point] of points.entries()) {
      await dieAndGoOn(world, ['reprocess', `f${n}.csv`], point);
      expect(sentOf(world, `A-${n}`), point).toBe(1);
      expect(sentOf(world, `B-${n}`), point).toBe(1);
      const passes = inLedger<{ state: string }>(world, `SELECT state FROM processings WHERE name = 'f${n}.csv'`);
      expect(passes, point).toEqual([{ state: 'closed' }, { state: 'closed' }]);
    }
    expect(unfinished(world)).toEqual([]);
    await world.close();
  }, 60_000);
});
