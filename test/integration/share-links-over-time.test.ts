import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readResults } from './support/e2e-results.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, linksPerPerson, people } from './support/links-job.ts';
import { readReceived } from './support/received.ts';

const DAY = 86_400_000;

describe('the ledger of links over time', { timeout: 300_000 }, () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    linksJob(world, 'links');
  });
  afterEach(() => world.close());

  const change = (sql: string, ...values: (string | number)[]): void => {
    const db = new Database(world.ledger);
    db.prepare(sql).run(...values);
    db.close();
  };
  const eventIds = (): unknown[] => {
    const db = new Database(world.ledger, { readonly: true });
    const ids = db.prepare('SELECT event_id FROM deliveries ORDER BY id').pluck().all();
    db.close();
    return ids;
  };

  /** Requests as the stand-in's log has them. */
  const paths = (): string[] => {
    world.extole.flush();
    return readReceived<unknown>(join(world.root, 'received.jsonl')).map(({ path }) => path);
  };

  it('forget removes a person with the link, also from the rows that got it, and from the ledger as a file', async () => {
    linksJob(world, 'links', { links: { code: { template: '{first_name}{last}' } } });
    world.drop('c.csv', customers('ann@example.com,7,Ann,Lee', 'bo@example.com,8,Bo,Ray'));
    expect((await world.run('links')).code).toBe(0);
    expect(ledgerLinks(world).map(({ code }) => code)).toEqual(['AnnLee', 'BoRay']);
    const tried = await world.cli(['forget', 'ann@example.com', '--json']);
    expect(tried.code, tried.stderr).toBe(0);
    expect(ledgerLinks(world)).toHaveLength(2);
    const { code, stderr, stdout } = await world.cli(['forget', 'ann@example.com', '--yes', '--json']);
    expect(code, stderr + stdout).toBe(0);
    expect(ledgerLinks(world).map(({ person }) => person)).toEqual(['bo@example.com']);
    expect(eventIds()).toEqual(['', expect.stringContaining('BoRay')]);
    for (const name of readdirSync(world.state).filter((file) => file.startsWith('ledger.sqlite'))) {
      const bytes = readFileSync(join(world.state, name));
      expect([name, bytes.includes('AnnLee'), bytes.includes('ann@example.com')]).toEqual([name, false, false]);
    }
    // The same customers again bring nobody back.
    world.drop('again.csv', customers('ann@example.com,7,Ann,Lee', 'bo@example.com,8,Bo,Ray'));
    await world.run('links');
    expect(ledgerLinks(world)).toHaveLength(1);
  });

  it('prune removes links of people of whom nothing was heard for as long as the jobs say, and no others', async () => {
    linksJob(world, 'links', { retention: { days: 1, keys: '2d', links: '3d' } });
    world.drop('a.csv', customers(...people('ann', 3)));
    await world.run('links');
    const long = Date.now() - 4 * DAY;
    change("UPDATE links SET seen_at = ? WHERE person LIKE 'ann1%'", long);
    const dry = await world.cli(['prune', '--dry-run', '--json']);
    expect(dry.json()).toMatchObject({ links: 1 });
    const { json, code, stderr } = await world.cli(['prune', '--json']);
    expect(code, stderr).toBe(0);
    expect(json()).toMatchObject({ links: 1 });
    expect(ledgerLinks(world).map(({ email }) => email)).toEqual(['ann0@example.com', 'ann2@example.com']);
    linksJob(world, 'links', { links: { label: 'other' } });
    change('UPDATE links SET seen_at = ?', long);
    const kept = await world.cli(['prune', '--json']);
    expect(kept.stdout).toContain('label refer-a-friend: no job makes them any more');
    expect(ledgerLinks(world)).toHaveLength(2);
  });

  it('after a restore, links are read out of the results, and whoever is in none is asked for again: nobody gets a second one', async () => {
    world.drop('a.csv', customers(...people('ann', 3)));
    await world.run('links');
    const made = await world.cli(['backup', '--to', join(world.root, 'b'), '--json']);
    expect(made.code, made.stderr).toBe(0);
    world.drop('b.csv', customers(...people('bo', 4)));
    await world.run('links');
    // One whose results never came to be.
    world.drop('c.csv', customers(...people('cy', 5)));
    const died = await world.cli(['run', 'links'], { REFERRY_CRASH_AT: 'link-kept:3' });
    expect(died.signal).toBe('SIGKILL');
    const before = paths().length;
    for (const part of ['', '-wal', '-shm']) rmSync(world.ledger + part, { force: true });
    const restored = await world.cli(['restore', String(made.json().path)]);
    expect(restored.code, restored.stderr).toBe(0);
    const { code, stderr } = await world.run('links');
    expect(code, stderr).toBe(0);
    expect(ledgerLinks(world)).toHaveLength(12);
    expect([...linksPerPerson(world).values()]).toEqual(new Array(12).fill(1));
    for (const [name, count] of [
      ['b.csv', 4],
      ['c.csv', 5],
    ] as const) {
      const lines = readResults(world.read(`results/${name}.results.csv`));
      expect(lines.map(({ outcome }) => outcome)).toEqual(new Array(count).fill('delivered'));
    }
    const links = new Map(ledgerLinks(world).map(({ email, link }) => [email, link]));
    for (const { input, eventId } of readResults(world.read('results/b.csv.results.csv')))
      expect(links.get(input.split(',')[0] ?? '')).toBe(eventId);
    // Those of b.csv were not asked for again: their results say it all.
    const asked = paths().slice(before);
    expect(asked.some((path) => path.includes('cy0'))).toBe(true);
    expect(asked.some((path) => path.includes('bo0'))).toBe(false);
  });
});
