import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, linksPerPerson, people } from './support/links-job.ts';

describe('a run that makes share links and dies', { timeout: 300_000 }, () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    linksJob(world, 'links');
  });
  afterEach(() => world.close());

  const wholeFor = (name: string, count: number): void => {
    const lines = readResults(world.read(`results/${name}.results.csv`));
    expect(fates(lines).every((fate) => fate.endsWith(' delivered'))).toBe(true);
    expect(lines).toHaveLength(count);
    const links = ledgerLinks(world);
    expect(links).toHaveLength(count);
    expect([...linksPerPerson(world).values()]).toEqual(new Array(count).fill(1));
    const atExtole = world.extole.links.shareables.map(({ code }) => code).sort();
    expect(links.map(({ code }) => code).sort()).toEqual(atExtole);
    expect(lines.map(({ eventId }) => eventId).sort()).toEqual(links.map(({ link }) => link).sort());
  };

  it('at one place after the other: the next run finds the links that are there, and nobody gets a second one', async () => {
    world.drop('c.csv', customers(...people('ann', 60)));
    for (const point of ['link-made:1', 'link-made:7', 'link-kept:1', 'link-kept:9', 'committed:1', 'committed:2']) {
      const { signal, stderr } = await world.cli(['run', 'links', '--json'], { REFERRY_CRASH_AT: point });
      expect(signal, `${point}: ${stderr}`).toBe('SIGKILL');
    }
    const { code, stderr } = await world.run('links');
    expect(code, stderr).toBe(0);
    wholeFor('c.csv', 60);
    // Each death with a link that Extole had made, and we had not kept, leaves one to be found.
    const adopted = ledgerLinks(world).filter((link) => link.came_by === 'adopted');
    expect(adopted.length).toBeGreaterThanOrEqual(2);
  });

  it('answers that are lost after Extole made the person or the link lead to one link each', async () => {
    world.extole.links.fail('resetpost', '500post', 'cut-body', 'resetpost', '500post', 'badjson-post');
    world.drop('c.csv', customers(...people('ann', 8)));
    const { code, stderr } = await world.run('links');
    expect(code, stderr).toBe(0);
    wholeFor('c.csv', 8);
  });

  it('stopped in the middle, it says what is open and goes on from there', async () => {
    linksJob(world, 'links', { destination: { extole: { requestsPerMinute: 600 } } });
    world.drop('c.csv', customers(...people('ann', 60)));
    const going = world.start(['run', 'links', '--json']);
    while (world.extole.links.shareables.length < 5) await new Promise((resolve) => setTimeout(resolve, 20));
    going.kill('SIGTERM');
    const { code } = await going.done;
    expect(code).toBe(130);
    const made = world.extole.links.shareables.length;
    expect(made).toBeLessThan(60);
    linksJob(world, 'links');
    const { run } = await world.run('links');
    expect(run).toMatchObject({ delivered: 60, open: 0, balanced: true });
    wholeFor('c.csv', 60);
  });
});
