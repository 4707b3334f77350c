import { afterEach, expect, test } from 'vitest';
import type { LinkEvent } from '../../src/sandbox/extole/link-api.ts';
import { io } from './support/after-world.ts';
import { type BulkWorld, openBulkWorld, people } from './support/bulk-world.ts';
import { type CliProcess, until } from './support/e2e-cli.ts';
import { tellOfLink } from './support/extole-webhook.ts';
import { fromEnv } from './support/usual-job.ts';

const KEY = 'the-key-that-extole-has';
const PEOPLE = Array.from({ length: 30 }, (_, n) => `p${n}`);
let bulk: BulkWorld;
let daemon: CliProcess;

afterEach(async () => {
  daemon.kill('SIGKILL');
  await daemon.done;
  await bulk.world.close();
});

test('customers that were uploaded get the links that Extole makes of them and posts, late, twice and out of order', {
  timeout: 90_000,
}, async () => {
  const events: LinkEvent[] = [];
  bulk = await openBulkWorld({
    extole: { links: { made: (event) => void events.push(event) } },
    job: {
      receive: { key: fromEnv('EXTOLE_WEBHOOK_KEY') },
      // The daemon receives; the runs are ours.
      links: { bulk: { collect: 'webhooks', firstLook: '1h', every: '1h', upload: { wait: '0s' } } },
    },
  });
  bulk.world.env.EXTOLE_WEBHOOK_KEY = KEY;
  daemon = bulk.world.start(['daemon'], { REFERRY_RECEIVE: '127.0.0.1:0' });
  const url = await until('the daemon to listen', () => /receiving on (http:\S+)/.exec(daemon.told().stderr)?.[1]);
  const post = (event: LinkEvent, key = KEY): ReturnType<typeof tellOfLink> =>
    tellOfLink({ io, url: `${url}/webhooks/links`, keyType: 'hs256', key, retriesMs: [20, 20] }, event);

  bulk.world.drop('a.csv', people(...PEOPLE));
  expect((await bulk.world.run('links')).run).toMatchObject({ read: 30, open: 30, delivered: 0, balanced: true });
  await until('Extole to make the links', () => events.length === 30);
  expect(events[0]).toMatchObject({
    email: expect.stringContaining('@'),
    share_link: expect.stringMatching(/^share\./),
  });
  for (const event of [...events].reverse().slice(0, 20)) expect((await post(event)).delivered).toBe(true);
  expect((await post(events[0] ?? {}, 'the key of somebody else')).delivered).toBe(false);
  expect((await bulk.world.run('links')).run).toMatchObject({ delivered: 20, open: 10, balanced: true });
  await Promise.all([...events, ...events].map((event) => post(event)));
  expect((await bulk.world.run('links')).run).toMatchObject({ delivered: 10, open: 0, balanced: true });
  daemon.kill('SIGTERM');
  expect((await daemon.done).code).toBe(0);
  expect(await bulk.known()).toEqual(bulk.atExtole());
  expect(bulk.results().filter(({ outcome }) => outcome === 'delivered')).toHaveLength(30);
  expect(bulk.world.extole.links.reportsMade).toBe(0);
});
