import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../integration/support/e2e-cli.ts';
import { backdateSchedule, startDaemon, timesTold } from '../integration/support/e2e-daemon.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { acknowledgedBy, expectNoneAgain, type Standing, standingOf } from './support/acknowledged.ts';

const run = promisify(execFile);
const DAY = 86_400_000;

describe('a process that dies of itself', { timeout: 120_000 }, () => {
  let world: World;
  afterEach(() => world.close());

  /** Code that is loaded before the program: a signal makes it fail where nobody catches. */
  const injected = (): { NODE_OPTIONS: string } => {
    const path = join(world.root, 'inject.mjs');
    writeFileSync(
      path,
      `process.on('SIGUSR2', () => { throw new Error('injected exception'); });
       process.on('SIGWINCH', () => { void Promise.reject(new Error('injected rejection')); });`,
    );
    return { NODE_OPTIONS: `--import=${path}` };
  };
  const expectThrough = (name: string, count: number, prefix: string): void => {
    const lines = readResults(world.read(`results/${name}.results.csv`));
    expect(fates(lines)).toEqual(rows(prefix, count).map((_, i) => `${i + 2} delivered`));
    const ids = world.requests().map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
  };

  it('C11: an exception or a rejection that nobody caught is told, ends the process with 70, and the next start converges', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' }, schedule: '0 3 * * *' });
    expect((await world.run('feed')).code).toBe(0);
    world.drop('a.csv', csv(rows('A', 200)));
    world.extole.setFaults(() => ({ kind: 'slow', ms: 100 }));
    let left: Standing | undefined;
    for (const [signal, what] of [
      ['SIGUSR2', 'injected exception'],
      ['SIGWINCH', 'injected rejection'],
    ] as const) {
      const before = acknowledgedBy(world);
      const child = world.start(['run', 'feed', '--json'], injected());
      await until('some answers', () => acknowledgedBy(world) > before);
      child.kill(signal);
      const end = await child.done;
      expect(end.code, end.stderr).toBe(70);
      expect(end.stderr).toContain(what);
      expect(end.stderr).toContain('what to do');
      expect(end.stdout).toBe('');
      if (left) expectNoneAgain(world, left);
      left = standingOf(world);
      expect(left.acknowledged.size).toBeGreaterThan(0);
    }
    backdateSchedule(world, 'feed', 2 * DAY);
    const daemon = world.start(['daemon'], injected());
    const before = world.requests().length;
    await until('some requests of the daemon', () => world.requests().length > before + 2);
    daemon.kill('SIGWINCH');
    expect((await daemon.done).code).toBe(70);
    if (left) expectNoneAgain(world, left);
    left = standingOf(world);

    world.extole.setFaults(undefined);
    const next = await startDaemon(world);
    await until('the run to end', () => timesTold(next, 'run ended') > 0);
    next.kill('SIGTERM');
    expect((await next.done).code).toBe(0);
    expectThrough('a.csv', 200, 'A');
    expectNoneAgain(world, left);
  });

  it('C09: a heap that is too small, or that fills up in the middle, ends the process as a kill does; the next run finishes exactly', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' } });
    world.drop('a.csv', csv(rows('A', 300)));
    const tooSmall = await world.cli(['run', 'feed', '--json'], { NODE_OPTIONS: '--max-old-space-size=16' });
    expect(tooSmall.signal, tooSmall.stdout).toBe('SIGABRT');

    const hog = join(world.root, 'hog.mjs');
    writeFileSync(
      hog,
      `const all = [];
       process.on('SIGUSR2', () => { for (;;) all.push(Array.from({ length: 10000 }, (_, i) => ({ i }))); });`,
    );
    world.extole.setFaults(() => ({ kind: 'slow', ms: 50 }));
    const full = world.start(['run', 'feed', '--json'], { NODE_OPTIONS: `--max-old-space-size=64 --import=${hog}` });
    await until('some answers', () => acknowledgedBy(world) > 0);
    full.kill('SIGUSR2');
    expect((await full.done).signal).toBe('SIGABRT');
    expect(world.files('results')).toEqual([]);

    const left = standingOf(world);
    expect(left.acknowledged.size).toBeGreaterThan(0);
    world.extole.setFaults(undefined);
    const last = await world.run('feed');
    expect(last.code, last.stderr).toBe(0);
    expectThrough('a.csv', 300, 'A');
    const again = expectNoneAgain(world, left).filter((key) => left.claimed.has(key));
    expect(world.requests().length - 300).toBeLessThanOrEqual(again.length);
  });

  it('C10: ten thousand prepared statements that are collected do not bring the process down', async () => {
    world = await openWorld();
    const script = `
      import Database from 'better-sqlite3';
      const db = new Database(':memory:');
      db.exec('CREATE TABLE t (a)');
      let sum = 0;
      for (let i = 0; i < 10000; i++) {
        sum += db.prepare('SELECT ' + i + ' AS n, count(*) AS c FROM t').get().n;
        if (i % 500 === 0) globalThis.gc();
      }
      for (let i = 0; i < 20; i++) { globalThis.gc(); await new Promise((resolve) => setImmediate(resolve)); }
      db.close();
      console.log(sum);
    `;
    const { stdout } = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
      cwd: new URL('../..', import.meta.url),
    });
    expect(stdout.trim()).toBe(String((10_000 * 9999) / 2));
  });
});
