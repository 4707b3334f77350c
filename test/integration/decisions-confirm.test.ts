import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CliProcess } from './support/e2e-cli.ts';
import { startDaemon } from './support/e2e-daemon.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const WHY = ['--reason', 'My Extole says 3 of 3', '--by', 'ann'];

describe('confirm: what was uploaded by hand', { timeout: 90_000 }, () => {
  let world: World;
  let daemon: CliProcess | undefined;
  let folder = '';
  beforeEach(async () => {
    world = await openWorld();
    folder = join(world.root, 'by-hand');
    mkdirSync(folder);
    world.job('feed', { destination: { extole: { lane: 'folder', folder: { path: folder } } } });
    world.drop('a.csv', csv(rows('A', 3)));
    expect((await world.run('feed')).run).toMatchObject({ held: 3 });
  });
  afterEach(async () => {
    daemon?.kill('SIGKILL');
    await daemon?.done;
    daemon = undefined;
    await world.close();
  });
  const results = (name: string) => readResults(world.read(`results/${name}`));

  it('counts as delivered because a person says so, through the daemon; a second time changes nothing', async () => {
    daemon = await startDaemon(world);
    const held = await world.cli(['held']);
    expect(held.stdout).toContain('referry confirm p1');
    expect((await world.cli(['confirm', 'a.csv', '--dry-run', '--json'])).json()).toMatchObject({ rows: 3 });
    const { code, stdout, stderr } = await world.cli(['confirm', 'a.csv', ...WHY, '--json']);
    expect(code, stdout + stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 3, run: { carriedIn: 3, delivered: 3, balanced: true } });
    expect(fates(results('a.csv.results.r2.csv'))).toEqual(rows('A', 3).map((_, i) => `${i + 2} delivered`));
    expect((await world.cli(['explain', 'A-0001'])).stdout).toContain('confirmed by ann');
    const again = await world.cli(['confirm', 'a.csv', ...WHY]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('nothing was done')]);
    expect(world.requests()).toEqual([]);
  });

  it('or row by row, by the results file that was downloaded', async () => {
    const [uploaded = ''] = readdirSync(folder);
    const stem = uploaded.replace('.csv', '');
    const [header, ...sent] = readFileSync(join(folder, uploaded), 'utf8').trimEnd().split('\n');
    const told = sent.map((line, i) => (i === 1 ? `failure,event_blocked: not today,${line}` : `success,,${line}`));
    const path = join(world.root, `${stem}-results.csv`);
    writeFileSync(path, 'no results');
    const bad = await world.cli(['confirm', 'p1', '--results', path, ...WHY]);
    expect([bad.code, bad.stderr]).toEqual([4, expect.stringContaining('RESULTS_UNREADABLE')]);
    expect((await world.cli(['explain', 'A-0001'])).stdout).not.toContain('confirmed by');
    writeFileSync(path, `${[`status,message,${header}`, ...told].join('\n')}\n`);
    const { code, stdout, stderr } = await world.cli(['confirm', 'p1', '--results', path, ...WHY, '--json']);
    expect(code, stdout + stderr).toBe(0);
    expect(fates(results('a.csv.results.r2.csv'))).toEqual(['2 delivered', '3 rejected event_blocked', '4 delivered']);
  });

  it('by a process that dies once the answers are in the ledger: the next run publishes what they say', async () => {
    const [uploaded = ''] = readdirSync(folder);
    const [header, ...sent] = readFileSync(join(folder, uploaded), 'utf8').trimEnd().split('\n');
    const path = join(world.root, uploaded.replace('.csv', '-results.csv'));
    for (const [n, died] of [sent.slice(0, 2), sent].entries()) {
      writeFileSync(path, `${[`status,message,${header}`, ...died.map((line) => `success,,${line}`)].join('\n')}\n`);
      const end = await world.cli(['confirm', 'p1', '--results', path, ...WHY], { REFERRY_CRASH_AT: 'results-read' });
      expect(end.signal, end.stderr).toBe('SIGKILL');
      const { run } = await world.run('feed');
      expect(run).toMatchObject({ delivered: n === 0 ? 2 : 1, balanced: true });
      const told = fates(results(`a.csv.results.r${n + 2}.csv`));
      expect(told.filter((line) => line.endsWith('delivered'))).toHaveLength(died.length);
    }
    expect((await world.cli(['held', '--json'])).stdout).not.toContain('AWAITS_UPLOAD');
    await world.run('feed');
    expect(world.files('results')).toHaveLength(3);
  });
});
