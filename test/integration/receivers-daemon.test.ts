import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { straceMissing } from '../crash/strace.ts';
import { type CliProcess, until } from './support/e2e-cli.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { tellOfLink } from './support/extole-webhook.ts';
import { customers, ledgerLinks, linksJob, people } from './support/links-job.ts';
import { productEnv, startProcess } from './support/processes.ts';
import { fromEnv } from './support/usual-job.ts';

const io = realIo(createLog('silent'));
const KEY = 'the-key-that-extole-has';
const noStrace = straceMissing();
if (noStrace !== undefined && process.env.REFERRY_REQUIRE_ALL === '1') throw new Error(noStrace);

describe('a daemon that takes share links', { timeout: 120_000 }, () => {
  let world: World;
  let daemon: CliProcess;
  let url: string;
  beforeEach(async () => {
    world = await openWorld();
    world.env.EXTOLE_WEBHOOK_KEY = KEY;
    linksJob(world, 'links', { receive: { key: fromEnv('EXTOLE_WEBHOOK_KEY') } });
  });
  afterEach(async () => {
    daemon.kill('SIGKILL');
    await daemon.done;
    await world.close();
  });

  const start = async (env: Record<string, string> = { REFERRY_RECEIVE: '127.0.0.1:0' }): Promise<void> => {
    daemon = world.start(['daemon'], env);
    url = await until(
      'the daemon to listen',
      () => /(?:listening|receiving) on (http:\S+)/.exec(daemon.told().stderr)?.[1],
    );
  };
  const tell = async (
    email: string,
    link: string,
    { key = KEY, retriesMs = [] as number[], job = 'links' } = {},
  ): Promise<number> => {
    const event = { email, share_link: link, timestamp: '2026-11-20T10:00:00Z' };
    const { answers } = await tellOfLink(
      { io, url: `${url}/webhooks/${job}`, keyType: 'hs256', key, retriesMs },
      event,
    );
    return answers.at(-1)?.status ?? 0;
  };
  const linkOf = (): Map<string, string> => new Map(ledgerLinks(world).map(({ person, link }) => [person, link]));

  it('X01: takes them where REFERRY_RECEIVE says, beside its work, and there is nothing else there', async () => {
    await start();
    expect(await tell('ana@example.com', 'share.acme.example/ana')).toBe(200);
    expect(linkOf()).toEqual(new Map([['ana@example.com', 'https://share.acme.example/ana']]));
    for (const path of ['/healthz', '/metrics', '/', '/webhooks', '/webhooks/'])
      expect((await fetch(url + path)).status, path).toBe(404);
    expect(await tell('eve@example.com', 'a.example/eve', { key: 'another-key' })).toBe(401);
    expect(await tell('eve@example.com', 'a.example/eve', { job: 'nobody' })).toBe(404);
    // While the daemon works: both ways are in the one ledger, a link that came first is adopted by nobody else.
    world.drop('c.csv', customers(...people('ann', 50)));
    const run = world.run('links');
    const told = await Promise.all(
      Array.from({ length: 50 }, (_, n) => tell(`web${n}@example.com`, `a.example/web${n}`)),
    );
    expect(told).toEqual(new Array(50).fill(200));
    expect((await run).run).toMatchObject({ delivered: 50, balanced: true });
    expect(linkOf().size).toBe(101);
    daemon.kill('SIGTERM');
    expect((await daemon.done).code).toBe(0);
    expect(daemon.told().stderr).not.toMatch(/eve@|ana@|the-key/);
  });

  it('X01: without an address of their own they are where the health pages are, and the metrics count them', async () => {
    await start({ REFERRY_LISTEN: '127.0.0.1:0' });
    expect(await tell('ana@example.com', 'a.example/ana')).toBe(200);
    expect(await tell('ana@example.com', 'a.example/ana')).toBe(200);
    expect(await tell('ana@example.com', 'a.example/ana', { key: 'another-key' })).toBe(401);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics.split('\n').filter((line) => line.startsWith('referry_webhooks_total'))).toEqual([
      'referry_webhooks_total{job="links",result="taken"} 1',
      'referry_webhooks_total{job="links",result="known"} 1',
      'referry_webhooks_total{job="links",result="unauthorized"} 1',
    ]);
    expect(metrics).not.toContain('ana');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('while the daemon is down Extole tries again, and the link goes out with the next export', async () => {
    const to = { url: `file://${world.served}/outbox` };
    const columns = { email: '{email}', link: '{link}' };
    linksJob(world, 'links', {
      receive: { key: fromEnv('EXTOLE_WEBHOOK_KEY') },
      exports: [{ format: 'plain-csv', fileName: 'links.csv', kind: 'snapshot', columns, to }],
    });
    mkdirSync(join(world.served, 'outbox'));
    await start();
    const address = new URL(url).host;
    world.drop('c.csv', customers('ann@example.com,m-1,Ann,Lee'));
    expect((await world.run('links')).run).toMatchObject({ exports: [{ rows: 1 }] });
    daemon.kill('SIGTERM');
    await daemon.done;
    const told = tell('web@example.com', 'share.acme.example/web', { retriesMs: new Array(100).fill(200) });
    await io.sleep(500);
    await start({ REFERRY_RECEIVE: address });
    expect(await told).toBe(200);
    expect((await world.run('links')).run).toMatchObject({ exports: [{ rows: 2 }] });
    const file = readFileSync(join(world.served, 'outbox', 'links.csv'), 'utf8');
    expect(file.trim().split('\n')).toEqual([
      'email,link',
      expect.stringMatching(/^ann@example\.com,https:\/\//),
      'web@example.com,https://share.acme.example/web',
    ]);
  });

  it('C01: killed in a flood: whatever was answered 200 is in the ledger, and what comes again ends as one link each', async () => {
    await start();
    const answers = new Map<number, number>();
    const flood = Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        await io.sleep(n * 2);
        answers.set(n, await tell(`p${n}@example.com`, `a.example/${n}`));
      }),
    );
    await until('some answers', () => [...answers.values()].filter((status) => status === 200).length >= 20);
    daemon.kill('SIGKILL');
    await flood;
    await daemon.done;
    const known = linkOf();
    for (const [n, status] of answers)
      if (status === 200) expect(known.get(`p${n}@example.com`)).toBe(`https://a.example/${n}`);
    await start();
    for (let n = 0; n < 300; n += 1)
      if (answers.get(n) !== 200) expect(await tell(`p${n}@example.com`, `a.example/${n}`)).toBe(200);
    expect(
      ledgerLinks(world)
        .map(({ person, link }) => `${person} ${link}`)
        .sort(),
    ).toEqual(Array.from({ length: 300 }, (_, n) => `p${n}@example.com https://a.example/${n}`).sort());
  });

  it.skipIf(noStrace)(
    `C03: killed between the commit and the 200: the link is there, and the post that comes again changes nothing${noStrace === undefined ? '' : ` (skipped: ${noStrace})`}`,
    async () => {
      let between = 0;
      for (let n = 0; n < 5 && between === 0; n += 1) {
        await start();
        // The flush that ends the commit is the last thing this process does; one of the head of the log may come before it.
        const call = 'fsync,fdatasync';
        const args = [
          'strace',
          '-f',
          '-o',
          '/dev/null',
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:signal=SIGKILL:when=${2 - (n % 2)}`,
        ];
        const tracer = startProcess([...args, '-p', String(daemon.pid)], { env: productEnv({}) });
        await until('strace to be there', () => /attached/.test(tracer.told().stderr));
        const told = await tell(`p${n}@example.com`, `a.example/${n}`);
        // One flush was all of it: it is answered, and the next one is to be cut at its first.
        if (told === 200) daemon.kill('SIGKILL');
        else expect(told).toBe(0);
        expect((await daemon.done).signal).toBe('SIGKILL');
        await tracer.done;
        if (told === 200) continue;
        const before = ledgerLinks(world);
        if (linkOf().has(`p${n}@example.com`)) between += 1;
        await start();
        expect(await tell(`p${n}@example.com`, `a.example/${n}`, { retriesMs: [50] })).toBe(200);
        expect(linkOf().get(`p${n}@example.com`)).toBe(`https://a.example/${n}`);
        if (between === 1) expect(ledgerLinks(world)).toEqual(before);
        daemon.kill('SIGTERM');
        expect((await daemon.done).code).toBe(0);
      }
      expect(between).toBe(1);
    },
  );

  it('check refuses a receive section without a key, with one that is too short, and one that stands in the file with a warning', async () => {
    await start();
    const check = async (receive: object): Promise<{ code: number | undefined; said: string }> => {
      linksJob(world, 'links', { receive: { ...receive } });
      const { code, stdout, stderr } = await world.cli(['check']);
      return { code, said: stdout + stderr };
    };
    expect(await check({})).toMatchObject({ code: 2, said: expect.stringMatching(/receive\.key/) });
    expect(await check({ key: fromEnv('NOT_SET') })).toMatchObject({
      code: 2,
      said: expect.stringContaining('NOT_SET is not set'),
    });
    const short = await check({ key: 'short-1' });
    expect(short).toMatchObject({ code: 2, said: expect.stringContaining('at least 8 characters') });
    expect(short.said).not.toContain('short-1');
    expect((await check({ keyType: 'basic', key: 'without a colon' })).said).toContain('USER:PASSWORD');
    const written = await check({ key: 'written in the file' });
    expect(written).toMatchObject({ code: 0, said: expect.stringContaining('a secret is written in the job file') });
    expect(written.said).not.toContain('written in the file');
  });

  it('doctor posts to the daemon with the key, and says how to test it from outside', async () => {
    await start();
    const doctor = async (env: Record<string, string>): Promise<string> => {
      const { code, stdout } = await world.cli(['doctor', 'links'], env);
      expect(stdout).not.toContain(KEY);
      return `${code} ${stdout.slice(stdout.indexOf('webhooks of Extole'))}`;
    };
    const address = { REFERRY_RECEIVE: url.replace('http://', '') };
    const well = await doctor(address);
    expect(well).toMatch(
      /^0 .*\n.*ok +post +http:\/\/127\.0\.0\.1:\d+\/webhooks\/links took an empty post with the key/,
    );
    // The command that it prints, with the address of the daemon for that of the proxy.
    const command = /curl .*/.exec(well)?.[0].replace('https://YOUR-PROXY', url) ?? '';
    const said = startProcess(['bash', '-c', command], { env: { ...productEnv({}), KEY } });
    const { stdout, stderr } = await said.done;
    expect(stdout, `${command}\n${stderr}`).toContain('"status":"ignored"');
    expect(await doctor({ ...address, EXTOLE_WEBHOOK_KEY: 'another-key-than-it-has' })).toMatch(
      /^2 [\s\S]*refuses the key/,
    );
    expect(await doctor({})).toMatch(/^0 [\s\S]*neither REFERRY_RECEIVE nor REFERRY_LISTEN/);
    expect(await doctor({ REFERRY_LISTEN: ':1' })).toMatch(/^0 [\s\S]*no daemon runs there[\s\S]*needs no password/);
  });
});
