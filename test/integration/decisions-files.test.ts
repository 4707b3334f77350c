import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliProcess, until } from './support/e2e-cli.ts';
import { startDaemon } from './support/e2e-daemon.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, HEADER, lineOf, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const WHY = ['--reason', 'the branch confirmed it', '--by', 'ann'];
/** Two good rows among three bad ones: more than half is rejected. */
const MOSTLY_BAD = csv([
  row('G-1'),
  row('X-1', { email: 'nobody' }),
  row('X-2', { email: 'nobody' }),
  row('G-2'),
  row('X-3', { email: 'nobody' }),
]);

describe('what a person decides about files', { timeout: 90_000 }, () => {
  let world: World;
  let daemon: CliProcess | undefined;
  beforeEach(async () => {
    world = await openWorld();
    world.job('feed');
  });
  afterEach(async () => {
    daemon?.kill('SIGKILL');
    await daemon?.done;
    daemon = undefined;
    await world.close();
  });
  const results = (name: string) => readResults(world.read(`results/${name}`));
  const keysSent = (): string[] => world.requests().map(({ body }) => body.data.partner_conversion_id ?? '');

  it('release: a file held by its check is delivered after all, and what it sends is what was shown', async () => {
    world.drop('known.csv', csv([row('G-2')]), 90);
    world.drop('a.csv', MOSTLY_BAD, 60);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 1, held: 2, rejected: 3 });
    daemon = await startDaemon(world);
    const held = await world.cli(['held', 'feed', '--json']);
    expect(held.json()).toMatchObject({ waiting: [{ kind: 'file', file: 'p2', code: 'TOO_MANY_REJECTED' }] });
    const listed = await world.cli(['files', 'feed', '--only', 'held', '--json']);
    expect(listed.json()).toMatchObject({ files: [{ file: 'p2', state: 'held', counts: { held: 2, rejected: 3 } }] });

    expect((await world.cli(['release', 'a.csv', '--dry-run', '--json'])).json()).toMatchObject({ rows: 1 });
    expect((await world.cli(['release', 'a.csv', ...WHY, '--expect', '2'])).stderr).toContain('but 1 row');
    expect(keysSent()).toEqual(['G-2']);
    const { code, stdout, stderr } = await world.cli(['release', 'a.csv', ...WHY, '--json']);
    expect(code, stdout + stderr).toBe(0);
    expect(keysSent()).toEqual(['G-2', 'G-1']);
    expect(fates(results('a.csv.results.r2.csv'))).toEqual([
      '2 delivered',
      '3 rejected EMAIL_INVALID',
      '4 rejected EMAIL_INVALID',
      '5 duplicate DUPLICATE',
      '6 rejected EMAIL_INVALID',
    ]);
    expect((await world.cli(['explain', 'G-1'])).stdout).toContain('released by ann');
    // The same contents again: nothing is sent, and they are not held.
    world.drop('a-again.csv', MOSTLY_BAD);
    expect((await world.run('feed')).run).toMatchObject({ duplicate: 2, rejected: 3, held: 0, delivered: 0 });
  });

  it('reject: a file held by its check ends as rejected; a report and a revision of its results say so', async () => {
    world.drop('a.csv', MOSTLY_BAD);
    await world.run('feed');
    const { code, stdout } = await world.cli(['reject', 'a.csv', '--reason', 'a test file', '--json']);
    expect(code, stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 2, run: { carriedIn: 2, rejected: 2, balanced: true } });
    expect(fates(results('a.csv.results.r2.csv')).filter((fate) => fate.includes('OPERATOR_REJECTED'))).toHaveLength(2);
    expect(results('a.csv.results.r2.csv')[0]?.reason).toContain('a test file');
    expect(keysSent()).toEqual([]);
    const reports = world.files('reports').filter((name) => name.endsWith('.r2.json'));
    expect(readFileSync(join(world.served, 'reports', reports[0] ?? ''), 'utf8')).toContain('OPERATOR_REJECTED');
    expect((await world.cli(['held'])).stdout).toContain('Nothing waits');
  });

  it('reprocess: a file refused because the job was wrong is delivered once the job was put right', async () => {
    world.job('feed', { event: { data: { email: 'mail' } } });
    world.drop('a.csv', csv(rows('A', 3)));
    expect((await world.run('feed')).run).toMatchObject({ seen: { refused: 1 } });
    expect(world.files('refused')).toHaveLength(1);
    world.job('feed');
    daemon = await startDaemon(world);
    expect((await world.cli(['reprocess', 'a.csv', '--dry-run', '--json'])).json()).toMatchObject({ rows: 3 });
    expect(keysSent()).toEqual([]);
    const { code, stdout, stderr } = await world.cli(['reprocess', 'a.csv', ...WHY, '--json']);
    expect(code, stdout + stderr).toBe(0);
    expect(keysSent()).toEqual(rows('A', 3).map(({ id }) => id));
    expect(fates(results('a.csv.results.r2.csv'))).toEqual(rows('A', 3).map((_, i) => `${i + 2} delivered`));
    expect([world.files('refused').length, world.files('archive').length]).toEqual([0, 1]);
    const again = await world.cli(['reprocess', 'a.csv', ...WHY]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('nothing was done')]);
    expect(world.files('archive')).toHaveLength(1);
  });

  it('reprocess: under the corrected job, delivered rows are duplicates, and the others are judged anew, each once', async () => {
    world.extole.setFaults(({ body }) =>
      body.includes('"F-1"') ? { kind: 'status', status: 408 } : body.includes('"U-1"') ? 'resetpost' : undefined,
    );
    world.job('feed', { delivery: { maxAttempts: 1 }, file: { maxRejected: 1 } });
    const wrongName = `${HEADER}\n${[row('D-1'), row('F-1'), row('U-1')].map(lineOf).join('\n')}\n${lineOf(row('T-1', { at: '21.11.2026 06:00' }))}\n`;
    world.drop('a.csv', wrongName);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 1, failed: 1, held: 1, rejected: 1 });
    world.extole.setFaults(undefined);
    world.job('feed', { event: { time: { from: 'at', format: ['iso', 'dd.MM.yyyy HH:mm'], timezone: 'UTC' } } });
    const look = await world.cli(['reprocess', 'p1', '--dry-run', '--json']);
    expect(look.json(), look.stderr).toMatchObject({ rows: 2 });
    const { code, stdout, stderr } = await world.cli(['reprocess', 'p1', ...WHY, '--json']);
    expect(code, stdout + stderr).toBe(3);
    expect(keysSent().slice(3).sort()).toEqual(['F-1', 'T-1']);
    expect(fates(results('a.csv.results.r3.csv'))).toEqual([
      '2 duplicate DUPLICATE',
      '3 delivered',
      '4 duplicate DUPLICATE',
      '5 delivered',
    ]);
    // The earlier pass ends what it left failed; what may have been accepted stays held there.
    expect(fates(results('a.csv.results.r2.csv'))).toEqual([
      '2 delivered',
      '3 rejected SUPERSEDED',
      '4 held UNKNOWN_DELIVERY',
      '5 rejected TIME_INVALID',
    ]);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 0, failed: 0 });
    expect(keysSent()).toHaveLength(5);
  });

  it('a released file that meets a halted destination stays open as a whole, and is finished by the next run', async () => {
    world.drop('a.csv', MOSTLY_BAD);
    await world.run('feed');
    world.extole.setFaults(() => '401');
    expect((await world.cli(['release', 'a.csv', ...WHY])).code).toBe(4);
    const { stdout } = await world.cli(['status', '--json']);
    expect(JSON.parse(stdout).jobs[0].rows.open.count).toBe(2);
    expect((await world.cli(['retry', 'feed', '--dry-run', '--json'])).json()).toMatchObject({ rows: 2 });
    world.extole.setFaults(undefined);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 2, open: 0, balanced: true });
    expect(fates(results('a.csv.results.r2.csv')).filter((fate) => fate.includes('delivered'))).toHaveLength(2);
  });

  it('more than 100 rows are not sent by a slip: where nobody can be asked, the number has to be given', async () => {
    const bad = Array.from({ length: 130 }, (_, i) => lineOf(row(`X-${i}`, { email: 'nobody' })));
    world.drop('a.csv', csv([...rows('A', 120), ...bad]));
    await world.run('feed');
    const asked = await world.cli(['release', 'a.csv', ...WHY]);
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('--expect 120')]);
    expect((await world.cli(['release', 'a.csv', ...WHY, '--expect', '119'])).code).toBe(2);
    expect(world.requests()).toEqual([]);
    expect((await world.cli(['release', 'a.csv', ...WHY, '--expect', '120'])).code).toBe(0);
    expect(world.requests()).toHaveLength(120);
  });

  it('a name that several files have is answered with the list; nothing is done', async () => {
    world.drop('a.csv', MOSTLY_BAD);
    await world.run('feed');
    world.drop('a.csv', MOSTLY_BAD.replace('G-1', 'G-7'));
    await world.run('feed');
    const { code, stderr } = await world.cli(['release', 'a.csv', ...WHY]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/p1 .*\n.*p2 /);
    expect(keysSent()).toEqual([]);
  });

  it.each(['decision-planned', 'committed'])(
    'a daemon that dies in the middle of a release (%s) has it continued by the next one: each row once, one revision',
    async (place) => {
      world.drop('a.csv', MOSTLY_BAD);
      await world.run('feed');
      daemon = world.start(['daemon'], { REFERRY_CRASH_AT: place });
      await until('the daemon to be ready', () => daemon?.told().stderr.includes('referry: ready'));
      const asked = await world.cli(['release', 'a.csv', ...WHY]);
      expect(asked.stderr).toContain('DAEMON_GONE');
      expect((await daemon.done).signal).toBe('SIGKILL');
      // What was on its way when the daemon died is held: released once more, knowingly.
      world.job('feed', { delivery: { unknown: 'resend' } });
      daemon = await startDaemon(world);
      await world.run('feed');
      expect([...new Set(keysSent())].sort()).toEqual(['G-1', 'G-2']);
      if (place !== 'committed') expect(keysSent()).toHaveLength(2);
      const last = world.files('results').at(-1) ?? '';
      expect(last).toBe('a.csv.results.r2.csv');
      expect(fates(results(last)).filter((fate) => fate.includes('delivered'))).toEqual(['2 delivered', '5 delivered']);
      const again = await world.cli(['release', 'a.csv', ...WHY]);
      expect(again.stdout).toContain('nothing was done');
      expect((await world.cli(['explain', 'G-1'])).stdout.split('released by ann')).toHaveLength(2);
    },
  );
});
