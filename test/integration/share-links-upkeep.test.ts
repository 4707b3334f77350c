import { mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLedgerForReading } from '../../src/ledger/open.ts';
import { stuckTargets } from '../../src/ledger/target-states.ts';
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

  it('who is forgotten leaves no link in the proof of a row, also where the ledger has another link of theirs by now, or none', async () => {
    world.drop('d.csv', customers('bo@example.com,bo-1,Bo,Lee', 'dee@example.com,dee-1,Dee,Lee'));
    expect((await world.run('links')).code).toBe(4);
    const db = new Database(world.ledger);
    const proofs = (): string[] =>
      db
        .prepare<[], { link: string }>("SELECT event_id AS link FROM deliveries WHERE proof = 'link' ORDER BY id")
        .all()
        .map(({ link }) => link);
    const before = proofs();
    expect([before.length, before.every((link) => link.startsWith('http'))]).toEqual([5, true]);
    // A webhook changed one, time took another, a third one has the address in it, and a fourth row had the id alone.
    db.exec(`UPDATE links SET link = 'https://a.example/new' WHERE person = 'ann1@example.com';
      DELETE FROM links WHERE person IN ('ann0@example.com', 'bo@example.com');
      UPDATE links SET link = 'https://a.example/newer' WHERE person = 'ann2@example.com';
      UPDATE deliveries SET key = 'ann-2' WHERE key = 'ann2@example.com'`);
    const trigger = db
      .prepare<[], { sql: string }>("SELECT sql FROM sqlite_master WHERE name = 'delivered_is_final'")
      .get();
    db.exec('DROP TRIGGER delivered_is_final');
    db.exec("UPDATE deliveries SET event_id = 'https://a.example/ann0@example.com' WHERE key = 'ann0@example.com'");
    db.exec(trigger?.sql ?? 'no trigger');
    const forget = async (who: string): Promise<string> => {
      const { code, stdout, stderr } = await world.cli(['forget', who, '--yes', '--json']);
      expect([0, 3], stderr).toContain(code);
      return stdout;
    };
    await forget('ann1@example.com');
    expect(proofs()).toEqual(['https://a.example/ann0@example.com', '', ...before.slice(2)]);
    await forget('bo@example.com');
    expect(proofs()).toEqual(['https://a.example/ann0@example.com', '', before[2], '', ...before.slice(4)]);
    const planned = (await world.cli(['forget', 'ann0@example.com', '--json'])).json();
    expect(JSON.parse(await forget('ann0@example.com'))).toMatchObject({ ledger: planned.ledger });
    await forget('ann2@example.com');
    expect(proofs()).toEqual(['', '', '', '', before[4]]);
    db.close();
  });

  it('a target that the job names no more is no matter any more, but for an export that a person has to let go', async () => {
    const stuck = async (...exports: string[]): Promise<string[]> => {
      const ledger = await openLedgerForReading(world.ledger);
      if (!ledger) throw new Error('there is no ledger');
      try {
        return stuckTargets(ledger, 'links', { exports, pushes: [] }).map(({ target }) => target);
      } finally {
        await ledger.close();
      }
    };
    expect([await stuck('there', 'away'), await stuck('there')]).toEqual([['away'], []]);
    const attention = async (): Promise<unknown> => (await world.cli(['status', '--json'])).json().attention;
    expect(await attention()).toEqual(['links: the export away stopped: NO_SUCH_FOLDER']);
    linksJob(world, 'links', { exports: [exportsTo('there', 'a.csv')] });
    expect(await attention()).toEqual([]);
    const db = new Database(world.ledger);
    db.exec("UPDATE exports SET state = 'held', code = 'EXPORT_SHRINKS' WHERE target = 'away'");
    db.close();
    expect(await attention()).toEqual(['links: the export away is held (EXPORT_SHRINKS): referry held links']);
  });

  it('prune leaves what waits for its outbox, and takes what nobody waits for', async () => {
    const stray = join(waiting(), 'gone.target');
    mkdirSync(stray);
    for (const name of readdirSync(waiting())) utimesSync(join(waiting(), name), 1_700_000_000, 1_700_000_000);
    expect((await world.cli(['prune'])).code).toBe(0);
    expect(readdirSync(waiting())).toEqual(['links.away']);
  });
});
