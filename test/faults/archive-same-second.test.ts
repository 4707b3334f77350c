import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { type Executor, openExecutor } from './support/executor.ts';

/** Names in the archive tell the second in which a file was taken, and no more. */
describe('the same file with its manifest, more than once within a second', () => {
  let world: World;
  let executor: Executor;

  beforeEach(async () => {
    world = await openWorld();
    const manifest = { name: '{name}.sha256', kind: 'sha256', wait: '0s' };
    world.job('feed', { delivery: PATIENT, source: { manifest } });
    executor = await openExecutor(world);
    executor.fixed = Date.now();
  });
  afterEach(async () => {
    await executor.close();
    await world.close();
  });

  it('N24: each of them is archived with its manifest, and none stays open', async () => {
    const text = csv(rows('A', 3));
    const sum = createHash('sha256').update(text).digest('hex');
    for (const times of [1, 2, 3]) {
      world.drop('a.csv', text);
      world.drop('a.csv.sha256', `${sum}  a.csv\n`);
      const { code, codes, account } = await executor.run('feed');
      expect([code, codes, account.seen.open]).toEqual([0, [], 0]);
      expect(world.files('archive').filter((name) => name.startsWith('a.csv.sha256.'))).toHaveLength(times);
      expect(world.files('archive')).toHaveLength(2 * times);
      expect(world.files('processing')).toEqual([]);
    }
    const told = executor.ledger.db
      .prepare<[], { archived_as: string }>(
        'SELECT archived_as FROM companions UNION ALL SELECT archived_as FROM processings',
      )
      .all()
      .map(({ archived_as }) => archived_as.replace(/^.*\//, ''));
    expect(told.sort()).toEqual(world.files('archive').sort());
  });
});
