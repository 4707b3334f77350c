import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { openLaneWorld } from './support/lane-world.ts';

describe('a file that is not what it was when it was seen', () => {
  let world: World;
  afterEach(() => world.close());
  const inbox = (name: string) => join(world.served, 'inbox', name);

  it('is not taken half written when its turn comes long after it was listed', async () => {
    world = await openWorld();
    world.job('feed');
    world.drop('a.csv', csv(rows('A', 2)), 90);
    world.drop('b.csv', csv(rows('B', 4)), 80);
    // While the first file is on its way, the partner begins to write the second one anew.
    world.extole.setFaults(() => {
      writeFileSync(inbox('b.csv'), csv(rows('N', 2)));
      return undefined;
    });
    const { run } = await world.run('feed');
    expect(run.files.map(({ path, delivered }) => [path, delivered])).toEqual([['a.csv', 2]]);
    expect(run.notices.map(({ message }) => message).join()).toContain('b.csv');
    expect(world.files('inbox')).toEqual(['b.csv']);

    world.extole.setFaults(undefined);
    world.drop('b.csv', csv(rows('N', 6)));
    const { run: second } = await world.run('feed');
    expect(second.files).toMatchObject([{ path: 'b.csv', read: 6, delivered: 6 }]);
    expect(world.requests()).toHaveLength(8);
  });

  it('is not taken after a crash without having stood still again', async () => {
    world = await openWorld();
    world.job('feed', { source: { stable: { for: '900ms' } } });
    world.drop('a.csv', csv(rows('A', 4)));
    expect((await world.cli(['run', 'feed'], { REFERRY_CRASH_AT: 'taking:1' })).signal).toBe('SIGKILL');
    writeFileSync(inbox('a.csv'), csv(rows('N', 2)));
    const child = world.start(['run', 'feed', '--json']);
    await until('the first look', () => child.told().stderr.includes('waiting for files'));
    world.drop('a.csv', csv(rows('N', 6)), 3);
    const end = await child.done;
    expect(end.json()).toMatchObject({ files: [{ path: 'a.csv', read: 6, delivered: 6 }] });
  });

  it.each(['local', 'sftp'] as const)(
    '%s: another one under its name holds nothing up after a crash',
    async (remote) => {
      world = await openWorld({ remote });
      world.job('feed');
      world.drop('a.csv', csv(rows('A', 3)));
      const { atime, mtime } = statSync(inbox('a.csv'));
      expect((await world.cli(['run', 'feed'], { REFERRY_CRASH_AT: 'taken:1' })).signal).toBe('SIGKILL');
      expect(world.files('inbox')).toEqual([]);
      // As alike as a file can be: the same name, size and time.
      writeFileSync(inbox('a.csv'), csv(rows('B', 3)));
      utimesSync(inbox('a.csv'), atime, mtime);
      const first = await world.run('feed');
      const second = await world.run('feed');
      const sent = world.requests().map(({ body }) => body.data.partner_conversion_id);
      expect(sent.sort()).toEqual([...rows('A', 3), ...rows('B', 3)].map(({ id }) => id));
      expect([first.run.balanced, second.run.balanced, world.files('inbox')]).toEqual([true, true, []]);
    },
  );

  it('is taken where a server tells one time in its listing and another of the file', async () => {
    world = await openWorld({ remote: 'sftp' });
    world.job('feed');
    world.drop('a.csv', csv(rows('A', 3)));
    if (world.sftp) world.sftp.quirks.listingLate = 3600;
    expect((await world.run('feed')).run).toMatchObject({ delivered: 3, seen: { open: 0 } });
  });
});

describe('a file that is written anew while its first contents are being sent, as alike as can be', () => {
  let world: World;
  afterEach(() => world.close());
  const inbox = (name: string) => join(world.served, 'inbox', name);

  /** Files of one size. */
  const alike = (prefix: string): string => csv(rows(prefix, 3).map((each) => ({ ...each, amount: '1.50' })));

  /** The first contents are sent and the second ones archived in their place, and the connection is lost before they are looked at. */
  async function archivedUnread(): Promise<void> {
    world = await openWorld({ remote: 'sftp' });
    const { sftp } = world;
    if (!sftp) throw new Error('no server');
    world.job('feed', { source: { take: 'copy' } });
    world.drop('a.csv', alike('A'));
    const { atime, mtime } = statSync(inbox('a.csv'));
    world.extole.setFaults(() => {
      writeFileSync(inbox('a.csv'), alike('B'));
      utimesSync(inbox('a.csv'), atime, mtime);
      return undefined;
    });
    sftp.quirks.failRead = '/archive';
    await world.run('feed');
    expect(world.requests()).toHaveLength(3);
    expect(world.files('inbox')).toEqual([]);
    expect(world.files('archive')).toHaveLength(1);
    world.extole.setFaults(undefined);
    sftp.clearQuirks();
  }
  const delivered = (): string[] =>
    world
      .requests()
      .map(({ body }) => body.data.partner_conversion_id ?? '')
      .sort();

  it('take: copy: contents that were archived and never looked at go back, and are sent', async () => {
    await archivedUnread();
    await world.run('feed');
    const { run } = await world.run('feed');
    expect(delivered()).toEqual([...rows('A', 3), ...rows('B', 3)].map(({ id }) => id));
    expect([run.balanced, world.files('inbox'), world.files('archive').length]).toEqual([true, [], 1]);
    expect(world.files('results')).toEqual(['a.csv.results.csv', 'a.csv.results.r2.csv']);
  });

  it('take: copy: where there are third ones under the name by then, the second ones go beside them, and both are sent', async () => {
    await archivedUnread();
    world.drop('a.csv', csv(rows('C', 5)), 5);
    await world.run('feed');
    await world.run('feed');
    expect(delivered()).toEqual([...rows('A', 3), ...rows('B', 3), ...rows('C', 5)].map(({ id }) => id));
    expect(world.files('inbox')).toEqual([]);
  });

  it('take: copy: where no other name would be taken, they wait until the name is free', async () => {
    await archivedUnread();
    world.job('feed', { source: { take: 'copy', match: 'a.csv' } });
    world.drop('a.csv', csv(rows('C', 5)), 5);
    const { run } = await world.run('feed');
    expect(run.notices.map(({ code }) => code)).toContain('TARGET_EXISTS');
    await world.run('feed');
    await world.run('feed');
    expect(delivered()).toEqual([...rows('A', 3), ...rows('B', 3), ...rows('C', 5)].map(({ id }) => id));
    expect(world.files('inbox')).toEqual([]);
  });
});

