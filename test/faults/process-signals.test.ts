import { connect, type Socket } from 'node:net';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { runPipeline } from '../../src/pipelines/run-pipeline.ts';
import { readJob } from '../../src/schedule/jobs.ts';
import { type CliProcess, type CliResult, until } from '../integration/support/e2e-cli.ts';
import { backdateSchedule, startDaemon, timesTold } from '../integration/support/e2e-daemon.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { startToxics, type ToxicProxy } from './support/toxics.ts';

const DAY = 86_400_000;
/** What the matrix allows from the signal to the end of the process. */
const ALLOWED_MS = 30_000;

// The time is for a machine that is busy with other things; what the process itself may take is asserted.
describe('a process that is told to stop', { timeout: 120_000 }, () => {
  let world: World;
  let proxy: ToxicProxy | undefined;
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy?.close();
    proxy = undefined;
    await world.close();
  });

  const states = (): Record<string, number> => {
    const db = new Database(world.ledger, { readonly: true });
    const all = db
      .prepare<[], { state: string; n: number }>('SELECT state, count(*) AS n FROM deliveries GROUP BY state')
      .all();
    db.close();
    return Object.fromEntries(all.map(({ state, n }) => [state, n]));
  };
  const attempts = (): { result: string; code: string; reason: string }[] => {
    const db = new Database(world.ledger, { readonly: true });
    const all = db
      .prepare<[], { result: string; code: string; reason: string }>('SELECT result, code, reason FROM attempts')
      .all();
    db.close();
    return all;
  };
  const stop = async (child: CliProcess): Promise<CliResult> => {
    const at = performance.now();
    child.kill('SIGTERM');
    const end = await child.done;
    expect(performance.now() - at).toBeLessThan(ALLOWED_MS);
    return end;
  };
  /** A day's tick was missed, so that the daemon begins at once. */
  const daemonAtWork = async (): Promise<CliProcess> => {
    backdateSchedule(world, 'feed', 2 * DAY);
    return startDaemon(world);
  };
  const expectAllThrough = async (name: string, count: number, prefix: string): Promise<void> => {
    const next = await daemonAtWork();
    await until('the run to end', () => timesTold(next, 'run ended') > 0);
    expect((await stop(next)).code).toBe(0);
    const lines = readResults(world.read(`results/${name}.results.csv`));
    expect(fates(lines)).toEqual(rows(prefix, count).map((_, i) => `${i + 2} delivered`));
    expect(world.files('processing')).toEqual([]);
    expect(world.files('results').filter((each) => each.startsWith('.'))).toEqual([]);
  };
  const schedule = `30 ${(new Date().getUTCHours() + 12) % 24} * * *`;

  it('C05: idle, it ends at once with 0, whoever holds a connection to its listener open', async () => {
    world = await openWorld();
    world.job('feed', { schedule });
    const daemon = world.start(['daemon', '--listen', '127.0.0.1:0']);
    const url = await until('the address', () => /listening on (http:\S+)/.exec(daemon.told().stderr)?.[1]);
    const { port } = new URL(url);
    for (const text of ['', 'GET /healthz HT', 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n']) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(text);
      sockets.push(socket);
    }
    await until('an answer', () => (sockets[2]?.bytesRead ?? 0) > 0);
    const at = performance.now();
    expect((await stop(daemon)).code).toBe(0);
    expect(performance.now() - at).toBeLessThan(8000);
  });

  it('C05: in the middle of a download: it ends with 0, has staged nothing of it, and the next start takes the whole file', async () => {
    world = await openWorld({ remote: 'sftp' });
    proxy = await startToxics(world.sftp?.port ?? 0);
    world.job('feed', { schedule, source: { url: `sftp://partner@127.0.0.1:${proxy.port}/inbox` }, delivery: PATIENT });
    expect((await world.run('feed')).code).toBe(0);
    world.drop('a.csv', csv(rows('A', 300)));
    const daemon = await daemonAtWork();
    await until('the file to be taken', () => world.files('processing').length === 1);
    const before = proxy.passed.down;
    proxy.down.bytesPerSecond = 2000;
    await until('some of it', () => (proxy?.passed.down ?? 0) > before + 3000);
    expect((await stop(daemon)).code).toBe(0);
    expect(world.requests()).toEqual([]);
    expect(states()).toEqual({});
    proxy.heal();
    await expectAllThrough('a.csv', 300, 'A');
    expect(world.requests()).toHaveLength(300);
  });

  it('C05: in the middle of a long publication: it does not wait for its end; the next start publishes it, and nobody saw half of it', async () => {
    world = await openWorld({ remote: 'sftp' });
    proxy = await startToxics(world.sftp?.port ?? 0);
    world.job('feed', {
      schedule,
      source: { url: `sftp://partner@127.0.0.1:${proxy.port}/inbox`, keepalive: '1s' },
      file: { maxRejected: 1 },
      delivery: PATIENT,
    });
    expect((await world.run('feed')).code).toBe(0);
    // Rows that are refused without being sent, and make a long results file.
    world.drop('a.csv', csv([...rows('A', 5), ...Array.from({ length: 6000 }, (_, i) => `${i},torn`)]));
    world.extole.setFaults(({ seq }) => {
      if (seq === 5 && proxy) proxy.up.bytesPerSecond = 15_000;
      return undefined;
    });
    const daemon = await daemonAtWork();
    await until('a part of the results', () => world.files('results').some((name) => name.startsWith('.')));
    expect((await stop(daemon)).code).toBe(0);
    expect(world.files('results').filter((name) => !name.startsWith('.'))).toEqual([]);
    expect(world.files('archive')).toEqual([]);
    expect(states()).toEqual({ delivered: 5 });
    proxy.heal();
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run.files[0]).toMatchObject({ read: 6005, delivered: 5, rejected: 6000, open: 0 });
    expect(world.files('results')).toEqual(['a.csv.results.csv']);
    expect(world.requests()).toHaveLength(5);
  });

  it('C06: while the destination asks to wait ten minutes, it ends at once, and no row is worse off', async () => {
    world = await openWorld();
    world.job('feed', { schedule, delivery: PATIENT });
    expect((await world.run('feed')).code).toBe(0);
    world.extole.setFaults(() => ({ kind: 'status', status: 429, headers: { 'retry-after': '600' } }));
    world.drop('a.csv', csv(rows('A', 30)));
    const daemon = await daemonAtWork();
    await until('a 429', () => world.requests().length >= 1);
    const at = performance.now();
    expect((await stop(daemon)).code).toBe(0);
    expect(performance.now() - at).toBeLessThan(8000);
    expect(Object.keys(states())).toEqual(['waiting']);
    world.extole.setFaults(undefined);
    await expectAllThrough('a.csv', 30, 'A');
    expect(world.requests().filter(({ accepted }) => accepted)).toHaveLength(30);
  });

  it('C06: while the destination hangs: what is on the wire is cut after a while and unknown, the rest waits', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { ...PATIENT, unknown: 'resend', concurrency: { start: 3, max: 3 } } });
    world.extole.setFaults(({ seq }) => (seq > 5 ? 'timeout-post' : undefined));
    world.drop('a.csv', csv(rows('A', 60)));
    const io = { ...realIo(createLog('silent')), env: world.env };
    const stopper = new AbortController();
    const ledger = await openLedger(world.ledger, 'command', io);
    const job = await readJob(world.jobs, 'feed', io.env);
    const at = { stopped: 0 };
    const ended = runPipeline({
      job,
      ledger,
      io,
      signal: stopper.signal,
      state: world.state,
      cause: 'command',
      drainMs: 400,
    });
    ended.catch(() => {});
    await until('requests that hang', () => world.requests().length >= 8);
    at.stopped = performance.now();
    stopper.abort(new DOMException('stopped by SIGTERM', 'AbortError'));
    await expect(ended).rejects.toThrow('stopped by SIGTERM');
    expect(performance.now() - at.stopped).toBeLessThan(8000);
    await ledger.close();
    const after = states();
    expect(after.delivered).toBe(5);
    expect(after.unknown).toBe(3);
    expect(after).not.toHaveProperty('claimed');
    expect(attempts().filter(({ result }) => result === 'info')).toEqual(
      Array(3).fill({ result: 'info', code: 'NO_ANSWER', reason: expect.stringContaining('closing') }),
    );
    world.extole.setFaults(undefined);
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run.files[0]).toMatchObject({ read: 60, delivered: 60 });
    expect(world.extole.stats()).toMatchObject({ accepted: 63, duplicates: 3, distinctKeys: 60 });
  });

  it('C07: a second SIGINT ends it at once with 130, as a crash would: what was on the wire is unknown at the next start', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { ...PATIENT, unknown: 'resend', concurrency: { start: 3, max: 3 } } });
    world.extole.setFaults(({ seq }) => (seq > 5 ? 'timeout-post' : undefined));
    world.drop('a.csv', csv(rows('A', 60)));
    const child = world.start(['run', 'feed', '--json']);
    await until('requests that hang', () => world.requests().length >= 8);
    child.kill('SIGINT');
    // Two that come while it does not run count as one.
    const impatient = setInterval(() => child.kill('SIGINT'), 300);
    const end = await child.done;
    clearInterval(impatient);
    expect(end.code).toBe(130);
    expect(states()).toMatchObject({ delivered: expect.any(Number), claimed: expect.any(Number) });
    world.extole.setFaults(undefined);
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run.files[0]).toMatchObject({ read: 60, delivered: 60 });
    expect(attempts().filter(({ result }) => result === 'orphan').length).toBeGreaterThanOrEqual(3);
    const daemon = await startDaemon(world);
    daemon.kill('SIGINT');
    expect((await daemon.done).code).toBe(0);
  });
});
