import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { startIterable } from '../../src/sandbox/iterable/server.ts';
import { openWorld } from './support/e2e-world.ts';
import { customers, linksJob, people } from './support/links-job.ts';
import { openSegmentsWorld, users } from './support/segments-world.ts';
import { fromEnv } from './support/usual-job.ts';

test('what runs exported and pushed today is in the morning report, and what waits needs a person', async () => {
  const world = await openWorld();
  onTestFinished(() => world.close());
  const iterable = await startIterable({ io: realIo(createLog('silent')), keys: ['morning-key'] });
  onTestFinished(() => iterable.stop());
  Object.assign(world.env, { ITERABLE_API_KEY: 'morning-key' });
  const login = { account: 'acme', apiKey: fromEnv('ITERABLE_API_KEY'), url: iterable.url };
  const columns = { email: '{email}', link: '{link}' };
  linksJob(world, 'links', {
    exports: [{ format: 'plain-csv', columns, to: { url: `file://${world.root}/out` } }],
    push: [{ provider: 'iterable', ...login, patience: '100ms', backoff: { first: '5ms', cap: '20ms' } }],
  });
  const morning = async () => {
    const { stdout, stderr } = await world.cli(['report', 'links', '--day', 'today', '--json']);
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  };
  world.drop('a.csv', customers(...people('ann', 20)), 60);
  await world.run('links');
  expect(await morning()).toMatchObject({
    exports: [{ target: 'plain-csv', state: 'published', read: 20, rows: 20 }],
    pushes: [{ target: 'iterable', state: 'done', counts: { read: 20, delivered: 20 } }],
  });
  iterable.setKeys([]);
  world.drop('b.csv', customers(...people('bob', 5)), 30);
  await world.run('links');
  const stopped = await morning();
  expect(stopped.pushes).toMatchObject([
    { push: 'u1', state: 'done' },
    { push: 'u2', state: 'open' },
  ]);
  expect(stopped.verdict.yours).toEqual(['Push iterable stopped: UNAUTHORIZED']);
  iterable.setKeys(['morning-key']);
  await world.run('links');
  const { verdict, pushes, balanced } = await morning();
  expect([verdict.yours, balanced]).toEqual([[], true]);
  expect(pushes).toMatchObject([
    { counts: { delivered: 20 } },
    { push: 'u2', state: 'done', counts: { delivered: 5 } },
  ]);
  const out = join(world.root, 'report');
  const written = await world.cli(['report', 'links', '--day', 'today', '--out', out]);
  expect(written.code, written.stderr).toBe(0);
  expect(existsSync(out)).toBe(true);
});

test('what files did to segments is in the morning report', async () => {
  const segments = await openSegmentsWorld();
  onTestFinished(() => segments.close());
  segments.drop('a.csv', users(1, 25));
  await segments.world.run('segments');
  const { stdout, stderr } = await segments.world.cli(['report', 'segments', '--day', 'today', '--json']);
  expect(JSON.parse(stdout).files, stderr).toMatchObject([
    { name: 'a.csv', segments: [{ segment: 'vip', state: 'done', before: 0, added: 25, after: 25 }] },
  ]);
});
