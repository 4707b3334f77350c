import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { until } from './support/e2e-cli.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const io = realIo(createLog('silent'));
const run = promisify(execFile);

describe('opening the ledger', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'referry-ledger-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const fresh = (name: string): string => join(folder, name, 'ledger.sqlite');

  it('writes with synchronous=FULL and a write-ahead log, to files that only their user can read', async () => {
    const path = fresh('modes');
    const ledger = await openLedger(path, 'command', io);
    ledger.db.prepare("INSERT INTO runs (job, cause, state, started_at) VALUES ('j', 'command', 'running', 1)").run();
    expect(ledger.db.pragma('synchronous', { simple: true })).toBe(2);
    expect(ledger.db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(ledger.db.pragma('foreign_keys', { simple: true })).toBe(1);
    for (const name of ['', '.lock', '-wal'])
      expect(statSync(path + name).mode & 0o077, `mode of ledger.sqlite${name}`).toBe(0);
    expect(statSync(join(folder, 'modes')).mode & 0o077).toBe(0);
    await ledger.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it('counts an epoch with each opening, and fences out whoever opened it before', async () => {
    const path = fresh('epochs');
    const first = await openLedger(path, 'command', io);
    await first.close();
    const second = await openLedger(path, 'daemon', io);
    expect(second.epoch).toBe(first.epoch + 1);
    expect(second.id).toBe(first.id);
    expect(second.hashKey.equals(first.hashKey)).toBe(true);
    await second.close();
  });

  it('says with LEDGER_IN_USE who holds it, and lets it go with the process', async () => {
    const path = fresh('locked');
    const ledger = await openLedger(path, 'daemon', io);
    await expect(openLedger(path, 'command', io)).rejects.toMatchObject({
      code: 'LEDGER_IN_USE',
      message: expect.stringContaining(`daemon with process id ${process.pid} on ${hostname()}`),
    });
    await ledger.close();
    await (await openLedger(path, 'command', io)).close();
  });

  it('starts also where the first start died in the middle of making it', async () => {
    const path = fresh('half');
    await (await openLedger(path, 'command', io)).close();
    const db = new Database(path);
    db.exec('UPDATE knex_migrations_lock SET is_locked = 1');
    db.close();
    const ledger = await openLedger(path, 'command', io);
    expect(ledger.epoch).toBe(2);
    await ledger.close();
  });

  it('outlives ten thousand statements that are collected', async () => {
    // Older builds of the database's binding end the process here.
    const script = `
      import { openLedger } from ${JSON.stringify(new URL('../../src/ledger/open.ts', import.meta.url).href)};
      import { createLog, realIo } from ${JSON.stringify(new URL('../../src/io.ts', import.meta.url).href)};
      const ledger = await openLedger(${JSON.stringify(fresh('statements'))}, 'command', realIo(createLog('silent')));
      let found = 0;
      for (let i = 0; i < 10_000; i++) {
        found += ledger.db.prepare('SELECT ' + i + ' AS n FROM ledger').get().n;
        if (i % 500 === 0) globalThis.gc();
      }
      globalThis.gc();
      await ledger.close();
      console.log(found);`;
    const { stdout } = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', script]);
    expect(stdout.trim()).toBe('49995000');
  });
});

describe('the ledger and the commands', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
    world.job('feed');
    world.drop('a.csv', csv(rows('A', 5)));
    const { code } = await world.run('feed');
    expect(code).toBe(0);
  });
  afterAll(() => world.close());

  it('S-gone: a ledger that is missing beside its marker ends the command with 74, and no new one is made', async () => {
    const kept = readFileSync(world.ledger);
    world.drop('a.csv', csv(rows('A', 5)));
    for (const lost of [undefined, '', 'this is no database, it is a text that is long enough to have a header.']) {
      rmSync(world.ledger);
      if (lost !== undefined) writeFileSync(world.ledger, lost.repeat(80), { mode: 0o600 });
      const end = await world.cli(['run', 'feed']);
      expect(end.code, end.stderr).toBe(74);
      expect(end.stderr).toMatch(lost ? /LEDGER_UNREADABLE/ : /LEDGER_MISSING/);
      expect(end.stderr).toContain('what to do:');
      if (lost === undefined) expect(existsSync(world.ledger)).toBe(false);
      rmSync(world.ledger, { force: true });
      writeFileSync(world.ledger, kept, { mode: 0o600 });
    }
    expect(world.requests()).toHaveLength(5);
  });

  it('a step of an upgrade that fails is named, and what to do; the ledger is as it was', async () => {
    const kept = readFileSync(world.ledger);
    const db = new Database(world.ledger);
    // What the step adds is there already.
    const [first] = db
      .prepare<[], { name: string }>("DELETE FROM knex_migrations WHERE name >= '0011' RETURNING name")
      .all();
    db.close();
    const end = await world.cli(['run', 'feed']);
    expect(end.code, end.stderr).toBe(74);
    expect(end.stderr).toContain('LEDGER_MIGRATION_FAILED');
    expect(end.stderr).toContain(`the step ${first?.name} failed, and nothing of it was kept`);
    expect(end.stderr).toMatch(/what to do: nothing is lost\. Install the version that ran before/);
    expect(world.requests()).toHaveLength(5);
    writeFileSync(world.ledger, kept, { mode: 0o600 });
  });

  it('S-damaged: a damaged ledger ends the command with 74 after a crash, before anything is sent', async () => {
    const kept = readFileSync(world.ledger);
    const torn = Buffer.from(kept);
    // Whole pages in the middle, as a bad disk would lose them.
    for (let at = 4096 * 2; at < torn.length - 4096; at += 4096) torn.fill(0x5a, at, at + 4096);
    writeFileSync(world.ledger, torn, { mode: 0o600 });
    const end = await world.cli(['run', 'feed']);
    expect(end.code, end.stderr).toBe(74);
    expect(end.stderr).toContain('LEDGER_UNREADABLE');
    expect(world.requests()).toHaveLength(5);
    writeFileSync(world.ledger, kept, { mode: 0o600 });
  });

  it('a ledger that others can read is refused with 2, and the remedy is named', async () => {
    chmodSync(world.ledger, 0o644);
    const end = await world.cli(['run', 'feed']);
    expect(end.code).toBe(2);
    expect(end.stderr).toContain(`chmod 600 ${world.ledger}`);
    chmodSync(world.ledger, 0o600);
  });

  it('a second executor ends with 75 and names the first, which a signal then ends with 130 and nothing lost', async () => {
    world.job('slow', { source: { match: 'slow-*.txt', stable: { for: '60s' } } });
    world.drop('slow-1.txt', csv(rows('S', 1)));
    const first = world.start(['run', 'slow', '--json']);
    await until('the first to wait for the file', () => first.told().stderr.includes('waiting for files'));
    const second = await world.cli(['run', 'feed']);
    expect(second.code, second.stderr).toBe(75);
    expect(second.stderr).toContain(`command with process id ${first.pid} on ${hostname()}`);
    first.kill('SIGINT');
    expect((await first.done).code).toBe(130);
    expect(world.files('inbox')).toContain('slow-1.txt');
    expect((await world.cli(['run', 'feed'])).code).toBe(0);
  });
});