describe('a file that stays in the inbox while it is worked on', () => {
  it('take: copy: is taken once, also where the server lists it with another time than it has', async () => {
    const lane = await openLaneWorld({
      lane: 'sftp',
      remote: 'sftp',
      extoleSftp: { asleep: true },
      upload: { wait: '0s' },
      job: { source: { take: 'copy', stable: { for: '0s' } } },
    });
    const { world } = lane;
    world.drop('a.csv', csv(rows('A', 3)));
    if (world.sftp) world.sftp.quirks.listingLate = 3600;
    await world.run('feed');
    const { run } = await world.run('feed');
    expect(run.seen).toMatchObject({ files: 1, open: 1 });
    // Written anew, it is another one.
    world.drop('a.csv', csv(rows('B', 4)), 5);
    await world.run('feed');
    lane.folder.behaviour.asleep = false;
    await lane.folder.look();
    await world.run('feed');
    await world.run('feed');
    expect(world.taken().map(({ body }) => body.data.partner_conversion_id)).toHaveLength(7);
    expect(world.files('results')).toEqual(['a.csv.results.csv', 'a.csv.results.r2.csv']);
    await world.close();
  });
});

describe('a local file named on the command line', () => {
  let world: World;
  afterEach(() => world.close());

  it('that is a folder is refused, and stops no later run', async () => {
    world = await openWorld();
    world.job('feed');
    const folder = join(world.root, 'folder');
    mkdirSync(folder);
    const end = await world.cli(['run', 'feed', '--file', folder]);
    expect([end.code, end.stderr]).toEqual([2, expect.stringMatching(/folder.*\n.*what to do/)]);
    world.drop('a.csv', csv(rows('A', 3)));
    expect((await world.run('feed')).run).toMatchObject({ delivered: 3 });
  });

  it('that is gone after a crash stops no later run', async () => {
    world = await openWorld();
    world.job('feed');
    const local = join(world.root, 'local.csv');
    writeFileSync(local, csv(rows('L', 3)));
    const dead = await world.cli(['run', 'feed', '--file', local], { REFERRY_CRASH_AT: 'staged:1' });
    expect(dead.signal).toBe('SIGKILL');
    rmSync(local);
    world.drop('a.csv', csv(rows('A', 3)));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ delivered: 3, halted: null });
    expect(run.notices.map(({ message }) => message).join()).toContain('local.csv');
    expect((await world.run('feed')).run.seen.files).toBe(0);
  });

  it('that has changed since a crash is read as it is now', async () => {
    world = await openWorld();
    world.job('feed');
    const local = join(world.root, 'local.csv');
    writeFileSync(local, csv(rows('L', 3)));
    const dead = await world.cli(['run', 'feed', '--file', local], { REFERRY_CRASH_AT: 'staged:1' });
    expect(dead.signal).toBe('SIGKILL');
    writeFileSync(local, csv(rows('L', 5)));
    await world.run('feed');
    expect((await world.run('feed')).run).toMatchObject({ delivered: 5, open: 0 });
  });

  it('that cannot be read is told as such, and stops no later run', async () => {
    world = await openWorld();
    world.job('feed');
    const local = join(world.root, 'local.csv');
    if (process.getuid?.() === 0) {
      // Nobody keeps root from reading a file; a link to itself cannot be read by anybody.
      symlinkSync(local, local);
    } else {
      writeFileSync(local, csv(rows('L', 3)));
      chmodSync(local, 0);
    }
    expect((await world.cli(['run', 'feed', '--file', local])).code).toBe(2);
    expect((await world.run('feed')).run).toMatchObject({ halted: null });
  });
});
