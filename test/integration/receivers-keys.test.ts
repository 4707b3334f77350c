import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { type Ledger, openLedger } from '../../src/ledger/open.ts';
import { type Commits, createCommits } from '../../src/receivers/commits.ts';
import { createHooks } from '../../src/receivers/hooks.ts';
import { type Listener, startListener } from '../../src/receivers/listener.ts';
import { createTally } from '../../src/receivers/tally.ts';
import { addWebhooks } from '../../src/receivers/webhooks.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { linksJob } from './support/links-job.ts';

const KEY = 'the-key-that-extole-has';

let world: World;
let ledger: Ledger;
let commits: Commits;
let listener: Listener;
let ahead = 0;

/** What listens in a daemon, with a clock that can be put forward. */
beforeEach(async () => {
  world = await openWorld();
  writeFileSync(join(world.root, 'key'), KEY, { mode: 0o600 });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a job file writes it
  linksJob(world, 'links', { receive: { keyType: 'password', key: '${file:../key}' } });
  const real = { ...realIo(createLog('silent')), env: world.env };
  const io = { ...real, monotonic: () => real.monotonic() + ahead };
  ledger = await openLedger(world.ledger, 'daemon', io);
  commits = createCommits(ledger, io, (problem) => {
    throw problem;
  });
  const hookOf = createHooks({ ledger, io, jobsFolder: world.jobs });
  const pages: Parameters<typeof startListener>[1]['pages'] = [
    (app) => addWebhooks(app, { io, commits, tally: createTally(), hookOf }),
  ];
  listener = await startListener({ host: '127.0.0.1', port: 0 }, { io, pages, setting: 'none' });
});
afterEach(async () => {
  await listener.close();
  await commits.close();
  await ledger.close();
  await world.close();
});

async function answered(key: string): Promise<number> {
  const body = JSON.stringify({ email: 'ana@example.com', share_link: 'a.example/1' });
  const headers = { authorization: `Bearer ${key}` };
  return (await fetch(`${listener.url}/webhooks/links`, { method: 'POST', body, headers })).status;
}

test('a key that changes is good within seconds, the one before no longer; a file that is wrong is answered 503', async () => {
  expect(await answered(KEY)).toBe(200);
  writeFileSync(join(world.root, 'key'), 'the-next-key');
  expect(await answered(KEY)).toBe(200);
  ahead += 6000;
  expect(await answered('the-next-key')).toBe(200);
  expect(await answered(KEY)).toBe(401);
  const path = join(world.jobs, 'links.yaml');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('"links"', '"lonks"'));
  ahead += 6000;
  expect(await answered('the-next-key')).toBe(503);
  writeFileSync(path, text);
  ahead += 6000;
  expect(await answered('the-next-key')).toBe(200);
});
