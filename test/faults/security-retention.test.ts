import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csv, row, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { filesBelow, findMarks } from './support/state-search.ts';

const DAY = 86_400_000;

describe('personal data whose time is over', () => {
  let world: World;
  const keys = rows('GONE', 800).map(({ id }) => id);
  beforeAll(async () => {
    world = await openWorld();
    world.job('feed', { delivery: PATIENT, failed: { maxAge: '3000d' }, held: { maxAge: '3000d' } });
    let answered = 0;
    // Some rows are tried twice: a row that grows is moved within the ledger, and leaves a copy of itself behind.
    world.extole.setFaults(({ body }) => {
      if (body.includes('"WAITS-0001"')) return { kind: 'status', status: 500 };
      answered += 1;
      return answered < 150 && answered % 3 === 0 ? { kind: 'status', status: 429 } : undefined;
    });
    world.drop('a.csv', csv([...rows('GONE', 800), 'torn,gone-torn@private.example']), 90);
    world.drop('c.csv', csv([row('GONE-C'), row('GONE-C', { amount: '2.00' })]), 85);
    world.drop('w.csv', csv(rows('WAITS', 2)), 80);
    expect((await world.run('feed')).code).toBe(3);
    world.extole.setFaults(undefined);
    const decided = ['reject', 'c.csv', '--code', 'CONFLICT_IN_FILE', '--reason', 'the branch withdrew them'];
    const told = await world.cli(decided);
    expect(told.code, told.stderr).toBe(0);
  });
  afterAll(() => world.close());

  /** Makes everything that the ledger knows older. */
  const age = (days: number): void => {
    const db = new Database(world.ledger);
    const ms = days * DAY;
    const trigger = db.prepare("SELECT sql FROM sqlite_master WHERE name = 'delivered_is_final'").pluck().get();
    db.exec('DROP TRIGGER delivered_is_final');
    db.exec(`UPDATE processings SET opened_at = opened_at - ${ms}, closed_at = closed_at - ${ms}, settled_at = settled_at - ${ms};
      UPDATE deliveries SET answered_at = answered_at - ${ms}, claimed_at = claimed_at - ${ms};`);
    db.exec(String(trigger));
    db.close();
  };
  const prune = async (): Promise<{ keys: number; kept: string[] }> => {
    const told = await world.cli(['prune', '--json']);
    expect(told.code, told.stderr).toBe(0);
    return JSON.parse(told.stdout);
  };

  it('X20: after retention.days no staged copy, index or reason of a final file is left, and no e-mail anywhere below the state', async () => {
    expect(findMarks(world.state, ['gone-0001@private.example'])).toEqual([
      'staging/p1/input: gone-0001@private.example',
    ]);
    age(31);
    await prune();
    expect(filesBelow(world.state).filter((path) => path.includes('/staging/'))).toSatisfy((paths: string[]) =>
      paths.every((path) => path.includes('/p3/')),
    );
    expect(findMarks(world.state, ['gone-', 'M-GONE', '@private.example'])).toEqual([
      'staging/p3/input: @private.example',
    ]);
  });

  it('X20: after retention.keys no key is left in any page of the ledger or its write-ahead log, freed ones included', async () => {
    age(401);
    const reader = new Database(world.ledger, { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM deliveries').get();
    // As long as somebody reads what was, it cannot be taken from them; that is said, and done by the next prune.
    const first = await prune();
    expect(first).toMatchObject({ keys: 800, kept: [expect.stringMatching(/^traces of keys: .*goes on reading/)] });
    reader.close();
    expect(await prune()).toMatchObject({ keys: 0, kept: [] });
    const found = findMarks(world.state, [...keys, 'GONE-C']);
    expect(found).toEqual([]);
    // What waits for a person is not old, however long it waits.
    expect(findMarks(world.state, ['WAITS-0001'])).toContain('ledger.sqlite: WAITS-0001');
    expect(existsSync(`${world.ledger}-wal`) ? statSync(`${world.ledger}-wal`).size : 0).toBe(0);
    expect((await world.cli(['status'])).code).toBe(3);
  });

  it('X20: a backup is made without what is gone', async () => {
    const folder = join(world.root, 'backups');
    expect((await world.cli(['backup', '--to', folder])).code).toBe(0);
    expect(findMarks(folder, [...keys, 'GONE-C', '@private.example'])).toEqual([]);
  });
});
