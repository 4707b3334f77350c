import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { type ExtoleStandIn, startExtole } from '../../src/sandbox/extole/server.ts';
import { AUTHORITY, EXPIRED, OTHER_HOST, SELF_SIGNED, SERVER_KEY, VALID } from '../integration/extole-certificates.ts';
import { until } from '../integration/support/e2e-cli.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { AT, csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { fromFile } from '../integration/support/usual-job.ts';
import { type Watched, watch } from './support/watched.ts';

const DAY = 86_400_000;

describe('a destination that is not there, or not the one it should be', { timeout: 60_000 }, () => {
  let world: World;
  const others: ExtoleStandIn[] = [];
  let front: Watched | undefined;
  afterEach(async () => {
    await front?.close();
    front = undefined;
    for (const server of others.splice(0)) await server.close();
    await world.close();
  });
  const expectAllDelivered = (name: string, prefix: string, count: number): void => {
    const lines = readResults(world.read(`results/${name}.results.csv`));
    expect(fates(lines)).toEqual(rows(prefix, count).map((_, i) => `${i + 2} delivered`));
  };

  it('H17: a certificate that is expired, of another host or self-signed stops the destination unseen by it, whatever the environment says', async () => {
    world = await openWorld({ extole: { tls: { key: SERVER_KEY, cert: VALID } } });
    const ca = join(world.root, 'ca.pem');
    writeFileSync(ca, AUTHORITY);
    const job = (url: string, more: object = {}): void =>
      world.job('feed', {
        destination: { extole: { apiUrl: url, eventsUrl: url, ca: fromFile(ca), ...more } },
        delivery: PATIENT,
      });
    world.drop('a.csv', csv(rows('A', 10)));
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    for (const cert of [EXPIRED, OTHER_HOST, SELF_SIGNED]) {
      const server = await startExtole({ io: realIo(createLog('silent')), keep: true, tls: { key: SERVER_KEY, cert } });
      others.push(server);
      job(server.url);
      const { code, run } = await world.run('feed', env);
      expect(code).toBe(4);
      expect(run.halted?.code).toBe('TLS');
      expect(run).toMatchObject({ open: 10, delivered: 0, rejected: 0, failed: 0, held: 0, balanced: true });
      expect(server.received).toEqual([]);
    }
    // Without the authority nobody vouches for the right one either.
    job(world.extole.url, { ca: undefined });
    expect((await world.run('feed', env)).run.halted?.code).toBe('TLS');

    const off = ['insecure', 'rejectUnauthorized', 'verifyTls', 'tls'];
    job(world.extole.url, Object.fromEntries(off.map((name) => [name, false])));
    const refused = await world.cli(['check']);
    expect(refused.code).toBe(2);
    for (const name of off) expect(refused.stdout + refused.stderr).toContain(name);
    expect(readFileSync(join(import.meta.dirname, '../../jobs/job.schema.json'), 'utf8')).not.toMatch(
      /unauthorized|insecure/i,
    );

    job(world.extole.url);
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ carriedIn: 10, delivered: 10 });
    expectAllDelivered('a.csv', 'A', 10);
    expect(world.requests()).toHaveLength(10);
  });

  it('H25: down for two days: each run stops with 4, nothing fails, ages or is used up, what comes waits; then everything goes', async () => {
    world = await openWorld();
    const down = { apiUrl: 'http://127.0.0.1:9', eventsUrl: 'http://127.0.0.1:9' };
    const settings = { failed: { maxAge: '1d' }, held: { maxAge: '1d' } };
    const old = new Date(Date.now() - 10 * DAY).toISOString().replace(/\.\d+Z/, 'Z');
    const delivery = { ...PATIENT, outageAfter: '250ms', maxAttempts: 2, maxAmbiguous: 1 };
    world.job('feed', { ...settings, destination: { extole: down }, delivery });
    for (let day = 0; day < 3; day++) {
      world.drop(`${'abc'[day]}.csv`, csv(rows('ABC'[day] ?? '', day === 1 ? 1 : 12)).replaceAll(AT, old), 600 - day);
      const { code, run } = await world.run('feed');
      expect(code).toBe(4);
      expect(run.halted).toMatchObject({ code: 'DESTINATION_DOWN', reason: expect.stringContaining('NOT_SENT') });
      expect(run).toMatchObject({ open: 12, failed: 0, held: 0, rejected: 0, balanced: true });
      expect(world.files('results')).toEqual([]);
      later(DAY);
    }
    expect(world.files('inbox')).toEqual(['b.csv', 'c.csv']);
    const status = await world.cli(['status']);
    expect(status.stdout).toContain('DESTINATION_DOWN');
    const health = await readiness();
    expect(health).toEqual({
      code: 503,
      reasons: [expect.stringMatching(/^job feed: its last 3 runs were halted, the newest with DESTINATION_DOWN$/)],
    });
    world.job('feed', { ...settings, delivery });
    const { code, run, stdout } = await world.run('feed');
    expect(code, stdout).toBe(0);
    expect(run).toMatchObject({ carriedIn: 12, delivered: 25, failed: 0, held: 0, rejected: 0, balanced: true });
    expectAllDelivered('a.csv', 'A', 12);
    expectAllDelivered('b.csv', 'B', 1);
    expect(world.requests()).toHaveLength(25);
  });

  it('H03: two hundred 500 in a row: one row at a time asks, no row is lost or held for it, and the recovery takes all', async () => {
    world = await openWorld();
    front = await watch(world.extole.url);
    world.job('feed', {
      destination: { extole: { apiUrl: front.url, eventsUrl: front.url } },
      delivery: {
        ...PATIENT,
        unknown: 'resend',
        concurrency: { start: 100, max: 100 },
        backoff: { first: '2ms', cap: '8ms' },
      },
    });
    let asked = 0;
    world.extole.setFaults(() => (++asked <= 200 ? (asked % 2 === 0 ? '500post' : '500pre') : undefined));
    world.drop('a.csv', csv(rows('A', 400)));
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ delivered: 400, failed: 0, held: 0, halted: null, balanced: true });
    expectAllDelivered('a.csv', 'A', 400);
    // Those that left before anything was known are one hundred, and as many more as had their place until the tenth bad
    // answer. From then on each asked alone, until the first good one.
    expect(Math.max(...front.seen.slice(0, 100).map(({ together }) => together))).toBeGreaterThan(10);
    expect(front.seen.slice(120, 201).map(({ together }) => together)).toEqual(Array(81).fill(1));
    const requests = world.requests();
    expect(requests).toHaveLength(600);
    expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(600);
    expect(world.extole.stats()).toMatchObject({ accepted: 500, distinctKeys: 400, duplicates: 100 });
  });

  it('H11: a token file that is empty or half written when it is read again stops the run; the next one goes on with the right one', async () => {
    world = await openWorld({ tokens: ['first-token'] });
    const secret = join(world.root, 'token');
    writeFileSync(secret, 'first-token\n', { mode: 0o600 });
    world.job('feed', { destination: { extole: { token: fromFile(secret) } }, delivery: PATIENT });
    world.drop('a.csv', csv(rows('A', 60)));
    for (const written of ['', 'second\ntoken', 'sécond-token']) {
      let sent = 0;
      world.extole.setTokens(['first-token']);
      writeFileSync(secret, 'first-token\n');
      world.extole.setFaults(() => {
        if (++sent === 8) {
          writeFileSync(secret, written);
          world.extole.setTokens(['second-token']);
        }
        return undefined;
      });
      const { code, run, stdout, stderr } = await world.run('feed');
      expect(code, stdout).toBe(4);
      expect(run.halted?.code, JSON.stringify(written)).toBe('UNAUTHORIZED');
      expect(run).toMatchObject({ rejected: 0, failed: 0, held: 0, balanced: true });
      expect(stdout + stderr).not.toMatch(/(first|second|sécond)-token/);
    }
    writeFileSync(secret, 'second-token\n');
    world.extole.setFaults(undefined);
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run.files[0]).toMatchObject({ read: 60, delivered: 60 });
    expectAllDelivered('a.csv', 'A', 60);
    expect(world.requests().filter(({ accepted }) => accepted)).toHaveLength(60);
  });

  /** What a daemon answers on /readyz. */
  async function readiness(): Promise<{ code: number; reasons: string[] }> {
    const daemon = world.start(['daemon', '--listen', '127.0.0.1:0']);
    const url = await until('the daemon to listen', () => /listening on (http:\S+)/.exec(daemon.told().stderr)?.[1]);
    const ask = async (): Promise<{ code: number; reasons: string[] }> => {
      const reply = await fetch(`${url}/readyz`);
      const { reasons }: { reasons: string[] } = JSON.parse(await reply.text());
      return { code: reply.status, reasons };
    };
    // Until it has looked at its schedules for the first time.
    await expect.poll(async () => (await ask()).reasons, { timeout: 20_000 }).not.toContain('starting');
    const told = await ask();
    daemon.kill('SIGTERM');
    await daemon.done;
    return told;
  }

  /** As if all that the ledger knows were so much older. */
  function later(ms: number): void {
    const db = new Database(world.ledger);
    for (const table of ['processings', 'deliveries', 'runs', 'observations']) {
      const columns = db.prepare<[string], { name: string }>('SELECT name FROM pragma_table_info(?)').all(table);
      for (const { name } of columns.filter((each) => each.name.endsWith('_at')))
        db.exec(`UPDATE ${table} SET ${name} = ${name} - ${ms} WHERE ${name} IS NOT NULL`);
    }
    db.close();
  }
});
