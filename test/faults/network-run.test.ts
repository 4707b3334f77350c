import { appendFileSync, existsSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadJobs } from '../../src/jobs/load.ts';
import type { Quirks } from '../../src/sandbox/sftp/quirks.ts';
import type { SftpServer } from '../../src/sandbox/sftp/server.ts';
import { noteMatters } from '../../src/schedule/duty-notices.ts';
import { watchAsPartner } from '../integration/support/e2e-crash-watch.ts';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { type Executor, keysOf, openExecutor, partsOf } from './support/executor.ts';
import { startToxics } from './support/toxics.ts';

/** Whole runs against a server and a network that fail: what is sent, what is published, and what the next run makes of it. */
describe('a run whose source fails in the middle', () => {
  let world: World;
  let sftp: SftpServer;
  let executor: Executor;
  const SIZE = 40;

  beforeEach(async () => {
    world = await openWorld({ remote: 'sftp' });
    if (!world.sftp) throw new Error('no server');
    sftp = world.sftp;
    world.job('feed', { delivery: PATIENT });
    executor = await openExecutor(world);
  });
  afterEach(async () => {
    await executor.close();
    await world.close();
  });

  /** What must be true of a file in the end: each row delivered, each sent once, one results file. */
  function expectWhole(prefix: string, name: string): void {
    expect(fates(readResults(world.read(`results/${name}.results.csv`)))).toEqual(
      rows(prefix, SIZE).map((_, i) => `${i + 2} delivered`),
    );
    const sent = keysOf(world).filter((key) => key.startsWith(`${prefix}-`));
    expect([sent.length, new Set(sent).size]).toEqual([SIZE, SIZE]);
    expect(world.files('results').filter((each) => each.includes(name))).toEqual([`${name}.results.csv`]);
  }

  it('N01: a download that is cut at the first byte, the second, half way or at the last is begun anew by the same run, and nothing of the cut one is kept', async () => {
    const { length } = csv(rows('P0', SIZE));
    for (const [i, at] of [0, 1, length >> 1, length - 1].entries()) {
      world.drop(`${i}.csv`, csv(rows(`P${i}`, SIZE)), 60 - i);
      Object.assign(sftp.seen, { connections: 0, cutAt: [] });
      const { code, account } = await executor.run('feed', (step) => {
        // Answers of one byte: the line is cut exactly there.
        if (step === 'taken') Object.assign(sftp.quirks, { disconnectAtByte: at, shortReads: 1 });
        if (step === 'staged') sftp.clearQuirks();
      });
      expect([code, account.counts.delivered, sftp.seen.connections, sftp.seen.cutAt]).toEqual([0, SIZE, 2, [at]]);
      expectWhole(`P${i}`, `${i}.csv`);
    }
    expect(partsOf(world)).toEqual([]);
  });

  it('N01: while each connection is cut, a file stays where it is and nothing of it is staged or sent; the first run on a good line does it all', async () => {
    const proxy = await startToxics(sftp.port);
    world.job('feed', { delivery: PATIENT, source: { url: `sftp://partner@127.0.0.1:${proxy.port}/inbox` } });
    world.drop('a.csv', csv(rows('A', SIZE * 10)));
    for (const _ of [1, 2]) {
      // Enough to log in, to list and to take the file, not enough to read it.
      proxy.limit('down', 12_000, 'reset', 'each');
      const { code, codes } = await executor.run('feed');
      expect([code, codes]).toEqual([4, ['SFTP_DISCONNECTED']]);
    }
    expect([partsOf(world), keysOf(world), world.files('results')]).toEqual([[], [], []]);
    proxy.heal();
    expect((await executor.run('feed')).account.counts.delivered).toBe(SIZE * 10);
    expect(new Set(keysOf(world)).size).toBe(keysOf(world).length);
    await proxy.close();
  });

  it('N02: a download that stands still while keepalives are answered ends its own run only, and in time', async () => {
    const other = await openWorld({ remote: 'sftp' });
    world.job('feed', { delivery: PATIENT, source: { stallTimeout: '2s', keepalive: '100ms' } });
    world.job('other', {
      delivery: PATIENT,
      source: {
        url: `sftp://partner@127.0.0.1:${other.sftp?.port}/inbox`,
        hostKey: String(other.sftp?.hostKeyFingerprint),
      },
    });
    other.drop('b.csv', csv(rows('B', SIZE)));
    world.drop('a.csv', csv(rows('A', SIZE)));
    sftp.quirks.stallReads = true;
    const order: string[] = [];
    const [stalled, fine] = await Promise.all(
      ['feed', 'other'].map(async (job) => {
        const result = await executor.run(job);
        order.push(job);
        return result;
      }),
    );
    expect([fine?.code, stalled?.code, stalled?.codes, order]).toEqual([0, 4, ['SFTP_STALLED'], ['other', 'feed']]);
    expect([partsOf(world), keysOf(world).filter((key) => key.startsWith('A-'))]).toEqual([[], []]);
    sftp.clearQuirks();
    expect((await executor.run('feed')).code).toBe(0);
    expectWhole('A', 'a.csv');
    await other.close();
  });

  it('N04, N17: lost answers to the renames that take, publish and archive a file cost nothing, and a partner never sees half of anything', async () => {
    world.drop('a.csv', csv(rows('A', SIZE)));
    const partner = watchAsPartner(join(world.served, 'results'));
    const lost: string[] = [];
    const { code } = await executor.run('feed', (step) => {
      if (!['taking', 'publication-planned', 'published'].includes(step)) return;
      lost.push(step);
      sftp.quirks.renameReplyLost = true;
    });
    expect([code, lost.length, sftp.quirks.renameReplyLost]).toEqual([0, 3, false]);
    expectWhole('A', 'a.csv');
    expect([world.files('inbox'), world.files('processing'), world.files('archive').length]).toEqual([[], [], 1]);
    expect(partner.stop().complaints).toEqual([]);
  });

  it('N10: a login that is refused when the connection was lost in the middle is tried once, and the file is gone on with later', async () => {
    world.drop('a.csv', csv(rows('A', SIZE)));
    const { code, codes } = await executor.run('feed', (step) => {
      if (step !== 'taken') return;
      sftp.seen.connections = 0;
      Object.assign(sftp.quirks, { refuseAuth: true, disconnectAtByte: 700 });
    });
    expect([code, codes, sftp.seen.connections]).toEqual([4, ['SFTP_AUTH'], 1]);
    expect([partsOf(world), keysOf(world), world.files('results')]).toEqual([[], [], []]);
    sftp.clearQuirks();
    // A schedule waits before it tries again; nothing is offered meanwhile.
    expect([(await executor.run('feed')).codes, sftp.seen.connections]).toEqual([['SFTP_AUTH'], 1]);
    executor.ahead = 61_000;
    expect((await executor.run('feed')).code).toBe(0);
    expectWhole('A', 'a.csv');
  });

  it.each<[string, Partial<Quirks>, string]>([
    ['N13: a write that fails', { failWriteAfterBytes: 100 }, 'PUBLISH_FAILED'],
    ['N13: a flush that fails', { failFsync: true }, 'PUBLISH_FAILED'],
    ['N13: a close that fails', { failClose: true }, 'PUBLISH_FAILED'],
    ['N19: a server that throws bytes away', { truncateSilently: 100 }, 'PUBLISH_SIZE_MISMATCH'],
    ['N14: a results folder that nobody may write to', { denyWrite: '/results' }, 'PERMISSION_DENIED'],
    ['N16: a server that cannot rename', { failRename: 'unsupported', noPosixRename: true }, 'RENAME_UNSUPPORTED'],
    ['N20: a server that answers "failure" to every look', { statFailure: true }, 'SFTP_FAILURE'],
  ])(
    '%s costs the publication only: rows keep their outcomes, and the next run publishes them',
    async (_, quirks, told) => {
      world.drop('a.csv', csv(rows('A', SIZE)));
      const first = await executor.run('feed', (step) => {
        if (step === 'publication-planned') Object.assign(sftp.quirks, quirks);
      });
      expect([first.code, first.codes.includes(told), first.account.balanced]).toEqual([4, true, true]);
      expect(readdirSync(join(world.served, 'results'))).toEqual([]);
      expect(keysOf(world)).toHaveLength(SIZE);
      sftp.clearQuirks();
      await executor.restart();
      expect((await executor.run('feed')).code).toBe(0);
      expectWhole('A', 'a.csv');
      expect(readdirSync(join(world.served, 'results'))).toHaveLength(1);
    },
  );

  it('N14: a file that may not be archived is finished, and archived when it may be; nothing of it is sent or published again', async () => {
    world.drop('a.csv', csv(rows('A', SIZE)));
    sftp.quirks.denyRename = '/archive';
    const { code, codes } = await executor.run('feed');
    expect([code, codes]).toEqual([4, ['PERMISSION_DENIED']]);
    expectWhole('A', 'a.csv');
    expect(world.files('processing')).toHaveLength(1);
    expect((await executor.run('feed')).code).toBe(4);
    sftp.clearQuirks();
    expect((await executor.run('feed')).code).toBe(0);
    expect([world.files('processing'), world.files('archive').length]).toEqual([[], 1]);
    expectWhole('A', 'a.csv');
  });

  it('N14: a folder that may not be listed or read, or a file that may not be taken, is told of by what was tried; nothing is lost', async () => {
    for (const [i, quirks] of [
      { denyList: '/inbox' },
      { denyRead: '/processing' },
      { denyRename: '/inbox' },
    ].entries()) {
      const [name, prefix] = [`${i}.csv`, `P${i}`];
      world.drop(name, csv(rows(prefix, SIZE)));
      Object.assign(sftp.quirks, quirks);
      const { code, codes } = await executor.run('feed');
      expect([code, codes]).toEqual([4, ['PERMISSION_DENIED']]);
      expect(keysOf(world).filter((key) => key.startsWith(prefix))).toEqual([]);
      sftp.clearQuirks();
      expect((await executor.run('feed')).code).toBe(0);
      expectWhole(prefix, name);
    }
  });

  it('N15: a server that replaces nothing gets a page of the day for each run, none of which a partner sees half, and when there are too many of them no run is stopped', async () => {
    sftp.quirks.noPosixRename = true;
    const partners = ['results', 'reports'].map((folder) => watchAsPartner(join(world.served, folder)));
    const day = (): string[] =>
      world.files('reports').filter((name) => name.includes('.day.') && name.endsWith('.html'));
    for (const name of ['A', 'B']) {
      world.drop(`${name}.csv`, csv(rows(name, SIZE)));
      expect((await executor.run('feed')).code).toBe(0);
      expectWhole(name, `${name}.csv`);
    }
    expect(partners.flatMap((partner) => partner.stop().complaints)).toEqual([]);
    const [first = '', second = ''] = day();
    expect([first, second]).toEqual([expect.stringMatching(/\.day\.html$/), expect.stringMatching(/\.day\.r2\.html$/)]);
    const stem = join(world.served, 'reports', first.replace(/\.html$/, ''));
    for (const ending of ['csv', 'json', 'html'])
      for (let r = 3; r < 100; r++) writeFileSync(`${stem}.r${r}.${ending}`, `${r}`);
    for (const name of ['C', 'D']) {
      world.drop(`${name}.csv`, csv(rows(name, SIZE)));
      const { code, codes } = await executor.run('feed');
      expect([code, codes]).toEqual([0, []]);
      expectWhole(name, `${name}.csv`);
    }
    expect(world.files('reports').filter((name) => /\.r4\.html$/.test(name) && !name.includes('.day.'))).toHaveLength(
      1,
    );
    expect(world.files('reports').filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('N21: a file that grows while it is read is read again only when it has stood still as long as in the inbox', async () => {
    world.job('feed', { delivery: PATIENT, source: { stable: { for: '60s', marker: '{name}.done' } } });
    const all = rows('A', SIZE);
    world.drop('a.csv', csv(all.slice(0, 10)));
    world.drop('a.csv.done', '');
    const text = csv(all);
    const written = csv(all.slice(0, 10)).length;
    const taken = (): string => join(world.served, 'processing', world.files('processing')[0] ?? '');
    const at = (step: string) => {
      // Behind our back: between taking it and reading it.
      if (step === 'taken') appendFileSync(taken(), text.slice(written, written + 500));
    };
    const first = await executor.run('feed', at);
    expect([first.code, first.codes]).toEqual([4, ['FILE_CHANGED']]);
    // It stands still, but not for a minute yet: who writes slowly is not done.
    executor.ahead = 30_000;
    expect((await executor.run('feed')).codes).toEqual(['FILE_CHANGED']);
    appendFileSync(taken(), text.slice(written + 500));
    executor.ahead = 65_000;
    expect((await executor.run('feed')).codes).toEqual(['FILE_CHANGED']);
    expect([keysOf(world), partsOf(world)]).toEqual([[], []]);
    executor.ahead = 130_000;
    expect((await executor.run('feed')).code).toBe(0);
    expectWhole('A', 'a.csv');
  });

  it.each<[string, Partial<Quirks>]>([
    ['shrinks', { shrinkWhileRead: true }],
    ['grows', { growWhileRead: true }],
  ])('N21: nothing is sent of a file that %s under our hands', async (_, quirks) => {
    world.drop('a.csv', csv(rows('A', SIZE)));
    Object.assign(sftp.quirks, quirks);
    const { code, codes } = await executor.run('feed');
    expect([code, codes, keysOf(world), partsOf(world)]).toEqual([4, ['FILE_CHANGED'], [], []]);
  });

  it('N22: a file that is gone or renamed between look and take is told of in the run, alarms nobody, and is met under its new name', async () => {
    const inbox = (name: string): string => join(world.served, 'inbox', name);
    world.drop('gone.csv', csv(rows('G', SIZE)));
    world.drop('old.csv', csv(rows('A', SIZE)));
    const { code, codes } = await executor.run('feed', (step) => {
      if (step !== 'taking') return;
      rmSync(inbox('gone.csv'), { force: true });
      if (existsSync(inbox('old.csv'))) renameSync(inbox('old.csv'), inbox('new.csv'));
    });
    expect([code, codes]).toEqual([0, ['VANISHED', 'VANISHED']]);
    const [job] = (await loadJobs(world.jobs, world.env)).jobs;
    if (job === undefined) throw new Error('no job');
    const alarms = (): unknown[] => {
      noteMatters(executor.ledger, job, Date.now());
      return executor.ledger.db.prepare("SELECT kind FROM notices WHERE kind <> 'success'").all();
    };
    expect(alarms()).toEqual([]);
    expect((await executor.run('feed')).code).toBe(0);
    expectWhole('A', 'new.csv');
    expect(keysOf(world)).toHaveLength(SIZE);
    sftp.quirks.vanishOnArrival = true;
    world.drop('b.csv', csv(rows('B', SIZE)));
    expect((await executor.run('feed')).code).toBe(0);
    expect(keysOf(world)).toHaveLength(SIZE);
    expect(alarms()).toEqual([]);
  });

  it('N24: files are taken whatever time they bear: of the future, of 1970, older than what was taken before', async () => {
    const time = (name: string, seconds: number): void =>
      utimesSync(join(world.served, 'inbox', name), seconds, seconds);
    world.drop('new.csv', csv(rows('N', SIZE)), 10);
    expect((await executor.run('feed')).code).toBe(0);
    for (const [name, prefix, seconds] of [
      ['old.csv', 'O', Date.now() / 1000 - 90 * 86_400],
      ['epoch.csv', 'E', 0],
      ['future.csv', 'F', Date.now() / 1000 + 400 * 86_400],
    ] as const) {
      world.drop(name, csv(rows(prefix, SIZE)));
      time(name, seconds);
    }
    const { code, account } = await executor.run('feed');
    expect([code, account.files.map((file) => file.name)]).toEqual([0, ['epoch.csv', 'old.csv', 'future.csv']]);
    for (const [prefix, name] of [
      ['O', 'old.csv'],
      ['E', 'epoch.csv'],
      ['F', 'future.csv'],
    ] as const)
      expectWhole(prefix, name);
    // The same again under the same name, with an older time: contents count, not times.
    for (const seconds of [1_000_000_000, 1_000_000_001]) {
      writeFileSync(join(world.served, 'inbox', 'new.csv'), csv(rows('N', SIZE)));
      time('new.csv', seconds);
      // Within one second, which is what names in the archive tell.
      executor.fixed ??= Date.now();
      const again = await executor.run('feed');
      expect([again.code, again.codes, again.account.counts.duplicate]).toEqual([0, [], SIZE]);
    }
    expect(world.files('archive').filter((name) => name.startsWith('new.csv'))).toHaveLength(3);
    expect(keysOf(world)).toHaveLength(4 * SIZE);
  });
});
