import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { fates } from './support/e2e-results.ts';
import { csv, HEADER, lineOf, row, rows } from './support/e2e-rows.ts';
import { type LaneWorld, openLaneWorld } from './support/lane-world.ts';

let lane: LaneWorld;

afterEach(async () => {
  await lane.world.close();
});

const aside = (): string[] => readdirSync(join(lane.world.root, 'by-hand')).sort();
const textOf = (name = ''): string => readFileSync(join(lane.world.root, 'by-hand', name), 'utf8');

describe('the lane folder', () => {
  it('puts a file aside, its rows held until a person has uploaded it, and sends nothing', async () => {
    lane = await openLaneWorld({ lane: 'folder' });
    const list = rows('A', 2);
    lane.world.drop('a.csv', csv([...list, row('A-0003', { email: 'not an address' })]));
    const { code, run } = await lane.world.run('feed');
    expect(code).toBe(3);
    expect(run).toMatchObject({ lane: 'folder', held: 2, rejected: 1, open: 0, balanced: true });
    expect(fates(lane.results())).toEqual(['2 held AWAITS_UPLOAD', '3 held AWAITS_UPLOAD', '4 rejected EMAIL_INVALID']);
    const [name, ...more] = aside();
    expect(more).toEqual([]);
    expect(textOf(name)).toBe(
      [
        'event_name,event_time,email,partner_user_id,partner_conversion_id,container,cart_value',
        ...list.map((r) => `account_opened,${r.at},${r.email},${r.member},${r.id},production,${r.amount}`),
        '',
      ].join('\n'),
    );
    // What is held owns its key: the same rows in another file are duplicates, and nothing is put aside for them.
    lane.world.drop('b.csv', csv([...list, row('B-0001')]));
    await lane.world.run('feed');
    expect(fates(lane.results('b.csv.results.csv'))).toEqual([
      '2 duplicate DUPLICATE',
      '3 duplicate DUPLICATE',
      '4 held AWAITS_UPLOAD',
    ]);
    expect(aside()).toHaveLength(2);
    expect(lane.world.taken()).toEqual([]);
  });

  it('a value with a quote goes in a file without quotes, unaltered; one that no file can carry is refused by name', async () => {
    lane = await openLaneWorld({
      lane: 'folder',
      job: {
        event: { name: 'account_opened', key: 'id', time: 'at', data: { email: 'email', nickname: 'nick' } },
      },
    });
    const line = (id: string, nick: string): string => `${lineOf(row(id))},${nick}`;
    lane.world.drop('a.csv', csv([line('A-1', '"Robert ""Bob"" \\ Smith"'), line('A-2', 'a b')], `${HEADER},nick`));
    lane.world.drop('b.csv', csv([line('B-1', '"7"" | 8"'), line('B-2', '"x, y"')], `${HEADER},nick`), 30);
    await lane.world.run('feed');
    const [, b] = [lane.results(), lane.results('b.csv.results.csv')];
    const [first = '', second = ''] = aside();
    expect([first, second].map((name) => name.slice(-3))).toEqual(expect.arrayContaining(['psv', 'csv']));
    const psv = textOf(first.endsWith('psv') ? first : second);
    expect(psv.split('\n')[1]).toMatch(/\|Robert "Bob" \\ Smith$/);
    expect(fates(b)).toEqual(['2 rejected NOT_WRITABLE', '3 held AWAITS_UPLOAD']);
    expect(b[0]?.reason).toMatch(/^field "nickname": the value holds a quote/);
    expect(b[0]?.reason).not.toMatch(/7/);
    expect(textOf(first.endsWith('csv') ? first : second).split('\n')[1]).toMatch(/,"x, y"$/);
  });

  it('after a crash at any place there is one file, the same, and every row is held once', async () => {
    lane = await openLaneWorld({ lane: 'folder' });
    lane.world.drop('a.csv', csv(rows('A', 5)));
    for (const point of ['upload-named', 'committed', 'upload-written', 'upload-planned', 'uploaded']) {
      const { signal } = await lane.world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: point });
      expect(signal, point).toBe('SIGKILL');
    }
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ held: 5, balanced: true });
    expect(aside()).toHaveLength(1);
    const db = new Database(lane.world.ledger, { readonly: true });
    const uploads = db.prepare('SELECT state, "rows" FROM uploads').all();
    const attempts = db.prepare('SELECT DISTINCT attempts, state FROM deliveries').all();
    db.close();
    expect(uploads).toEqual([{ state: 'uploaded', rows: 5 }]);
    expect(attempts).toEqual([{ attempts: 1, state: 'held' }]);
  });

  it('what a person confirms of a file whose input could not be archived yet is in its results', async () => {
    lane = await openLaneWorld({ lane: 'folder' });
    lane.world.drop('a.csv', csv(rows('A', 2)));
    // As where the server does not rename: the results are out, and the file is not closed.
    const { signal } = await lane.world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: 'archived' });
    expect(signal).toBe('SIGKILL');
    const confirmed = await lane.world.cli(['confirm', 'a.csv', '--reason', 'My Extole has them all', '--json']);
    expect([0, 3], confirmed.stderr).toContain(confirmed.code);
    await lane.world.run('feed');
    const newest = lane.world.files('results').sort().at(-1);
    expect(fates(lane.results(newest))).toEqual(['2 delivered', '3 delivered']);
    expect((await lane.world.cli(['status', '--json'])).code).toBe(0);
  });
});
