import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, linksPerPerson, people } from './support/links-job.ts';

describe('share links for customers', { timeout: 180_000 }, () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    linksJob(world, 'links');
  });
  afterEach(() => world.close());

  const results = (name: string) => readResults(world.read(`results/${name}.results.csv`));

  it('each customer of a file gets one link, which is in the results, the ledger and at Extole', async () => {
    world.drop('c.csv', customers(...people('ann', 20)));
    const { code, stderr, run } = await world.run('links');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ read: 20, delivered: 20, open: 0, balanced: true });
    expect([...linksPerPerson(world).values()]).toEqual(new Array(20).fill(1));
    const links = ledgerLinks(world);
    expect(links).toHaveLength(20);
    for (const { email, partner_user_id, link, code: last, came_by } of links) {
      expect(partner_user_id).toBe(email?.replace(/ann(\d+)@.*/, 'ann-$1'));
      expect(link).toMatch(/^https:\/\//);
      expect(link).toContain(last);
      expect(came_by).toBe('created');
    }
    // The link stands in the results beside its customer.
    expect(new Map(results('c.csv').map(({ input, eventId }) => [input.split(',')[0], eventId]))).toEqual(
      new Map(links.map(({ email, link }) => [email, link])),
    );
    expect(fates(results('c.csv')).every((fate) => fate.endsWith(' delivered'))).toBe(true);
  });
});
