import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { loadJobs } from '../../src/jobs/load.ts';
import { newestRuns } from '../../src/ledger/matters.ts';
import { type Ledger, openLedger } from '../../src/ledger/open.ts';
import { lastFire, rememberFire } from '../../src/ledger/schedules.ts';
import type { Io } from '../../src/model.ts';
import { isReady } from '../../src/receivers/health.ts';
import { dueRun } from '../../src/schedule/due-run.ts';
import { noteMatters } from '../../src/schedule/duty-notices.ts';
import { run } from '../../src/schedule/verbs/run.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { startToxics } from './support/toxics.ts';

const MINUTE = 60_000;

/** What the daemon does, minute by minute, on a clock of ours. */
describe('a source that does not let us in', () => {
  let world: World;
  let ledger: Ledger;
  let now = Math.ceil(Date.now() / MINUTE) * MINUTE;
  const real = realIo(createLog('silent'));
  const io: Io = { ...real, now: () => now, sleep: (ms, signal) => real.sleep(Math.min(ms, 20), signal) };
  const { signal } = new AbortController();
  const open = async (): Promise<void> => {
    ledger = await openLedger(world.ledger, 'daemon', { ...io, env: world.env });
  };

  async function execute(job: string, cause: 'schedule' | 'catch-up' | 'command'): Promise<number> {
    const options = { ledger, io: { ...io, env: world.env }, signal, jobs: world.jobs, state: world.state, cause };
    return (await run.execute({ verb: 'run', job }, options)).exitCode;
  }

  /** The jobs of one minute, all at once. Gives the minutes at which each of them ran. */
  async function minutes(count: number): Promise<Record<string, number[]>> {
    const ran: Record<string, number[]> = {};
    const start = now;
    for (; now < start + count * MINUTE; now += MINUTE) {
      const { jobs } = await loadJobs(world.jobs, world.env);
      const due = jobs.flatMap((job) => {
        const next = dueRun(ledger, job, { since: lastFire(ledger, job.id) ?? start - 1, interrupted: false, now });
        if (next === undefined) return [];
        rememberFire(ledger, job.id, next.due);
        ran[job.id] = [...(ran[job.id] ?? []), (now - start) / MINUTE];
        return [execute(job.id, next.cause)];
      });
      await Promise.all(due);
      for (const job of jobs) noteMatters(ledger, job, now);
    }
    return ran;
  }
  const told = (): { job: string; detail: string; solved: number }[] =>
    ledger.db
      .prepare<[], { job: string; detail: string; solved: number }>(
        "SELECT job, detail, solved_at IS NOT NULL AS solved FROM notices WHERE kind = 'source-unreachable' ORDER BY id",
      )
      .all();

  beforeEach(async () => {
    world = await openWorld({ remote: 'sftp' });
    await world.cli(['status']);
    await open();
  });
  afterEach(async () => {
    await ledger.close();
    await world.close();
  });

  it('N09: a refused login is tried again after 1, 2, 4, 8 and then 15 minutes, by all jobs together, told once, and shown', async () => {
    const { sftp } = world;
    if (!sftp) throw new Error('no server');
    world.job('each-minute', { delivery: PATIENT, schedule: '* * * * *', source: { match: 'a*.csv' } });
    world.drop('a.csv', csv(rows('A', 3)));
    sftp.quirks.refuseAuth = true;
    expect(await minutes(30)).toEqual({ 'each-minute': [0, 1, 3, 7, 15] });
    expect(sftp.seen.connections).toBe(5);
    // The same password is not offered in a second way: that would count twice.
    expect(sftp.seen.offered).toEqual(Array(5).fill('password'));
    expect(told()).toEqual([{ job: 'each-minute', detail: '{"code":"SFTP_AUTH"}', solved: 0 }]);

    // A restart forgets nothing, and another job of the same user waits with it.
    await ledger.close();
    await open();
    world.job('other', { delivery: PATIENT, schedule: '* * * * *', source: { match: 'other-*' } });
    sftp.seen.connections = 0;
    await minutes(31);
    expect(sftp.seen.connections).toBeLessThanOrEqual(3);
    await ledger.close();
    const status = (await world.cli(['status', '--json'])).json();
    expect(status.jobs).toMatchObject([
      { id: 'each-minute', login: { refusals: expect.any(Number) } },
      { id: 'other' },
    ]);
    expect((await world.cli(['status'])).stdout).toMatch(/login +refused \d+ times in a row, last at/);
    await open();

    // A person who asks for a run is not kept waiting.
    sftp.seen.connections = 0;
    expect(await execute('each-minute', 'command')).toBe(4);
    expect(sftp.seen.connections).toBe(1);
    expect(world.requests()).toEqual([]);

    sftp.clearQuirks();
    const after = await minutes(17);
    expect(after['each-minute']?.length).toBeGreaterThan(0);
    expect(world.requests()).toHaveLength(3);
    expect(told().map(({ job, solved }) => [job, solved])).toEqual([
      ['each-minute', 1],
      ['other', 1],
    ]);
    // Nothing is left of it: the next minute runs both.
    expect(await minutes(2)).toEqual({ 'each-minute': [0, 1], other: [0, 1] });
    const db = new Database(world.ledger, { readonly: true });
    expect(db.prepare("SELECT count(*) AS n FROM watch_marks WHERE name LIKE 'login-%'").get()).toEqual({ n: 0 });
    db.close();
  });

  it.each([
    ['told', 'SFTP_AUTH'],
    ['silent', 'SFTP_LOGIN_LOST'],
  ] as const)(
    'N09: a server that hangs up (%s) once a password is offered is asked as seldom as one that refuses it',
    async (way, code) => {
      const { sftp } = world;
      if (!sftp) throw new Error('no server');
      world.job('each-minute', { delivery: PATIENT, schedule: '* * * * *', source: { match: 'a*.csv' } });
      world.drop('a.csv', csv(rows('A', 3)));
      sftp.quirks.disconnectOnAuth = way;
      expect(await execute('each-minute', 'schedule')).toBe(4);
      expect([sftp.seen.connections, sftp.seen.offered]).toEqual([1, ['password']]);
      expect(JSON.stringify(newestRuns(ledger, 'each-minute', 1)[0]?.halted)).toContain(code);
      now += 60 * MINUTE;
      sftp.clearQuirks();
      expect(await execute('each-minute', 'schedule')).toBe(0);
      sftp.quirks.disconnectOnAuth = way;
      sftp.seen.connections = 0;
      expect(await minutes(30)).toEqual({ 'each-minute': [0, 1, 3, 7, 15] });
      expect(sftp.seen.connections).toBe(5);
      sftp.clearQuirks();
      await minutes(17);
      expect(world.requests()).toHaveLength(3);
    },
  );

  it('N06: a server with another host key than the pinned one is offered nothing and its inbox is left alone, whatever a run does; other jobs go on, and people are told once', async () => {
    const { sftp } = world;
    if (!sftp) throw new Error('no server');
    const other = await openWorld({ remote: 'sftp' });
    const pin = `SHA256:${'A'.repeat(43)}`;
    world.job('feed', { delivery: PATIENT, schedule: '* * * * *', source: { hostKey: pin } });
    world.job('other', {
      delivery: PATIENT,
      schedule: '* * * * *',
      source: {
        url: `sftp://partner@127.0.0.1:${other.sftp?.port}/inbox`,
        hostKey: String(other.sftp?.hostKeyFingerprint),
      },
    });
    world.drop('a.csv', csv(rows('A', 3)));
    other.drop('b.csv', csv(rows('B', 3)));
    const ran = await minutes(30);
    expect([ran.other?.length, (ran.feed ?? []).length > 3]).toEqual([30, true]);
    const ends = ledger.db
      .prepare(
        "SELECT DISTINCT account ->> '$.halted.code' AS code, account ->> '$.seen.files' AS files FROM runs WHERE job = 'feed'",
      )
      .all();
    expect(ends).toEqual([{ code: 'HOSTKEY_MISMATCH', files: 0 }]);
    expect(sftp.seen.offered).toEqual([]);
    expect([world.files('inbox'), world.files('processing'), world.files('results')]).toEqual([['a.csv'], [], []]);
    expect(world.requests().map(({ body }) => body.data.partner_conversion_id)).toEqual(
      rows('B', 3).map(({ id }) => id),
    );
    expect(told()).toEqual([{ job: 'feed', detail: '{"code":"HOSTKEY_MISMATCH"}', solved: 0 }]);
    expect(await execute('feed', 'command')).toBe(4);
    expect(sftp.seen.offered).toEqual([]);

    // Its operator says that the key is right.
    world.job('feed', { delivery: PATIENT, schedule: '* * * * *' });
    expect(await execute('feed', 'command')).toBe(0);
    expect(world.requests()).toHaveLength(6);
    await minutes(1);
    expect(told().map(({ solved }) => solved)).toEqual([1]);
    await other.close();
  });

  it('N28: a server that cannot be reached at the only tick of the day is tried again, not left until tomorrow', async () => {
    const { sftp } = world;
    if (!sftp) throw new Error('no server');
    const proxy = await startToxics(sftp.port);
    const at = new Date(now);
    const url = `sftp://partner@127.0.0.1:${proxy.port}/inbox`;
    world.job('daily', {
      delivery: PATIENT,
      schedule: `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`,
      source: { url },
    });
    world.drop('a.csv', csv(rows('A', 3)));
    proxy.refusing = true;
    expect(await minutes(5)).toEqual({ daily: [0, 1, 3] });
    expect(world.requests()).toEqual([]);
    const ready = () =>
      isReady({ ledger, io: { ...io, env: world.env }, jobsFolder: world.jobs, lastLook: io.monotonic });
    expect(await ready()).toEqual({
      ok: false,
      reasons: ['job daily: its last 3 runs were halted, the newest with SFTP_UNREACHABLE'],
    });
    proxy.heal();
    expect(await minutes(60)).toEqual({ daily: [2] });
    expect(world.requests()).toHaveLength(3);
    expect(world.files('results')).toEqual(['a.csv.results.csv']);
    expect(await ready()).toEqual({ ok: true, reasons: [] });
    await proxy.close();
  });
});
