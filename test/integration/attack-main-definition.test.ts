import { afterEach, describe, expect, it } from 'vitest';
import { AT, csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

describe('rows that were delivered under an older definition of the job', () => {
  let world: World;
  afterEach(() => world.close());

  /** The same facts, with one more field in each event. */
  const more = { event: { data: { source: { const: 'branch' } } } };

  it('are compared under that one, also by what a JSON file shows late', async () => {
    world = await openWorld();
    const delivery = { timeout: { headers: '20s', total: '30s' } };
    const json = { delivery, source: { match: '*.jsonl' }, event: { data: { phone: { from: 'phone' } } } };
    world.job('feed', json);
    const facts = rows('A', 600).map((each, i) => ({
      ...each,
      unused: 'x'.repeat(1000),
      ...(i === 599 ? { phone: '+12125550150' } : {}),
    }));
    const jsonl = (list: object[]) => `${list.map((each) => JSON.stringify(each)).join('\n')}\n`;
    world.drop('a.jsonl', jsonl(facts));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 600 });

    // The job no longer wants the column, and learns of it only when it comes by.
    world.job('feed', { ...json, ...more });
    world.drop('b.jsonl', jsonl([...facts, row('B-1')]));
    expect((await world.run('feed')).run).toMatchObject({ duplicate: 600, conflict: 0, delivered: 1 });
  });

  it('are told by a dry run as a run would judge them', async () => {
    world = await openWorld();
    world.job('feed');
    world.drop('a.csv', csv(rows('A', 5)));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 5 });
    world.job('feed', more);
    const next = [...rows('A', 4), row('A-0005', { amount: '9.99' }), row('C-1', { at: AT }), 'torn'];
    world.drop('b.csv', csv(next));
    const dry = await world.cli(['run', 'feed', '--dry-run', '--json']);
    const told = { duplicate: 4, conflict: 1, rejected: 1, read: 7 };
    expect(dry.json()).toMatchObject({ files: [{ ...told, wouldSend: 1 }] });
    expect((await world.run('feed')).run).toMatchObject({ ...told, delivered: 1 });
  });
});
