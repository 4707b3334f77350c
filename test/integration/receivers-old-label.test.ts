import { afterEach, expect, test } from 'vitest';
import { io } from './support/after-world.ts';
import { type BulkWorld, LABEL, openBulkWorld, people } from './support/bulk-world.ts';
import { type CliProcess, until } from './support/e2e-cli.ts';
import { fates } from './support/e2e-results.ts';
import { tellOfLink } from './support/extole-webhook.ts';
import { fromEnv } from './support/usual-job.ts';

const KEY = 'the-key-that-extole-has';
let bulk: BulkWorld;
let daemon: CliProcess;

afterEach(async () => {
  daemon.kill('SIGKILL');
  await daemon.done;
  await bulk.world.close();
});

test('a link of the label under which an upload left is taken while it waits, though the job has another label by now', {
  timeout: 120_000,
}, async () => {
  const waits = { bulk: { collect: 'webhooks', upload: { wait: '0s' } } };
  const receive = { key: fromEnv('EXTOLE_WEBHOOK_KEY') };
  bulk = await openBulkWorld({ job: { receive, links: waits } });
  bulk.world.env.EXTOLE_WEBHOOK_KEY = KEY;
  bulk.world.drop('a.csv', people('ann'));
  expect((await bulk.world.run('links')).run).toMatchObject({ open: 1, delivered: 0 });
  bulk.job({ receive, links: { ...waits, label: 'vip' } });

  daemon = bulk.world.start(['daemon'], { REFERRY_RECEIVE: '127.0.0.1:0' });
  const url = await until('the daemon to listen', () => /receiving on (http:\S+)/.exec(daemon.told().stderr)?.[1]);
  const told = async (name: string, label: string): Promise<unknown> => {
    const event = { email: `${name}@example.com`, label, share_link: `https://share.acme.example/${name}` };
    const options = { io, url: `${url}/webhooks/links`, keyType: 'hs256' as const, key: KEY, retriesMs: [20, 20] };
    return (await tellOfLink(options, event)).answers.at(-1)?.status;
  };
  expect(await told('ann', LABEL.toUpperCase())).toBe(200);
  expect(await told('ben', 'a label of nobody')).toBe(200);
  expect((await bulk.world.run('links')).run).toMatchObject({ open: 0, balanced: true });
  daemon.kill('SIGTERM');
  expect((await daemon.done).code).toBe(0);
  // By the run above, or by one that the daemon began itself.
  expect(fates(bulk.results())).toEqual(['2 delivered']);
  expect(await bulk.known()).toEqual({ 'ann@example.com': 'https://share.acme.example/ann' });
});
