import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, dataOf, rows } from './support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from './support/e2e-world.ts';

let world: World;
afterEach(() => world.close());

const job = (change: object = {}): void => world.job('feed', { delivery: PATIENT, ...change });

/** `zip` as the other side; `undefined` where it is not installed. */
function zipper(): ((name: string, files: Record<string, string>, ...options: string[]) => Buffer) | undefined {
  if (spawnSync('zip', ['-v']).status !== 0) {
    if (process.env.REFERRY_REQUIRE_ALL === '1') throw new Error('zip is not installed, and REFERRY_REQUIRE_ALL=1');
    return undefined;
  }
  return (name, files, ...options) => {
    const path = join(world.root, name);
    for (const [each, text] of Object.entries(files)) writeFileSync(join(world.root, each), text);
    execFileSync('zip', ['-q', ...options, path, ...Object.keys(files)], { cwd: world.root });
    return readFileSync(path);
  };
}

describe('zip archives', () => {
  it('with one file are unpacked; with more, a password or damage they are refused by name', async ({ skip }) => {
    world = await openWorld();
    const zip = zipper();
    if (!zip) return skip('zip is not installed');
    job({ source: { match: '*' } });
    const text = csv(rows('A', 5));
    const good = zip('good.zip', { 'whatever.csv': text });
    world.drop('good.csv.zip', good, 90);
    world.drop('again.csv', text, 80);
    world.drop('two.zip', zip('two.zip', { 'one.csv': text, 'two.csv': text }), 70);
    world.drop('locked.zip', zip('locked.zip', { 'l.csv': text }, '-P', 'secret'), 60);
    const damaged = Buffer.from(good);
    const middle = good.indexOf('whatever.csv') + 12 + 60;
    damaged[middle] = (damaged[middle] ?? 0) ^ 8;
    world.drop('damaged.zip', damaged, 50);
    world.drop('cut.zip', good.subarray(0, good.length - 10), 40);
    const { code, run } = await world.run('feed');
    expect(run.files.map(({ path, state, code: why, delivered }) => [path, state, why, delivered])).toEqual([
      ['good.csv.zip', 'processed', undefined, 5],
      ['again.csv', 'processed', undefined, 0],
      ['two.zip', 'refused', 'ZIP_ENTRIES', 0],
      ['locked.zip', 'refused', 'ZIP_ENCRYPTED', 0],
      ['damaged.zip', 'refused', 'ZIP_BROKEN', 0],
      ['cut.zip', 'refused', 'ZIP_BROKEN', 0],
    ]);
    expect(code).toBe(3);
    expect(run.duplicate).toBe(5);
    expect(world.requests().map(({ body }) => body.data)).toEqual(rows('A', 5).map(dataOf));
    expect(fates(readResults(world.read('results/good.csv.results.csv')))[0]).toBe('2 delivered');
    expect(world.read('results/two.results.csv').toString()).toContain('one.csv');
  });
});
