import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

describe('a destination that repeats personal data in its answers', () => {
  let world: World;
  afterEach(() => world.close());

  it('brings none of it into the ledger, the log, the reports or the status', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { maxAttempts: 1 } });
    world.drop('a.csv', csv(rows('A', 4)));
    const echo = (status: number) => (body: string) => {
      const { email } = JSON.parse(body).data;
      const message = `The value ${email} of "email" and the number +1 (212) 555-0150 are not known`;
      return {
        kind: 'status' as const,
        status,
        body: JSON.stringify({ code: 'invalid_value', message, unique_id: 'u-1' }),
      };
    };
    world.extole.setFaults(({ body }) => {
      if (body.includes('"A-0001"')) return echo(400)(body);
      if (body.includes('"A-0002"')) return echo(500)(body);
      if (body.includes('"A-0003"')) return echo(408)(body);
      return undefined;
    });
    const first = await world.run('feed');
    world.extole.setFaults(({ body }) => echo(403)(body));
    const second = await world.run('feed');
    const status = await world.cli(['status']);
    const explained = await world.cli(['explain', 'A-0001']);
    expect(fates(readResults(world.read('results/a.csv.results.csv')))).toEqual([
      '2 rejected invalid_value',
      '3 held UNKNOWN_DELIVERY',
      '4 failed HTTP_408',
      '5 delivered',
    ]);
    expect(second.run.halted?.reason).toContain('of "email" and the number');

    new Database(world.ledger).pragma('wal_checkpoint(TRUNCATE)');
    const seen = {
      ledger: readFileSync(world.ledger, 'latin1'),
      log: first.stderr + second.stderr,
      answers: first.stdout + second.stdout,
      status: status.stdout,
      explain: explained.stdout,
      reports: world
        .files('reports')
        .map((name) => readFileSync(join(world.served, 'reports', name), 'utf8'))
        .join(),
    };
    for (const [where, text] of Object.entries(seen)) {
      expect(text, where).not.toContain('@private.example');
      expect(text, where).not.toContain('555-0150');
    }
  });
});
