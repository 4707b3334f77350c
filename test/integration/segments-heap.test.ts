import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { loadJobs } from '../../src/jobs/load.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { gatherPages } from '../../src/pipelines/sync-segment/pages.ts';
import { type CliProcess, until } from './support/e2e-cli.ts';
import { drainBody, postHeap, syncBody, syncSegment } from './support/heap-webhook.ts';
import { openSegmentsWorld, type SegmentsWorld, user, users } from './support/segments-world.ts';
import { fromEnv } from './support/usual-job.ts';

const io = realIo(createLog('silent'));
const KEY = 'the-secret-that-heap-gave';
const SEGMENT = { id: 1338065, name: 'Free Customers' };
const HEAP = {
  members: { from: 'heap', id: undefined },
  file: { trailer: undefined },
  receive: { key: fromEnv('HEAP_KEY') },
};

describe('segments that Heap posts', { timeout: 120_000 }, () => {
  let segments: SegmentsWorld;
  let daemon: CliProcess | undefined;
  let url: string;
  beforeEach(async () => {
    segments = await openSegmentsWorld({
      job: { ...HEAP, segments: { vip: undefined, 1338065: 'Free Customers', 99: 'Others' } },
    });
    segments.world.env.HEAP_KEY = KEY;
  });
  afterEach(async () => {
    await kill();
    await segments.close();
  });

  const start = async (): Promise<void> => {
    const started = segments.world.start(['daemon'], { REFERRY_RECEIVE: '127.0.0.1:0' });
    daemon = started;
    url = await until('the daemon to listen', () => /receiving on (http:\S+)/.exec(started.told().stderr)?.[1]);
  };
  const kill = async (): Promise<void> => {
    daemon?.kill('SIGKILL');
    await daemon?.done;
    daemon = undefined;
  };
  const heap = (): Parameters<typeof postHeap>[0] => ({ io, url: `${url}/webhooks/segments`, secret: KEY });
  const sync = async (
    task: string,
    add: readonly string[],
    remove: readonly string[] = [],
    segment = SEGMENT,
  ): Promise<void> => {
    const told = await syncSegment(heap(), { segment, add, remove }, { task, perPage: 10, pauseMs: 20 });
    expect(told.delivered).toBe(true);
  };
  const members = (): string[] => segments.members('1338065').sort();
  const pagesWaiting = (): number => {
    const db = new Database(segments.world.ledger, { readonly: true });
    const { n } = db
      .prepare<[], { n: number }>('SELECT count(*) AS n FROM received_pages WHERE taken_up_at IS NULL')
      .get() ?? { n: -1 };
    db.close();
    return n;
  };

  it('what its pages add and remove is at the target after the next run, as rows with an outcome each', async () => {
    await start();
    await sync('t1', users(1, 25));
    expect(pagesWaiting()).toBe(3);
    const first = await segments.world.run('segments');
    expect(first.run, first.stderr).toMatchObject({ read: 25, delivered: 25, open: 0, balanced: true });
    expect(members()).toEqual(users(1, 25).sort());
    expect(pagesWaiting()).toBe(0);
    const name = first.run.files[0]?.path ?? '';
    expect(name).toMatch(/^segments-heap-\d{8}T\d{6}Z-r\d+\.csv$/);
    expect(segments.results(name)).toHaveLength(25);
    await sync('t2', users(26, 27), users(1, 2));
    expect((await segments.world.run('segments')).run).toMatchObject({ read: 4, delivered: 4, balanced: true });
    expect(members()).toEqual(users(3, 27).sort());
    // Who went comes again with the very change that came before.
    for (const [task, add, remove] of [
      ['t3', users(1, 2), users(26, 27)],
      ['t4', users(26, 27), users(1, 2)],
    ] as const) {
      await sync(task, add, remove);
      const { run, stderr } = await segments.world.run('segments');
      expect(run, stderr).toMatchObject({ read: 4, delivered: 4, balanced: true });
    }
    expect(members()).toEqual(users(3, 27).sort());
    // Posted again, all of it: nothing is new.
    await sync('t2', users(26, 27), users(1, 2));
    expect((await segments.world.run('segments')).run).toMatchObject({ read: 0, balanced: true });
    expect(members()).toEqual(users(3, 27).sort());
  });

  it('a drain waits for a person, and so do the pages after it; then everybody is gone but who came since', async () => {
    await start();
    await sync('t1', users(1, 20));
    await segments.world.run('segments');
    expect((await postHeap(heap(), drainBody(SEGMENT))).status).toBe(200);
    const held = await segments.world.run('segments');
    expect(held.run).toMatchObject({ held: 20, balanced: true });
    expect(members()).toEqual(users(1, 20).sort());
    await sync('t2', users(30, 31));
    const waits = await segments.world.run('segments');
    expect(waits.run.notices).toContainEqual({
      code: 'PAGES_WAIT',
      message: expect.stringContaining('1 pages of Heap wait'),
    });
    expect(members()).toEqual(users(1, 20).sort());
    const name = held.run.files[0]?.path ?? '';
    const released = await segments.world.cli(['release', name, '--reason', 'the segment was deleted']);
    expect(released.code, released.stdout + released.stderr).toBe(0);
    expect(members()).toEqual([]);
    await segments.world.run('segments');
    expect(members()).toEqual(users(30, 31).sort());
  });

  it('a drain behind a file that is not through waits for it, and then takes all of its members', async () => {
    segments.job({
      ...HEAP,
      segments: { vip: undefined, 1338065: 'Free Customers', 99: 'Others' },
      guards: { maxShrink: 1, maxGrowth: 1000 },
      target: { braze: { patience: '100ms' } },
    });
    await start();
    await sync('t0', [user(1)]);
    await segments.world.run('segments');
    await sync('t1', users(2, 20));
    segments.braze.setFaults(() => ({ kind: 'status', status: 503 }));
    expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 0, open: 19, balanced: true });
    expect((await postHeap(heap(), drainBody(SEGMENT))).status).toBe(200);
    await sync('t2', [user(30)], [], { id: 99, name: 'Others' });
    const waits = await segments.world.run('segments');
    expect(waits.run.notices).toContainEqual({
      code: 'PAGES_WAIT',
      message: expect.stringMatching(
        /^Heap deleted Free Customers, and its pages wait: p2 \(segments-heap-.* is not through yet$/,
      ),
    });
    // Those of another segment go on.
    expect(pagesWaiting()).toBe(1);
    segments.braze.setFaults(() => undefined);
    const held = await segments.world.run('segments');
    expect(members()).toEqual(users(1, 20).sort());
    expect(pagesWaiting()).toBe(0);
    const drain = held.run.files.find(({ state }) => state === 'held')?.path ?? '';
    const { stdout } = await segments.world.cli(['held']);
    expect(stdout).toContain('Heap says that Free Customers was deleted there: 20 of 20 confirmed members would go');
    const released = await segments.world.cli(['release', drain, '--reason', 'the segment was deleted']);
    expect(released.code, released.stdout + released.stderr).toBe(0);
    expect(members()).toEqual([]);
    expect(segments.members('99')).toEqual([user(30)]);
  });

  it('a second drain, after people came back, takes these too; whoever is added between a drain and its release stays', async () => {
    segments.job({
      ...HEAP,
      segments: { vip: undefined, 1338065: 'Free Customers' },
      guards: { maxShrink: 1, maxGrowth: 1000 },
    });
    await start();
    const release = async (): Promise<void> => {
      const { run } = await segments.world.run('segments');
      const { path = '' } = run.files.find(({ state }) => state === 'held') ?? {};
      const released = await segments.world.cli(['release', path, '--reason', 'the segment was deleted']);
      expect(released.code, released.stdout + released.stderr).toBe(0);
    };
    await sync('t1', users(1, 20));
    await segments.world.run('segments');
    // Some come back before it is looked: they stay, and the others wait for a person all the same.
    expect((await postHeap(heap(), drainBody(SEGMENT))).status).toBe(200);
    await sync('t2', users(1, 19));
    await release();
    expect(members()).toEqual(users(1, 19).sort());
    expect((await postHeap(heap(), drainBody(SEGMENT))).status).toBe(200);
    expect((await postHeap(heap(), drainBody(SEGMENT))).status).toBe(200);
    await release();
    expect(members()).toEqual([]);
    expect((await segments.world.run('segments')).run).toMatchObject({ read: 0, open: 0 });
  });

  it('while one segment is held, pages of the others are synced', async () => {
    await start();
    await sync('t1', users(1, 20));
    await sync('t2', users(1, 20), [], { id: 99, name: 'Others' });
    await segments.world.run('segments');
    expect((await postHeap(heap(), drainBody(SEGMENT))).status).toBe(200);
    await sync('t3', [user(21)], [], { id: 99, name: 'Others' });
    const held = await segments.world.run('segments');
    expect(held.run).toMatchObject({ held: 20, delivered: 1, balanced: true });
    await sync('t4', users(30, 31));
    await sync('t5', [user(22)], [], { id: 99, name: 'Others' });
    const { run } = await segments.world.run('segments');
    expect(run).toMatchObject({ delivered: 1, balanced: true });
    expect(run.notices.map(({ code }) => code)).toEqual(['PAGES_WAIT']);
    expect(members()).toEqual(users(1, 20).sort());
    expect(segments.members('99').sort()).toEqual(users(1, 22).sort());
  });

  it('segments that the job does not name are told and wait, and members without an id are counted', async () => {
    await start();
    await sync('t1', users(1, 3), [], { id: 4711, name: 'Strangers' });
    const body = syncBody({ segment: SEGMENT, add: users(1, 2) }, { task: 't2', page: 1, pages: 1 });
    const odd = JSON.parse(JSON.stringify(body).replace('"add":[', '"add":[{"id":null},'));
    expect((await postHeap(heap(), odd)).status).toBe(200);
    const { run } = await segments.world.run('segments');
    expect(run.notices.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['SEGMENT_UNLISTED', 'MEMBERS_WITHOUT_ID']),
    );
    expect(members()).toEqual(users(1, 2).sort());
    expect(pagesWaiting()).toBe(1);
    segments.job({ ...HEAP, segments: { vip: undefined, 1338065: 'Free Customers', 4711: 'Strangers' } });
    await segments.world.run('segments');
    expect(segments.members('4711').sort()).toEqual(users(1, 3).sort());
    expect(pagesWaiting()).toBe(0);
  });

  it('a daemon that is killed between taking pages up and noting it takes them up once', async () => {
    await start();
    await sync('t1', users(1, 25));
    await kill();
    for (const point of ['staged', 'claimed-file', 'sealed']) {
      const { signal } = await segments.world.cli(['run', 'segments'], { REFERRY_CRASH_AT: `${point}:1` });
      expect(signal, point).toBe('SIGKILL');
    }
    const { run } = await segments.world.run('segments');
    expect(run.balanced).toBe(true);
    expect((await segments.world.run('segments')).run).toMatchObject({ read: 0, open: 0 });
    expect(members()).toEqual(users(1, 25).sort());
    expect(pagesWaiting()).toBe(0);
    expect(segments.world.files('results').filter((name) => name.includes('heap'))).toHaveLength(1);
  });

  it('pages count as taken up once their file is staged, and not before; gathered again they are the same file', async () => {
    await start();
    await sync('t1', users(1, 12), ['gone']);
    await kill();
    const { jobs } = await loadJobs(segments.world.jobs, segments.world.env);
    const job = jobs.find((each) => each.pipeline === 'sync-segment');
    if (job?.pipeline !== 'sync-segment') throw new Error('there is no such job');
    const ledger = await openLedger(segments.world.ledger, 'command', io);
    try {
      const staging = join(segments.world.state, 'staging');
      const { signal } = new AbortController();
      const gather = (run: number): ReturnType<typeof gatherPages> =>
        gatherPages({ run, ledger, io, signal, staging, destinationId: 1, progress: () => {} }, job);
      const first = await gather(1);
      expect(pagesWaiting()).toBe(3);
      const text = readFileSync(first.file?.path ?? '', 'utf8');
      expect(text.split('\n').slice(0, 2)).toEqual(['segment,action,id,pages', '1338065,remove,gone,1-3']);
      expect(text.match(/,add,/g)).toHaveLength(12);
      const again = await gather(2);
      expect(readFileSync(again.file?.path ?? '', 'utf8')).toBe(text);
      // What the gathering that was cut short has left is gone.
      expect(readdirSync(join(staging, 'pages'))).toEqual([again.file?.name]);
      expect(pagesWaiting()).toBe(3);
      await again.file?.taken();
      expect(pagesWaiting()).toBe(0);
      expect(readdirSync(join(staging, 'pages'))).toEqual([]);
      expect((await gather(3)).file).toBeUndefined();
    } finally {
      await ledger.close();
    }
  });

  it('prune leaves a gathered file alone until it is staged, however old, and removes one that nobody needs', async () => {
    await start();
    await sync('t1', users(1, 3));
    await kill();
    await segments.world.cli(['run', 'segments'], { REFERRY_CRASH_AT: 'staged:1' });
    const folder = join(segments.world.state, 'staging', 'pages');
    const [needed = ''] = readdirSync(folder);
    writeFileSync(join(folder, 'segments-heap-20261101T000000Z-r9.csv'), 'left by a process that died');
    const old = new Date(Date.now() - 2 * 86_400_000);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), old, old);
    expect((await segments.world.cli(['prune'])).code).toBe(0);
    expect(readdirSync(folder)).toEqual([needed]);
    expect((await segments.world.run('segments')).run).toMatchObject({ delivered: 3, open: 0, balanced: true });
    expect(members()).toEqual(users(1, 3).sort());
  });

  it('check says what is missing, or is said twice', async () => {
    const said = async (change: object): Promise<string> => {
      segments.job({ segments: { vip: undefined, 1: 'One' }, file: { trailer: undefined }, ...change });
      const { code, stdout, stderr } = await segments.world.cli(['check']);
      expect(code).toBe(2);
      return stdout + stderr;
    };
    expect(await said({ members: { from: 'heap', id: undefined } })).toContain('the key of the webhook is needed here');
    expect(await said({ ...HEAP, members: { from: 'heap' } })).toContain('with from: heap, leave it out');
    expect(await said({ receive: HEAP.receive })).toContain('set members.from: heap');
    expect(await said({ members: { id: undefined } })).toContain("the column with the member's id is needed");
  });
});
