import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from './support/e2e-world.ts';

let world: World;
afterEach(() => world.close());

const job = (change: object = {}): void => world.job('feed', { delivery: PATIENT, ...change });

const hashOf = (kind: 'md5' | 'sha256', contents: string | Buffer): string =>
  createHash(kind).update(contents).digest('hex');

/** Names of a folder without the time and hash that an archived file gets. */
const unstamped = (folder: string) =>
  world.files(folder).map((name) => name.replace(/\.\d{8}T\d{6}Z\.[0-9a-f]{8}$/, ''));

describe('a manifest beside a file', () => {
  it('I33: states the checksum of the file as it arrived; both go to the archive, and it is never input', async () => {
    world = await openWorld({ remote: 'sftp' });
    job({ source: { match: '*', manifest: { name: '{name}.sha256', kind: 'sha256', wait: '0s' } } });
    const good = gzipSync(csv(rows('A', 3)));
    const bad = csv(rows('B', 3));
    world.drop('good.csv.gz', good, 90);
    world.drop('good.csv.gz.sha256', `${hashOf('sha256', good)}  good.csv.gz\n`, 90);
    world.drop('bad.csv', bad, 80);
    world.drop('bad.csv.sha256', `${hashOf('sha256', `${bad}x`).toUpperCase()} *bad.csv\n`, 80);
    world.drop('odd.csv', csv(rows('C', 3)), 70);
    world.drop('odd.csv.sha256', 'no checksum at all\n', 70);
    const { run } = await world.run('feed');
    expect(run.files.map(({ path, state, code, delivered }) => [path, state, code, delivered])).toEqual([
      ['good.csv.gz', 'processed', undefined, 3],
      ['bad.csv', 'refused', 'MANIFEST_MISMATCH', 0],
      ['odd.csv', 'refused', 'MANIFEST_INVALID', 0],
    ]);
    const told = world.read('results/bad.csv.results.csv').toString();
    expect(told).toContain(hashOf('sha256', bad));
    expect(told).toContain(hashOf('sha256', `${bad}x`));
    expect(world.requests()).toHaveLength(3);
    expect(unstamped('archive')).toEqual(['good.csv.gz', 'good.csv.gz.sha256']);
    expect(world.files('refused')).toHaveLength(4);
    expect(world.files('inbox')).toEqual([]);
    expect(world.files('processing')).toEqual([]);
  });

  it.each(['staged', 'archived'] as const)(
    'processed again, a file is compared with the checksum that came with it (%s)',
    async (kept) => {
      world = await openWorld({ remote: 'sftp' });
      const manifest = { name: '{name}.sha256', kind: 'sha256', wait: '0s' };
      job({ source: { manifest } });
      const whole = csv(rows('A', 4));
      world.drop('a.csv', csv(rows('A', 3)));
      world.drop('a.csv.sha256', hashOf('sha256', whole));
      world.drop('b.csv', csv(rows('B', 3)), 50);
      world.drop('b.csv.sha256', hashOf('sha256', csv(rows('B', 3))), 50);
      const { run } = await world.run('feed');
      expect(run.files.map(({ code, delivered }) => [code, delivered])).toEqual([
        ['MANIFEST_MISMATCH', 0],
        [undefined, 3],
      ]);
      if (kept === 'archived') rmSync(join(world.state, 'staging'), { recursive: true });
      // The job has changed, the file has not.
      job({ source: { manifest }, file: { maxRejected: 0.4 } });
      const again = (file: string) => world.cli(['reprocess', file, '--by', 'eve', '--reason', 'again', '--json']);
      const refused = await again('p1');
      expect(refused.json(), refused.stderr).toMatchObject({
        run: { files: [{ code: 'MANIFEST_MISMATCH' }], delivered: 0 },
      });
      expect(world.requests()).toHaveLength(3);
      const same = await again('p2');
      expect(same.json(), same.stderr).toMatchObject({ run: { files: [{ duplicate: 3 }], balanced: true } });
    },
  );

  it('a control file states rows and sums; a difference refuses the file with both numbers', async () => {
    world = await openWorld();
    const control = { format: 'key-value', count: 'ROWS', sums: { amount: 'TOTAL' } };
    job({ source: { manifest: { name: '{stem}.ctl', kind: 'control', wait: '0s', control } } });
    const list = rows('A', 4);
    const total = list.reduce((sum, { amount }) => sum + Math.round(Number(amount) * 100), 0);
    const money = (cents: number): string => (cents / 100).toFixed(2);
    const drop = (name: string, ctl: string, age: number): void => {
      world.drop(`${name}.csv`, csv(list).replaceAll('A-', `${name.toUpperCase()}-`), age);
      world.drop(`${name}.ctl`, ctl, age);
    };
    drop('right', `FILE=right.csv\nrows = 4\ntotal: ${money(total)}\n`, 90);
    drop('count', `ROWS=5\nTOTAL=${money(total)}\n`, 80);
    drop('sum', `ROWS=4\nTOTAL=${money(total + 1)}\n`, 70);
    drop('none', `ROWS=4\n`, 60);
    const { run } = await world.run('feed');
    expect(run.files.map(({ path, code, delivered }) => [path, code, delivered])).toEqual([
      ['right.csv', undefined, 4],
      ['count.csv', 'MANIFEST_MISMATCH', 0],
      ['sum.csv', 'MANIFEST_MISMATCH', 0],
      ['none.csv', 'MANIFEST_INVALID', 0],
    ]);
    expect(world.read('results/count.csv.results.csv').toString()).toMatch(/says 5 rows, the file has 4/);
    expect(world.read('results/sum.csv.results.csv').toString()).toContain(`${money(total + 1)} for the sum of amount`);
    expect(world.read('results/sum.csv.results.csv').toString()).toContain(`add up to ${money(total)}`);
  });

  it('is waited for; then the file is held, refused or processed, as the job says; with its manifest it goes', async () => {
    world = await openWorld();
    const manifest = { name: '{name}.md5', kind: 'md5', wait: '1h' };
    job({ source: { manifest } });
    world.drop('a.csv', csv(rows('A', 2)), 90);
    world.drop('sure.csv', csv(rows('S', 2)), 80);
    const { run: waiting } = await world.run('feed');
    expect(waiting.seen.files).toBe(0);
    expect(waiting.notices).toMatchObject([
      { code: 'MANIFEST_AWAITED', message: expect.stringContaining('a.csv.md5') },
      { code: 'MANIFEST_AWAITED', message: expect.stringContaining('sure.csv.md5') },
    ]);
    expect(world.files('inbox')).toEqual(['a.csv', 'sure.csv']);

    job({ source: { manifest: { ...manifest, wait: '0s' } } });
    const { code, run: held } = await world.run('feed');
    expect(held.files).toMatchObject([
      { path: 'a.csv', state: 'held', code: 'MANIFEST_MISSING', held: 2 },
      { path: 'sure.csv', state: 'held', code: 'MANIFEST_MISSING' },
    ]);
    expect(code).toBe(3);
    expect(world.requests()).toEqual([]);

    world.drop('a.csv', csv(rows('A', 2)));
    world.drop('a.csv.md5', hashOf('md5', csv(rows('A', 2))));
    const { run: whole } = await world.run('feed');
    expect(whole.files).toMatchObject([{ path: 'a.csv', state: 'processed', delivered: 2 }]);

    // Or a person says that the file is whole.
    const release = await world.cli(['release', 'sure.csv', '--reason', 'the partner told us the sum', '--json']);
    expect(release.code, release.stderr).toBe(0);
    expect(world.requests().map(({ body }) => body.data.partner_conversion_id)).toEqual(
      [...rows('A', 2), ...rows('S', 2)].map(({ id }) => id),
    );

    job({ source: { manifest: { ...manifest, wait: '0s', onMissing: 'refuse' } } });
    world.drop('b.csv', csv(rows('B', 2)));
    expect((await world.run('feed')).run.files).toMatchObject([{ state: 'refused', code: 'MANIFEST_MISSING' }]);
    job({ source: { manifest: { ...manifest, wait: '0s', onMissing: 'process' } } });
    world.drop('c.csv', csv(rows('C', 2)));
    expect((await world.run('feed')).run.files).toMatchObject([{ state: 'processed', delivered: 2 }]);
  });

  it('survives a death at each step, and is compared all the same', async () => {
    world = await openWorld();
    job({ source: { manifest: { name: '{name}.md5', kind: 'md5', wait: '1h', onMissing: 'refuse' } } });
    const text = csv(rows('A', 2));
    world.drop('a.csv', text);
    world.drop('a.csv.md5', `${hashOf('md5', text)}  a.csv\n`);
    for (const point of ['taking:1', 'taken:1', 'staged:1', 'archived:1'])
      expect((await world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: point })).signal, point).toBe('SIGKILL');
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ delivered: 2, balanced: true });
    expect(unstamped('archive')).toEqual(['a.csv', 'a.csv.md5']);
    expect(world.files('inbox')).toEqual([]);
    expect(world.files('processing')).toEqual([]);
    expect(fates(readResults(world.read('results/a.csv.results.csv')))).toEqual(['2 delivered', '3 delivered']);
  });

  it('a dry run and a file given by hand look for it as well; a marker is used up with its file', async () => {
    world = await openWorld();
    job({
      source: { manifest: { name: '{name}.md5', kind: 'md5', wait: '0s' }, stable: { marker: '{name}.done' } },
    });
    const text = csv(rows('A', 2));
    world.drop('a.csv', text);
    world.drop('a.csv.md5', hashOf('md5', `${text}x`));
    world.drop('a.csv.done', '');
    const dry = await world.cli(['run', 'feed', '--dry-run', '--json']);
    expect(dry.json()).toMatchObject({ files: [{ name: 'a.csv', refused: { code: 'MANIFEST_MISMATCH' } }] });
    expect((await world.run('feed')).run.files).toMatchObject([{ code: 'MANIFEST_MISMATCH' }]);
    expect(world.files('inbox')).toEqual([]);
    expect(unstamped('refused')).toEqual(['a.csv', 'a.csv.done', 'a.csv.md5']);

    const path = join(world.root, 'by-hand.csv');
    writeFileSync(path, text);
    writeFileSync(`${path}.md5`, hashOf('md5', 'other'));
    const byHand = await world.cli(['run', 'feed', '--file', path, '--json']);
    expect(byHand.json()).toMatchObject({ files: [{ path: 'by-hand.csv', code: 'MANIFEST_MISMATCH' }] });
  });
});
