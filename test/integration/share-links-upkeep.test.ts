import { mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, people } from './support/links-job.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const exportsTo = (folder: string, fileName: string) => ({
  ...{ format: 'plain-csv', name: folder, fileName, columns: { email: '{email}', link: '{link}' } },
  to: { url: `file://${world.served}/${folder}/deep` },
});
const waiting = (): string => join(world.state, 'staging', 'exports');

/** Everything below a folder, as one text. */
function allBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

describe('upkeep of share links', { timeout: 300_000 }, () => {
  beforeEach(async () => {
    // The second outbox cannot be reached, so that its export waits on this machine.
    mkdirSync(join(world.served, 'there'));
    linksJob(world, 'links', { exports: [exportsTo('there', 'a.csv'), exportsTo('away', 'b.csv')] });
    world.drop('c.csv', customers(...people('ann', 3)));
    expect((await world.run('links')).code).toBe(4);
  });

  it('who is forgotten is in no export that waits, and in none that is made later; what others have is named', async () => {
    expect(allBelow(waiting())).toContain('ann1@example.com');
    expect((await world.cli(['status'])).stdout).toContain('links: the export away stopped: NO_SUCH_FOLDER');
    const { code, stdout, stderr } = await world.cli(['forget', 'ann1@example.com', '--yes', '--json']);
    expect([0, 3], stderr).toContain(code);
    expect(stdout).toContain(join(world.served, 'there', 'deep', 'a.csv'));
    expect(allBelow(waiting()), stdout).not.toContain('ann1@example.com');
    expect(ledgerLinks(world).map(({ email }) => email)).toEqual(['ann0@example.com', 'ann2@example.com']);
    mkdirSync(join(world.served, 'away'));
    const { run } = await world.run('links');
    expect(run).toMatchObject({ exports: [{ target: 'away', rows: 2, state: 'published' }] });
    expect(allBelow(join(world.served, 'away'))).not.toContain('ann1@example.com');
  });

  it('prune leaves what waits for its outbox, and takes what nobody waits for', async () => {
    const stray = join(waiting(), 'gone.target');
    mkdirSync(stray);
    for (const name of readdirSync(waiting())) utimesSync(join(waiting(), name), 1_700_000_000, 1_700_000_000);
    expect((await world.cli(['prune'])).code).toBe(0);
    expect(readdirSync(waiting())).toEqual(['links.away']);
  });
});
