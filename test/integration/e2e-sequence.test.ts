import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from './support/e2e-world.ts';

let world: World;
afterEach(() => world.close());

const job = (change: object = {}): void => world.job('feed', { delivery: PATIENT, ...change });

/** What the ledger says of a job's numbers. */
function numbers(): string[] {
  const db = new Database(world.ledger, { readonly: true });
  try {
    return db
      .prepare<[], { number: number; state: string; filled: number }>(
        'SELECT number, state, missing_since IS NOT NULL AND seen_at IS NOT NULL AS filled FROM sequences ORDER BY number',
      )
      .all()
      .map(({ number, state, filled }) => `${number} ${state}${filled ? ' late' : ''}`);
  } finally {
    db.close();
  }
}

async function report(run: { reportPath: string | null }): Promise<string> {
  const { readFileSync } = await import('node:fs');
  return readFileSync((run.reportPath ?? '').replace(/html$/, 'csv'), 'utf8');
}

describe('files that carry a running number', () => {
  it('a gap is named and kept, once; a late file fills it', async () => {
    world = await openWorld();
    job({ file: { sequence: { pattern: 'feed-(\\d+)' } } });
    world.drop('feed-0007.csv', csv(rows('A', 2)));
    expect((await world.run('feed')).code).toBe(0);
    world.drop('feed-0010.csv', csv(rows('B', 2)));
    const { code, run } = await world.run('feed');
    expect(code).toBe(0);
    expect(run.delivered).toBe(2);
    expect(await report(run)).toMatch(/SEQUENCE_GAP.*number 10 came after 7: 8, 9 are missing/);
    expect(numbers()).toEqual(['7 seen', '8 missing', '9 missing', '10 seen']);

    world.drop('feed-0008.csv', csv(rows('C', 2)), 90);
    world.drop('feed-0011.csv', csv(rows('D', 2)), 80);
    const { run: late } = await world.run('feed');
    const told = await report(late);
    expect(told).toMatch(/SEQUENCE_FILLED.*number 8, missing since/);
    expect(told).not.toContain('SEQUENCE_GAP');
    expect(numbers()).toEqual(['7 seen', '8 seen late', '9 missing', '10 seen', '11 seen']);
  });

  it('a file that was taken and could not be read yet is late, not missing: those after it are not held', async () => {
    world = await openWorld({ remote: 'sftp' });
    job({ file: { sequence: { pattern: 'feed-(\\d+)', onGap: 'hold' } } });
    world.drop('feed-1.csv', csv(rows('R1', 2)));
    expect((await world.run('feed')).run.delivered).toBe(2);
    for (const n of [2, 3, 5]) world.drop(`feed-${n}.csv`, csv(rows(`R${n}`, 2)), 100 - n);
    const ledger = readFileSync(join(world.state, 'ledger.id'), 'utf8').trim();
    if (world.sftp) world.sftp.quirks.denyRead = `/processing/feed-2.csv.${ledger}-2`;
    const { run } = await world.run('feed');
    expect(run.files.map(({ path, state }) => `${path} ${state}`)).toEqual([
      'feed-2.csv open',
      'feed-3.csv processed',
      'feed-5.csv held',
    ]);
    if (world.sftp) world.sftp.quirks.denyRead = false;
    expect((await world.run('feed')).run.delivered).toBe(2);
    expect(numbers()).toEqual(['1 seen', '2 seen', '3 seen', '4 missing', '5 seen']);
  });

  it('the same number with other contents is held, whoever comes first; the same contents again are a repeat', async () => {
    world = await openWorld();
    job({ file: { sequence: { pattern: '(\\d+)\\.csv$', start: 1 } } });
    world.drop('day-1.csv', csv(rows('A', 3)), 90);
    world.drop('copy-1.csv', csv(rows('A', 3)), 80);
    world.drop('other-1.csv', csv(rows('B', 3)), 70);
    world.drop('no-number.csv', csv(rows('C', 3)), 60);
    const { run } = await world.run('feed');
    expect(
      run.files.map(({ path, state, code, delivered, duplicate }) => [path, state, code, delivered, duplicate]),
    ).toEqual([
      ['day-1.csv', 'processed', undefined, 3, 0],
      ['copy-1.csv', 'processed', undefined, 0, 3],
      ['other-1.csv', 'held', 'SEQUENCE_REPEAT', 0, 0],
      ['no-number.csv', 'held', 'SEQUENCE_UNREADABLE', 0, 0],
    ]);
    expect(world.requests()).toHaveLength(3);
    const results = world.read('results/other-1.csv.results.csv').toString();
    expect(results).toContain('held,SEQUENCE_REPEAT');
    expect(numbers()).toEqual(['1 seen']);
  });

  it('a file that does not count leaves its number to the corrected one: refused, or held for what it holds', async () => {
    world = await openWorld();
    job({ file: { sequence: { pattern: '(\\d+)\\.csv$' } } });
    world.drop('day-2.csv', 'nonsense\n', 90);
    world.drop('day-3.csv', csv(rows('E', 3).map((each) => ({ ...each, at: 'never' }))), 80);
    expect((await world.run('feed')).run.files).toMatchObject([
      { code: 'HEADER_MISSING' },
      { code: 'TOO_MANY_REJECTED' },
    ]);
    world.drop('day-2.csv', csv(rows('D', 2)), 90);
    world.drop('day-3.csv', csv(rows('E', 3)), 80);
    expect((await world.run('feed')).run.delivered).toBe(5);
    expect(numbers()).toEqual(['2 seen', '3 seen']);
  });

  it('the number may stand in the trailer, count from a start, and hold what comes after a gap; a death changes nothing', async () => {
    world = await openWorld();
    const trailer = { startsWith: 'TRL', count: 2 };
    job({
      file: { trailer, sequence: { from: 'trailer', position: 3, start: 100, step: 10, onGap: 'hold' } },
    });
    const file = (id: string, number: number): string => csv([row(id), `TRL,1,${number},,`]);
    world.drop('a.csv', file('A-1', 120));
    expect((await world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: 'sealed:1' })).signal).toBe('SIGKILL');
    const { run } = await world.run('feed');
    expect(run.files).toMatchObject([{ state: 'held', code: 'SEQUENCE_GAP', held: 1 }]);
    expect(numbers()).toEqual(['100 missing', '110 missing', '120 seen']);
    world.drop('b.csv', file('B-1', 100), 90);
    world.drop('c.csv', file('C-1', 110), 80);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 2 });
    // Dropped again, it is judged anew, and nothing is missing any more.
    world.drop('a.csv', file('A-1', 120));
    const dry = await world.cli(['run', 'feed', '--dry-run', '--json']);
    expect(dry.json()).toMatchObject({ files: [{ wouldSend: 1, held: 0 }] });
    expect((await world.run('feed')).run).toMatchObject({ delivered: 1 });
    expect(numbers()).toEqual(['100 seen late', '110 seen late', '120 seen']);
  });
});
