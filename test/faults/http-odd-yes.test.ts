import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, type World } from '../integration/support/e2e-world.ts';

/** The stand-in takes the event before it answers 201 or 202: a client cannot know that it did. */
describe('an answer that sounds like a yes and is none of the events API', () => {
  let world: World;
  afterEach(() => world.close());
  const copies = (key: string): number =>
    world.requests().filter(({ accepted, body }) => accepted && body.data.partner_conversion_id === key).length;

  it('H08: 201 and 202 stop the destination; the row may have been accepted, so it is held and not sent again', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { concurrency: { start: 1, max: 1 } } });
    world.drop('a.csv', csv(rows('A', 20)));
    for (const [i, fault] of (['201', '202'] as const).entries()) {
      world.extole.setFaults(({ body }) => (body.includes(`"A-000${2 + 2 * i}"`) ? fault : undefined));
      const { code, run } = await world.run('feed');
      expect(code).toBe(4);
      expect(run.halted).toMatchObject({
        code: 'MISROUTED',
        reason: expect.stringContaining('may have been accepted'),
      });
      expect(run).toMatchObject({ rejected: 0, failed: 0, balanced: true });
    }
    world.extole.setFaults(undefined);
    const { code, run } = await world.run('feed');
    expect(code).toBe(3);
    expect(run).toMatchObject({ open: 0, balanced: true, halted: null });
    expect(run.files[0]).toMatchObject({ read: 20, delivered: 18, held: 2 });
    const lines = readResults(world.read('results/a.csv.results.csv'));
    expect(fates(lines).filter((fate) => !fate.endsWith(' delivered'))).toEqual([
      '3 held UNKNOWN_DELIVERY',
      '5 held UNKNOWN_DELIVERY',
    ]);
    expect([copies('A-0002'), copies('A-0004')]).toEqual([1, 1]);
  });

  it('H08: where the destination is known to drop a key it has, the row goes again under the same key, and counts once', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { unknown: 'resend' } });
    world.drop('a.csv', csv(rows('A', 5)));
    world.extole.fail('202');
    expect((await world.run('feed')).code).toBe(4);
    const { code, run, stdout } = await world.run('feed');
    expect(code, stdout).toBe(0);
    expect(run).toMatchObject({ held: 0, balanced: true });
    expect(run.files[0]).toMatchObject({ read: 5, delivered: 5 });
    expect(world.extole.stats()).toMatchObject({ accepted: 6, duplicates: 1, distinctKeys: 5 });
  });
});
