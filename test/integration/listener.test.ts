import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliProcess, until } from './support/e2e-cli.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const run = promisify(execFile);

interface Told {
  status: string;
  reasons: string[];
}

describe('the listener of a daemon', () => {
  let world: World;
  let daemon: CliProcess;
  let url: string;

  beforeAll(async () => {
    world = await openWorld();
    world.job('feed');
    daemon = world.start(['daemon', '--listen', '127.0.0.1:0']);
    url = await until('the daemon to listen', () => /listening on (http:\S+)/.exec(daemon.told().stderr)?.[1]);
  });
  afterAll(async () => {
    daemon.kill('SIGTERM');
    await daemon.done;
    await world.close();
  });

  const metric = async (name: string): Promise<string | undefined> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1);
  };
  const ready = async (): Promise<{ code: number; told: Told }> => {
    const reply = await fetch(`${url}/readyz`);
    const told: Told = JSON.parse(await reply.text());
    return { code: reply.status, told };
  };

  it('X24: says that it is well and ready, with headers that let nobody do anything with the answer', async () => {
    const reply = await fetch(`${url}/healthz`);
    expect([reply.status, await reply.json()]).toEqual([200, { status: 'ok', reasons: [] }]);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    // Once it has looked at its schedules for the first time.
    await expect.poll(ready, { timeout: 20_000 }).toEqual({ code: 200, told: { status: 'ok', reasons: [] } });
    expect((await world.cli(['health', '--url', url, '--ready'])).stdout).toBe('ok\n');
  });

  it('knows no other page, and takes nothing in', async () => {
    for (const [path, method] of [
      ['/', 'GET'],
      ['/metrics/x', 'GET'],
      ['/healthz', 'POST'],
      ['/../etc', 'GET'],
    ] as const)
      expect((await fetch(url + path, { method })).status, `${method} ${path}`).toBe(404);
    const body = await fetch(`${url}/healthz`, {
      method: 'POST',
      body: 'x'.repeat(10_000),
      headers: { 'content-type': 'text/plain' },
    });
    expect(body.status).toBeGreaterThanOrEqual(400);
  });

  it('counts rows, files, times and bytes by job, outcome and lane, and holds nothing of a row', async () => {
    world.drop('a.csv', csv([...rows('A', 8), 'torn', ...rows('A', 1)]));
    expect((await world.run('feed')).code).toBe(0);
    expect(await metric('referry_rows{job="feed",outcome="delivered"}')).toBe('8');
    expect(await metric('referry_rows{job="feed",outcome="rejected"}')).toBe('1');
    expect(await metric('referry_rows{job="feed",outcome="duplicate"}')).toBe('1');
    expect(await metric('referry_files{job="feed",state="processed"}')).toBe('1');
    expect(await metric('referry_delivery_seconds_count{lane="async-events"}')).toBe('8');
    expect(await metric('referry_delivery_seconds_bucket{lane="async-events",le="+Inf"}')).toBe('8');
    expect(await metric('referry_window_rows{job="feed"}')).toBe('0');
    expect(await metric('referry_queue_age_seconds{job="feed"}')).toBe('0');
    expect(await metric('referry_last_run_halted{job="feed"}')).toBe('0');
    expect(Number(await metric('referry_last_success_timestamp_seconds{job="feed"}'))).toBeGreaterThan(1e9);
    expect(Number(await metric('referry_ledger_bytes{part="db"}'))).toBeGreaterThanOrEqual(4096);
    // Little was written: all of it may still stand in the write-ahead log.
    expect(Number(await metric('referry_ledger_bytes{part="wal"}'))).toBeGreaterThan(4096);
    expect(await metric('nodejs_version_info')).toBeUndefined();
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('process_resident_memory_bytes');
    for (const secret of ['A-0001', 'private.example', 'M-A', world.env.EXTOLE_TOKEN ?? '?'])
      expect(text).not.toContain(secret);
  });

  it('tells of rows that wait for a person, and of rows on their way', async () => {
    world.extole.setFaults(({ body }) =>
      body.includes('"H-0001"')
        ? { kind: 'status', status: 500 }
        : body.includes('"S-')
          ? { kind: 'slow', ms: 300 }
          : undefined,
    );
    world.drop('h.csv', csv(rows('H', 2)));
    expect((await world.run('feed')).code).toBe(3);
    expect(await metric('referry_held_rows{job="feed"}')).toBe('1');
    expect(Number(await metric('referry_held_age_seconds{job="feed"}'))).toBeGreaterThan(0);
    world.drop('s.csv', csv(rows('S', 40)));
    const going = world.start(['run', 'feed', '--json']);
    let most = 0;
    while (most === 0) most = Number(await metric('referry_window_rows{job="feed"}'));
    expect(most).toBeLessThanOrEqual(256);
    expect(Number(await metric('referry_queue_age_seconds{job="feed"}'))).toBeGreaterThan(0);
    await going.done;
    expect(await metric('referry_window_rows{job="feed"}')).toBe('0');
    world.extole.setFaults(undefined);
  });

  it('is not ready while a job file is wrong, or while a job was halted three times in a row', async () => {
    writeFileSync(join(world.jobs, 'broken.yaml'), 'pipeline: deliver-events\n');
    const broken = await ready();
    expect([broken.code, broken.told.reasons[0]]).toEqual([
      503,
      expect.stringMatching(/^the job files have \d+ errors/),
    ]);
    writeFileSync(join(world.jobs, 'broken.yaml'), '');
    const { rmSync } = await import('node:fs');
    rmSync(join(world.jobs, 'broken.yaml'));
    world.job('far', { source: { url: `file://${world.root}/nowhere/inbox`, match: '*.x' } });
    for (let n = 0; n < 3; n++) expect((await world.cli(['run', 'far'])).code).toBe(4);
    const halted = await ready();
    expect(halted.code).toBe(503);
    expect(halted.told.reasons).toEqual([
      expect.stringMatching(/^job far: its last 3 runs were halted, the newest with [A-Z_]+$/),
    ]);
    const said = await world.cli(['health', '--ready', '--url', url]);
    expect([said.code, said.stderr]).toEqual([4, expect.stringContaining('job far')]);
    expect((await world.cli(['health', '--url', url])).code).toBe(0);
    rmSync(join(world.jobs, 'far.yaml'));
  });

  it('an address that is taken ends the daemon with a word about it, and health says when nobody answers', async () => {
    const other = await openWorld();
    other.job('feed');
    const taken = await other.cli(['daemon'], { REFERRY_LISTEN: url.replace('http://', '') });
    expect([taken.code, taken.stderr]).toEqual([4, expect.stringContaining('LISTEN_FAILED')]);
    expect((await other.cli(['daemon'], { REFERRY_LISTEN: 'here' })).code).toBe(2);
    expect((await other.cli(['health'])).code).toBe(2);
    expect((await other.cli(['health', '--url', 'http://127.0.0.1:1'])).code).toBe(4);
    await other.close();
  });

  it('a help text whose reader leaves early ends well', async () => {
    const main = new URL('../../src/main.ts', import.meta.url).pathname;
    const { stderr } = await run('bash', [
      '-c',
      `set -o pipefail; '${process.execPath}' '${main}' --help | head -1; exit \${PIPESTATUS[0]}`,
    ]);
    expect(stderr).toBe('');
  });
});
