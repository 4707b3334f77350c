import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readResults } from './support/e2e-results.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, linksPerPerson, people } from './support/links-job.ts';

const WHY = ['--reason', 'looked at'];

describe('what is decided about customers', { timeout: 300_000 }, () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    linksJob(world, 'links');
  });
  afterEach(() => world.close());

  it('people whom Extole could not serve are failed, and the next run serves them, each with one link', async () => {
    linksJob(world, 'links', { links: { patience: '1s' }, delivery: { maxAttempts: 1, maxAmbiguous: 1 } });
    // A person is refused for now, whatever is tried; the others come through.
    world.extole.links.setFaults(({ body }) => (String(body).includes('ann1@') ? '429' : undefined));
    world.drop('c.csv', customers(...people('ann', 3)));
    const first = await world.run('links');
    expect(first.run, first.stderr).toMatchObject({ delivered: 2, failed: 1, balanced: true });
    world.extole.links.setFaults(undefined);
    const { run } = await world.run('links');
    expect(run).toMatchObject({ carriedIn: 1, delivered: 1, failed: 0, balanced: true });
    expect(ledgerLinks(world)).toHaveLength(3);
    expect([...linksPerPerson(world).values()]).toEqual([1, 1, 1]);
    expect(readResults(world.read('results/c.csv.results.r2.csv')).map(({ outcome }) => outcome)).toEqual([
      'delivered',
      'delivered',
      'delivered',
    ]);
  });

  it('the same file processed again under another label gives its people links of that label too', async () => {
    world.drop('c.csv', customers(...people('ann', 3)));
    await world.run('links');
    linksJob(world, 'links', { links: { label: 'gift' } });
    const { code, stderr } = await world.cli(['reprocess', 'p1', ...WHY, '--json']);
    expect(code, stderr).toBe(0);
    expect(world.extole.links.shareables.map(({ label }) => label).sort()).toEqual([
      ...new Array(3).fill('gift'),
      ...new Array(3).fill('refer-a-friend'),
    ]);
    expect(ledgerLinks(world)).toHaveLength(6);
  });

  it('a held person who is rejected is free again: a later file asks anew', async () => {
    world.extole.links.addPerson({ email: 'ann0@example.com' });
    world.extole.links.addPerson({ keys: { partner_user_id: 'ann-0' } });
    world.drop('a.csv', customers(...people('ann', 1)));
    expect((await world.run('links')).run.held).toBe(1);
    const { code, stderr } = await world.cli(['reject', 'p1', ...WHY, '--json']);
    expect(code, stderr).toBe(0);
    world.drop('b.csv', 'email,member,first,last\nann0@example.com,,Ann,Lee\n');
    expect((await world.run('links')).run).toMatchObject({ delivered: 1 });
    expect(ledgerLinks(world).map(({ person }) => person)).toEqual(['ann0@example.com']);
  });

  it('what is about events alone is refused with a word that helps', async () => {
    world.drop('c.csv', customers(...people('ann', 1)));
    await world.run('links');
    const imported = await world.cli(['import-keys', '/etc/hostname', '--job', 'links', '--json']);
    expect([imported.code, imported.stderr]).toEqual([2, expect.stringContaining('nothing needs to be imported')]);
    const verified = await world.cli(['verify-dedupe', 'links']);
    expect([verified.code, verified.stderr]).toEqual([2, expect.stringContaining('nothing needs to be verified')]);
  });
});
