import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { judgeDisk } from '../../src/commands/examine-here.ts';
import { createLog, realIo } from '../../src/io.ts';
import { openBook } from '../../src/ledger/deliveries.ts';
import { doubtfulDisk, refuseNetwork } from '../../src/ledger/disk.ts';
import { type Ledger, openLedger } from '../../src/ledger/open.ts';
import { logSizeDuty } from '../../src/schedule/duty-log-size.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { expectNoneAgain, standingOf } from './support/acknowledged.ts';

const MEGABYTE = 2 ** 20;

describe('other programs on the ledger', { timeout: 90_000 }, () => {
  let world: World;
  const others: Database.Database[] = [];
  afterEach(async () => {
    for (const other of others.splice(0)) other.close();
    await world.close();
  });
  const other = (): Database.Database => {
    const db = new Database(world.ledger);
    others.push(db);
    return db;
  };
  const begin = async (): Promise<void> => {
    world = await openWorld();
    world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' } });
    expect((await world.run('feed')).code).toBe(0);
    world.drop('a.csv', csv(rows('A', 400)));
  };
  const expectOnce = (): void => {
    expect(fates(readResults(world.read('results/a.csv.results.csv')))).toEqual(
      rows('A', 400).map((_, i) => `${i + 2} delivered`),
    );
    const ids = world.requests().map(({ requestId }) => requestId);
    expect(new Set(ids).size, 'attempts that came twice').toBe(ids.length);
  };

  it('S01: a reader that stays, and a writer that locks it for two seconds in the middle of sending, cost no answer', async () => {
    await begin();
    const reader = other();
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM deliveries').get();
    const writer = other();
    let locked = false;
    world.extole.setFaults(({ seq }) => {
      if (seq < 100 || locked) return undefined;
      locked = true;
      writer.exec('BEGIN IMMEDIATE');
      setTimeout(() => writer.exec('COMMIT'), 2000);
      return undefined;
    });
    const { code, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(locked).toBe(true);
    expectOnce();
    expect(world.requests()).toHaveLength(400);
  });

  it.each(['resend', 'hold'] as const)(
    'S01: one that keeps it locked ends the run with 75, what was answered meanwhile is unknown, and the next run goes on: %s',
    async (unknown) => {
      await begin();
      world.job('feed', { delivery: { ...PATIENT, unknown } });
      const writer = other();
      world.extole.setFaults(({ seq }) => {
        if (seq === 100) writer.exec('BEGIN IMMEDIATE');
        return undefined;
      });
      const busy = await world.cli(['run', 'feed', '--json']);
      writer.exec('COMMIT');
      world.extole.setFaults(undefined);
      expect([busy.code, busy.stderr]).toEqual([75, expect.stringContaining('LEDGER_BUSY')]);
      expect(busy.stderr).not.toMatch(/restore|an error of referry itself/);
      const left = standingOf(world);
      expect(left.acknowledged.size).toBeGreaterThan(0);
      expect(left.claimed.size).toBeGreaterThan(0);
      const { code } = await world.run('feed');
      const sent = expectNoneAgain(world, left);
      if (unknown === 'hold') {
        // What was on its way is never sent again where nobody knows whether Extole drops it.
        expect(code).toBe(3);
        expect(sent.filter((key) => left.claimed.has(key))).toEqual([]);
        const held = readResults(world.read('results/a.csv.results.csv')).filter(({ outcome }) => outcome === 'held');
        expect(held.map(({ line }) => rows('A', 400)[line - 2]?.id).sort()).toEqual([...left.claimed].sort());
      } else {
        expect(code).toBe(0);
        expectOnce();
        expect(world.requests().length - 400).toBeLessThanOrEqual(left.claimed.size);
      }
    },
  );
});

describe('the ledger itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'referry-storage-'));
  let ledger: Ledger | undefined;
  const told: string[] = [];
  const log = {
    ...createLog('silent'),
    error: (fields: object) => void told.push('code' in fields ? String(fields.code) : ''),
    info: () => void told.push('small again'),
  };
  const io = realIo(log);
  afterEach(async () => {
    await ledger?.close();
    ledger = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  it('S02: a log that a reader keeps from being emptied is told of once at 256 MB, and is small again when the reader has gone', async () => {
    ledger = await openLedger(join(folder, 'ledger.sqlite'), 'daemon', io);
    const { db, path } = ledger;
    const signal = new AbortController().signal;
    const look = (): Promise<void> =>
      logSizeDuty.see({ ...{ io, signal, state: folder, jobs: [], jobsFolder: '', upkeep: {} }, ledger: openOne() });
    const openOne = (): Ledger => ledger ?? expect.fail('no ledger');
    await look();
    db.pragma('synchronous = OFF');
    db.exec('CREATE TABLE ballast (at integer PRIMARY KEY, bytes blob)');
    const reader = new Database(path, { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM ballast').get();
    const add = db.prepare('INSERT OR REPLACE INTO ballast VALUES (?, zeroblob(?))');
    for (let i = 0; i < 20; i++) add.run(i, 14 * MEGABYTE);
    await look();
    await look();
    expect(told).toEqual(['LEDGER_LOG_LARGE']);
    reader.close();
    db.pragma('wal_checkpoint(RESTART)');
    add.run(0, 10);
    await look();
    expect(told).toEqual(['LEDGER_LOG_LARGE', 'small again']);
    expect(statSync(`${path}-wal`).size).toBeLessThanOrEqual(64 * MEGABYTE);
  });

  it('S09: a network file system is refused by name, one that may go away is warned of', () => {
    for (const type of [0x6969, 0xff534d42, -0x00acb2be, 0xfe534d42, 0x517b])
      expect(() => refuseNetwork('/srv/state', type), type.toString(16)).toThrowError(
        expect.objectContaining({ code: 'LEDGER_ON_NETWORK', message: expect.stringContaining('/srv/state') }),
      );
    for (const ext4OrXfs of [0xef53, 0x58465342, 0x9123683e]) {
      expect(() => refuseNetwork('/srv/state', ext4OrXfs)).not.toThrow();
      expect(doubtfulDisk('/srv/state', ext4OrXfs)).toBeUndefined();
    }
    expect(doubtfulDisk('/srv/state', 0x794c7630)).toMatch(/overlay/);
    // doctor says so beforehand, and does not forget the room there is.
    expect(judgeDisk('/srv/state', 9e9, 0x6969)).toMatchObject({
      verdict: 'FAIL',
      detail: expect.stringContaining('NFS'),
      cause: 'configuration',
    });
    expect(judgeDisk('/srv/state', 1e6, 0x794c7630)).toMatchObject({
      verdict: 'warn',
      detail: expect.stringContaining('overlay'),
      hint: expect.stringContaining('make room'),
    });
    expect(judgeDisk('/srv/state', 9e9, 0xef53)).toMatchObject({ verdict: 'ok' });
  });

  it('S13: what is asked for each row goes by an index, however large the ledger is', async () => {
    ledger = await openLedger(join(folder, 'indexed', 'ledger.sqlite'), 'command', io);
    const { db } = ledger;
    // Every statement that a pass over a file prepares, as SQLite would go about it.
    const asked: string[] = [];
    const listening: Ledger = {
      ...ledger,
      db: new Proxy(db, {
        get: (target, name) => {
          if (name === 'prepare')
            return (sql: string) => {
              asked.push(sql);
              return target.prepare(sql);
            };
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    };
    openBook(listening, 1).range(1, 1, 100);
    expect(asked.length).toBeGreaterThan(8);
    for (const sql of asked) {
      const holes = sql.match(/\?/g)?.length ?? 0;
      const plan = db
        .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...Array.from({ length: holes }, () => null));
      for (const { detail } of plan) expect(detail, sql).not.toMatch(/^SCAN (?!CONSTANT)/);
    }
  });
});
