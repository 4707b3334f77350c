import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCli } from '../integration/support/e2e-cli.ts';
import { backdateSchedule } from '../integration/support/e2e-daemon.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { type End, startProcess } from '../integration/support/processes.ts';
import { expectNoneAgain, keysSent, standingOf } from './support/acknowledged.ts';

const noStrace =
  spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 ? undefined : 'strace may not trace here';
if (noStrace !== undefined && process.env.REFERRY_REQUIRE_ALL === '1') throw new Error(noStrace);
const notRoot = process.getuid?.() === 0 ? undefined : 'only root may become another user';
const skipped = (why: string | undefined): string => (why === undefined ? '' : ` (skipped: ${why})`);
const DAY = 86_400_000;

describe('a ledger that is damaged, or that this process may not write', { timeout: 90_000 }, () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' }, schedule: '0 3 1 1 *' });
    world.drop('a.csv', csv(rows('A', 300)));
    expect((await world.run('feed')).code).toBe(0);
  });
  afterEach(() => world.close());
  /** A crash: the ledger is left with its write-ahead log, as one that nobody closed. */
  const crashed = async (): Promise<void> => {
    world.drop('b.csv', csv(rows('B', 300)));
    const { signal } = await world.cli(['run', 'feed'], { REFERRY_CRASH_AT: 'committed:3' });
    expect(signal).toBe('SIGKILL');
    expect(statSync(`${world.ledger}-wal`).size).toBeGreaterThan(0);
  };
  const expectRefused = (end: End, code: string, exit: number): void => {
    expect([end.code, end.stderr], end.stderr).toEqual([exit, expect.stringContaining(code)]);
    expect(end.stderr).toContain('what to do:');
    expect(end.stderr).not.toContain('an error of referry itself');
  };

  it.skipIf(noStrace)(
    `S05: after a flush that failed nothing more is sent or written: the command, and a daemon, end with 74${skipped(noStrace)}`,
    async () => {
      world.drop('b.csv', csv(rows('B', 300)));
      const trace = join(world.root, 'trace');
      const inject = (n: number): string[] => {
        const what = ['-e', 'trace=fsync', '-e', `inject=fsync:error=EIO:when=${n}+`];
        return ['strace', '-f', '-qq', '-ttt', '-o', trace, ...what];
      };
      world.extole.setFaults(() => ({ kind: 'slow', ms: 30 }));
      const before = world.requests().length;
      // As late as it takes for some rows to have left.
      let sent = 0;
      for (let n = 14; sent === 0 && n < 40; n += 2) {
        const end = await startCli(['run', 'feed', '--json'], world.env, inject(n)).done;
        expectRefused(end, 'LEDGER_UNREADABLE', 74);
        sent = world.requests().length - before;
      }
      expect(sent).toBeGreaterThan(0);
      expect(sent).toBeLessThan(300);
      const failed = Number(/^\d+ +([\d.]+) fsync.*EIO/m.exec(readFileSync(trace, 'utf8'))?.[1]) * 1000;
      // The log has a request when it has come, a moment after it left.
      expect(world.requests().filter(({ at }) => Date.parse(at) > failed + 1000)).toEqual([]);
      const left = standingOf(world);

      world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' }, schedule: '* * * * *' });
      backdateSchedule(world, 'feed', DAY);
      const daemon = startCli(['daemon'], world.env, inject(14));
      const ended = await daemon.done;
      world.extole.setFaults(undefined);
      expectRefused(ended, 'LEDGER_UNREADABLE', 74);
      expectNoneAgain(world, left);
      const then = standingOf(world);

      world.job('feed', { delivery: { ...PATIENT, unknown: 'resend' } });
      expect((await world.run('feed')).code).toBe(0);
      expect(fates(readResults(world.read('results/b.csv.results.csv')))).toEqual(
        rows('B', 300).map((_, i) => `${i + 2} delivered`),
      );
      expectNoneAgain(world, then);
      const ids = world.requests().map(({ requestId }) => requestId);
      expect(new Set(ids).size).toBe(ids.length);
    },
  );

  it('S06: one flipped page is found after a crash, before anything is sent, with what to do; the file is left as it is', async () => {
    await crashed();
    const sent = world.requests().length;
    // The log goes into the database first, or its pages would stand in for the flipped one.
    const db = new Database(world.ledger);
    db.pragma('wal_checkpoint(TRUNCATE)');
    const page =
      db.prepare<[], { n: number }>("SELECT rootpage AS n FROM sqlite_master WHERE name = 'one_owner'").get()?.n ?? 0;
    db.close();
    const file = openSync(world.ledger, 'r+');
    writeSync(file, Buffer.alloc(64, 0xa5), 0, 64, (page - 1) * 4096);
    closeSync(file);
    const damaged = readFileSync(world.ledger);
    const end = await world.cli(['run', 'feed', '--json']);
    expectRefused(end, 'LEDGER_UNREADABLE', 74);
    expect(end.stderr).toMatch(/restore/);
    expect(world.requests()).toHaveLength(sent);
    expect(readFileSync(world.ledger).equals(damaged)).toBe(true);
    expect((await world.cli(['doctor', '--json'])).stdout).toContain('FAIL');
  });

  it('S06: a write-ahead log that is cut or gone loses at most commits that nobody was told of; a deleted -shm is made again', async () => {
    await crashed();
    const committed = world.requests().length;
    rmSync(`${world.ledger}-shm`, { force: true });
    const wal = statSync(`${world.ledger}-wal`).size;
    // Half a frame, as a power cut leaves it.
    truncateSync(`${world.ledger}-wal`, wal - 2000);
    const left = standingOf(world);
    expect(left.acknowledged.size).toBeGreaterThan(300);
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ balanced: true });
    expectNoneAgain(world, left);
    expect(world.requests().length).toBeGreaterThanOrEqual(committed);
    expect(fates(readResults(world.read('results/b.csv.results.csv')))).toEqual(
      rows('B', 300).map((_, i) => `${i + 2} delivered`),
    );
    const ids = world.requests().map(({ requestId }) => requestId);
    expect(new Set(ids).size, 'attempt ids that came twice').toBe(ids.length);
  });

  it.each([
    ['its write-ahead log', 3],
    ['the newest ledger', 0],
  ])(
    'S06: without %s it is refused, since what was acknowledged would be sent again; restored from itself it looks at what was done since',
    async (lost, waits) => {
      const old = readFileSync(world.ledger);
      await crashed();
      if (lost !== 'its write-ahead log') {
        // A later life ends well, and then somebody puts an old copy in place.
        expect((await world.run('feed')).code).toBe(0);
        writeFileSync(world.ledger, old);
      }
      const left = standingOf(world);
      for (const part of ['-wal', '-shm']) rmSync(world.ledger + part, { force: true });
      for (const command of [['run', 'feed'], ['daemon']]) {
        const end = await world.cli(command);
        expectRefused(end, 'LEDGER_BEHIND', 74);
        expect(end.stderr).toContain('referry restore BACKUP --replace');
      }
      const copy = join(world.root, 'copy.sqlite');
      copyFileSync(world.ledger, copy);
      // Where the results of then are there, they say what became of each row.
      expect((await world.cli(['restore', copy, '--replace'])).code).toBe(waits);
      const { run } = await world.run('feed');
      // What may have been sent then waits for a person; nothing of the file leaves by itself.
      const sent = expectNoneAgain(world, { ...left, acknowledged: keysSent(world, left.requests) });
      expect([sent, run.balanced]).toEqual([[], true]);
      const held = (await world.cli(['held', 'feed', '--json'])).stdout;
      expect(held.includes('LEDGER_RESTORED')).toBe(waits === 3);
    },
  );

  it('S07: an empty ledger, or none, beside its marker is refused by every command that would make one', async () => {
    const kept = readFileSync(world.ledger);
    for (const empty of [false, true]) {
      rmSync(world.ledger, { force: true });
      if (empty) writeFileSync(world.ledger, '', { mode: 0o600 });
      for (const command of [['run', 'feed'], ['daemon'], ['status'], ['prune']]) {
        const end = await world.cli(command);
        expectRefused(end, 'LEDGER_MISSING', 74);
        expect(end.stderr).toContain('referry restore');
      }
      expect(existsSync(world.ledger)).toBe(empty);
    }
    writeFileSync(world.ledger, kept, { mode: 0o600 });
    expect((await world.run('feed')).code).toBe(0);
  });

  it.skipIf(notRoot)(
    `S08: a ledger or a folder that another user owns, or that is read-only, is refused by path and user id${skipped(notRoot)}`,
    async () => {
      const folder = world.state;
      chmodSync(world.root, 0o755);
      /** As nobody, who can read the program. */
      const asNobody = (args: readonly string[]): Promise<End> => nobody(world, args);
      for (const [what, set] of [
        ['the folder is of another user', () => chmodSync(folder, 0o755)],
        ['the files are of another user', () => chownSync(folder, 65_534, 65_534)],
        [
          'the ledger may only be read',
          () => {
            for (const name of readdirSync(folder)) chownSync(join(folder, name), 65_534, 65_534);
            chmodSync(world.ledger, 0o400);
          },
        ],
        [
          'the folder may only be read',
          () => {
            chmodSync(world.ledger, 0o600);
            chmodSync(folder, 0o500);
          },
        ],
      ] as const) {
        set();
        const end = await asNobody(['run', 'feed', '--json']);
        expect([end.code, end.stderr], `${what}: ${end.stderr}`).toEqual([
          2,
          expect.stringContaining('LEDGER_NOT_WRITABLE'),
        ]);
        expect(end.stderr).toContain('user id 65534');
        expect(end.stderr).toContain(folder);
        expect(end.stderr).not.toMatch(/restore|an error of referry itself/);
      }
      chmodSync(folder, 0o700);
      chownSync(folder, 0, 0);
      for (const name of readdirSync(folder)) chownSync(join(folder, name), 0, 0);
      expect((await world.run('feed')).code).toBe(0);
    },
  );
});

/** Runs the command as the user nobody. */
async function nobody(world: World, args: readonly string[]): Promise<End> {
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  const env = { PATH: process.env.PATH ?? '', HOME: tmpdir(), NODE_DISABLE_COMPILE_CACHE: '1', ...world.env };
  return startProcess([process.execPath, main, ...args], { env, cwd: '/', user: 65_534 }).done;
}
