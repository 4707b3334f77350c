import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld } from '../integration/support/e2e-world.ts';

const POINTS = ['taking:1', 'taken:1', 'sealed:1', 'archived:1'];

describe('a process that dies while a file comes with a manifest, a marker and a running number', () => {
  it('C-intake: is continued by the next one: nothing of it is refused, held or left behind', async () => {
    const world = await openWorld({ remote: 'sftp' });
    world.job('feed', {
      source: { stable: { marker: '{name}.done' }, manifest: { name: '{name}.md5', kind: 'md5' } },
      file: { sequence: { pattern: '-(\\d+)\\.csv$', onGap: 'hold' } },
      delivery: { unknown: 'resend', maxAmbiguous: 100 },
    });
    for (const [i, point] of POINTS.entries()) {
      const name = `feed-${i + 1}.csv`;
      const text = csv(rows(`R${i + 1}`, 3));
      world.drop(name, text, 100);
      world.drop(`${name}.md5`, `${createHash('md5').update(text).digest('hex')}  ${name}\n`, 100);
      world.drop(`${name}.done`, '', 100);
      const end = await world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: point });
      expect(end.signal, `${point}: ${end.stderr}`).toBe('SIGKILL');
    }
    const { run } = await world.run('feed');
    expect(run.notices).toEqual([]);
    for (const i of POINTS.keys()) {
      const lines = readResults(world.read(`results/feed-${i + 1}.csv.results.csv`));
      expect(lines.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered']);
    }
    const db = new Database(world.ledger, { readonly: true });
    const numbers = db.prepare('SELECT number, state FROM sequences ORDER BY number').all();
    db.close();
    expect(numbers).toEqual(POINTS.map((_, i) => ({ number: i + 1, state: 'seen' })));
    expect([world.files('inbox'), world.files('processing'), world.files('refused')]).toEqual([[], [], []]);
    const archived = world.files('archive').map((name) => name.replace(/\.\d{8}T\d{6}Z\.[0-9a-f]{8}$/, ''));
    expect(archived.sort()).toEqual(
      POINTS.flatMap((_, i) => ['', '.done', '.md5'].map((ending) => `feed-${i + 1}.csv${ending}`)).sort(),
    );
    await world.close();
  }, 60_000);
});
