import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, dataOf, rows } from './support/e2e-rows.ts';
import { openWorld, type RunJson, type World, type WorldOptions } from './support/e2e-world.ts';

let world: World;

afterEach(async () => {
  await world.close();
});

/** A job on the lane sftp that looks often; `upload` goes over the usual settings. */
async function openLane(behaviour: NonNullable<WorldOptions['extoleSftp']> = {}, upload: object = {}): Promise<void> {
  world = await openWorld({ extoleSftp: { hasty: true, ...behaviour } });
  world.job('feed', {
    destination: {
      extole: {
        lane: 'sftp',
        sftp: world.extoleSftp?.settings,
        upload: { wait: '10s', poll: '100ms', stable: '300ms', ...upload },
      },
    },
  });
}

const results = (name = 'a.csv.results.csv') => readResults(world.read(`results/${name}`));
const uploads = (folder: string): string[] => readdirSync(join(world.extoleSftp?.root ?? '', 'events', folder)).sort();
const fileOf = (run: RunJson) => run.files.find(({ path }) => path === 'a.csv');

describe('the lane sftp', () => {
  it.each(['status-message', 'result-error-row', 'success'] as const)(
    'sends a file, and reads from results in the layout %s what became of each row',
    async (layout) => {
      await openLane({
        layout,
        refuseRow: ({ values }) =>
          values.partner_conversion_id === 'A-0002'
            ? { code: 'event_blocked', message: 'event_blocked: not today' }
            : undefined,
      });
      const list = rows('A', 4);
      world.drop('a.csv', csv(list));
      const { code, run, stderr } = await world.run('feed');
      expect(stderr).not.toMatch(/INTERNAL/);
      expect(fates(results())).toEqual([
        '2 delivered',
        `3 rejected ${layout === 'success' ? 'EXTOLE_ROW_FAILED' : 'event_blocked'}`,
        '4 delivered',
        '5 delivered',
      ]);
      expect(code).toBe(0);
      expect(run).toMatchObject({ lane: 'sftp', read: 4, delivered: 3, rejected: 1, open: 0, balanced: true });
      const [name = ''] = uploads('archive');
      expect(name).toMatch(/^acme_account_opened_\d{14}_[0-9a-f]{8}-p1-1\.csv$/);
      expect(results()[0]?.eventId).toMatch(/^acme_account_opened_\d{14}_[0-9a-f]{8}-p1-1-results\.csv:2$/);
      const taken = world.taken().map(({ body }) => body);
      expect(taken.map(({ data }) => data)).toEqual([list[0], list[2], list[3]].map((each) => each && dataOf(each)));
      expect(taken.every(({ event_name }) => event_name === 'account_opened')).toBe(true);
    },
  );

  it('finds rows by their key, in whatever order the lines come', async () => {
    await openLane({
      order: 'shuffled',
      refuseRow: ({ values }) => (values.partner_conversion_id === 'A-0005' ? { code: 'x', message: 'no' } : undefined),
    });
    world.drop('a.csv', csv(rows('A', 9)));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ read: 9, delivered: 8, rejected: 1, notices: [] });
    expect(fates(results())[4]).toBe('6 rejected EXTOLE_ROW_FAILED');
  });

  it('leaves a file open until its answer is there, takes others meanwhile, and writes no report of nothing new', async () => {
    await openLane({ asleep: true }, { wait: '0s' });
    world.drop('a.csv', csv(rows('A', 3)));
    const first = await world.run('feed');
    expect(first.code).toBe(0);
    expect(fileOf(first.run)).toMatchObject({ state: 'open', read: 3, open: 3 });
    expect(world.files('results')).toEqual([]);
    world.drop('b.csv', csv(rows('B', 2)));
    const second = await world.run('feed');
    expect(second.run.files).toMatchObject([
      { path: 'a.csv', state: 'open' },
      { path: 'b.csv', state: 'open', open: 2 },
    ]);
    const { stdout } = await world.cli(['status']);
    expect(stdout).toMatch(
      /a\.csv: sealed, 3 rows.*\n\s+waits for the answer to acme_account_opened_\S+-p1-1\.csv, sent .* ago/,
    );
    const { stdout: told } = await world.cli(['explain', 'A-0001']);
    expect(told).toMatch(/it goes in acme_account_opened_\S+-p1-1\.csv, and Extole has not answered for this row yet/);
    const reports = world.files('reports').length;
    const third = await world.run('feed');
    expect(third.run).toMatchObject({ seen: { open: 2 }, balanced: true });
    expect(world.files('reports')).toHaveLength(reports);
    const folder = world.extoleSftp?.folder;
    if (folder) folder.behaviour.asleep = false;
    await folder?.look();
    const last = await world.run('feed');
    expect(last.run).toMatchObject({ carriedIn: 5, delivered: 5, open: 0, balanced: true });
    expect(world.taken()).toHaveLength(5);
    expect(folder?.taken).toHaveLength(2);
  });

  it('killed at any place, it sends the file once, and the results come out as if nothing had happened', async () => {
    await openLane();
    world.drop('a.csv', csv(rows('A', 5)));
    for (const point of ['upload-named', 'upload-written', 'upload-planned', 'uploaded', 'results-read']) {
      const { signal } = await world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: point });
      expect(signal, point).toBe('SIGKILL');
    }
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ read: 5, delivered: 5, balanced: true });
    expect(world.extoleSftp?.folder.taken).toHaveLength(1);
    expect(uploads('archive')).toHaveLength(1);
    expect(world.taken()).toHaveLength(5);
    expect(new Set(results().map(({ attempts }) => attempts))).toEqual(new Set([1]));
  });

  describe('where a process dies once the file has its name, and Extole takes it without showing it', () => {
    const taken = () => world.extoleSftp?.folder.taken;

    /** Gives what makes it show. */
    async function placedUnseen(settle: string): Promise<() => void> {
      let show = (): void => {};
      const unseenUntil = new Promise<void>((resolve) => {
        show = resolve;
      });
      await openLane({ unseenUntil });
      const upload = { wait: '30s', poll: '100ms', stable: '300ms' };
      const sftp = { ...world.extoleSftp?.settings, settle };
      world.job('feed', { destination: { extole: { lane: 'sftp', sftp, upload } } });
      world.drop('a.csv', csv(rows('A', 3)));
      expect((await world.cli(['run', 'feed'], { REFERRY_CRASH_AT: 'uploaded' })).signal).toBe('SIGKILL');
      await expect.poll(taken, { timeout: 15_000 }).toHaveLength(1);
      return show;
    }

    it('it is looked for until it shows, and not sent twice', async () => {
      const show = await placedUnseen('1h');
      const child = world.start(['run', 'feed', '--json']);
      await until('the look', () => child.told().stderr.includes('looking for a file that may be sent'));
      show();
      const end = await child.done;
      expect(end.json(), end.stderr).toMatchObject({ delivered: 3, balanced: true });
      expect(taken()).toHaveLength(1);
    });

    it('it is held where it does not show, and its results still count when they come', async () => {
      const show = await placedUnseen('100ms');
      const { run } = await world.run('feed');
      expect(run).toMatchObject({ held: 3, balanced: true });
      expect(fates(results())).toEqual([2, 3, 4].map((line) => `${line} held UNKNOWN_DELIVERY`));
      show();
      await expect
        .poll(() => uploads('').includes('results') && uploads('results'), { timeout: 15_000 })
        .toHaveLength(1);
      expect((await world.run('feed')).run).toMatchObject({ delivered: 3, held: 0 });
      expect(taken()).toHaveLength(1);
    });
  });

  it.each(['direct', 'dropbox'] as const)('may put the file there by way of %s', async (place) => {
    // Whoever writes under the file's own name depends on Extole to wait until it has stopped growing.
    await openLane({ hasty: place !== 'direct' });
    const sftp = { ...world.extoleSftp?.settings, place };
    const upload = { wait: '10s', poll: '100ms', stable: '300ms' };
    world.job('feed', { destination: { extole: { lane: 'sftp', sftp, upload } } });
    world.drop('a.csv', csv(rows('A', 3)));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ delivered: 3, balanced: true });
  });

  it('a daemon looks for answers between runs, and takes nothing new for that', async () => {
    await openLane({ asleep: true }, { wait: '0s' });
    world.drop('a.csv', csv(rows('A', 3)));
    await world.run('feed');
    const folder = world.extoleSftp?.folder;
    if (folder) folder.behaviour.asleep = false;
    await folder?.look();
    world.drop('b.csv', csv(rows('B', 1)));
    // The job has no schedule: nothing but the answer makes the daemon do anything.
    const daemon = world.start(['daemon']);
    await expect.poll(() => world.files('results'), { timeout: 15_000 }).toEqual(['a.csv.results.csv']);
    daemon.kill('SIGTERM');
    await daemon.done;
    expect(results().map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(world.files('inbox')).toEqual(['b.csv']);
  });
});
