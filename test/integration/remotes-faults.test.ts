import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Remote } from '../../src/model.ts';
import { openRemote } from '../../src/remotes/open.ts';
import type { RemoteSettings } from '../../src/remotes/settings.ts';
import type { Quirks } from '../../src/sandbox/sftp/quirks.ts';
import { startToxics } from '../faults/support/toxics.ts';
import { listed, openWorkshop } from './support/remotes-workshop.ts';
import { bytesOf, failureOf, localFile, noSignal, put, settingsFor, testIo } from './support/remotes-world.ts';

/** Servers that are broken in every way that was seen, one at a time. */
describe('a server with faults', () => {
  const workshop = openWorkshop();
  const { on, scratch } = workshop;
  let remote: Remote;

  async function reopen(settings: Partial<RemoteSettings>): Promise<void> {
    await remote[Symbol.asyncDispose]();
    remote = await openRemote({ ...workshop.sandbox.settings, ...settings }, testIo);
  }
  /** A new connection, since what a server announces is settled at its start. */
  async function withQuirks(quirks: Partial<Quirks>): Promise<void> {
    Object.assign(workshop.sandbox.server.quirks, quirks);
    await reopen({});
  }

  beforeEach(async () => {
    remote = await openRemote(workshop.sandbox.settings, testIo);
  });
  afterEach(async () => {
    await remote[Symbol.asyncDispose]();
  });

  const big = Buffer.alloc(1_500_000, '0123456789,');

  // Answers of one byte: the connection is lost exactly there. Of a large file many are asked for at once, and answered with more.
  it.each([
    [0, 3001, 1],
    [1, 3001, 1],
    [1500, 3001, 1],
    [3000, 3001, 1],
    [750_000, big.length, 10_000],
  ])(
    'N01: a connection lost at byte %i of a download of %i is told, and the next call reconnects',
    async (at, size, shortReads) => {
      const contents = big.subarray(0, size);
      put(on('inbox', 'x.csv'), contents);
      const file = await listed(remote);
      const { quirks, seen } = workshop.sandbox.server;
      seen.cutAt = [];
      Object.assign(quirks, { disconnectAtByte: at, shortReads });
      const error = await failureOf(bytesOf(remote, file));
      expect([error.code, error.retryable, seen.cutAt.length]).toEqual(['SFTP_DISCONNECTED', true, 1]);
      expect((seen.cutAt[0] ?? 0) - at).toBeOneOf(Array.from({ length: shortReads }, (_, more) => more));
      quirks.shortReads = undefined;
      expect((await bytesOf(remote, file)).equals(contents)).toBe(true);
    },
  );

  it.each<[string, Partial<Quirks>]>([
    ['before the first byte', { stallReads: true }],
    ['in the middle', { stallAfterBytes: 500_000 }],
  ])('N02: a download that stalls %s is cut, though the server answers keepalives', async (_, quirks) => {
    put(on('inbox', 'x.csv'), big);
    await reopen({ stallTimeout: 400, keepalive: 100 });
    const file = await listed(remote);
    Object.assign(workshop.sandbox.server.quirks, quirks);
    const error = await failureOf(bytesOf(remote, file));
    expect([error.code, error.retryable]).toEqual(['SFTP_STALLED', true]);
    workshop.sandbox.server.clearQuirks();
    expect((await bytesOf(remote, file)).length).toBe(big.length);
  });

  it.each<[string, (remote: Remote) => Promise<unknown>]>([
    ['list', (open) => open.list('inbox', noSignal)],
    ['move', (open) => open.move('inbox/x.csv', 'done/x.csv')],
    ['publish', (open) => open.publish('results/r.csv', localFile(scratch, 'r'))],
  ])('N03: a server that answers nothing more does not hold %s, nor the end of the connection', async (_, call) => {
    put(on('inbox', 'x.csv'), 'x');
    await reopen({ operationTimeout: 400 });
    await remote.list('inbox', noSignal);
    workshop.sandbox.server.quirks.stallAll = true;
    expect((await failureOf(call(remote))).code).toBe('SFTP_STALLED');
    workshop.sandbox.server.quirks.stallAll = false;
    await call(remote);
  });

  it('N03, N29: a peer that vanished without a word is noticed by the missing keepalives, also at the goodbye', async () => {
    put(on('inbox', 'x.csv'), 'x');
    const proxy = await startToxics(workshop.sandbox.server.port);
    const url = `sftp://partner@127.0.0.1:${proxy.port}/`;
    const far = await openRemote(
      { ...workshop.sandbox.settings, url, operationTimeout: 60_000, stallTimeout: 60_000, keepalive: 50 },
      testIo,
    );
    proxy.cut('vanish');
    const before = performance.now();
    // Lost, then found again by the same call, which is safe to repeat.
    expect((await far.list('inbox', noSignal)).files.length).toBe(1);
    expect(performance.now() - before).toBeLessThan(5000);
    proxy.cut('vanish');
    await far[Symbol.asyncDispose]();
    expect(performance.now() - before).toBeLessThan(12_000);
    await proxy.close();
  });

  it('N05: a transfer that is slower than its stall timeout but moves is not cut', async () => {
    const bytes = Buffer.alloc(60_000, 'x');
    put(on('inbox', 'x.csv'), bytes);
    const proxy = await startToxics(workshop.sandbox.server.port);
    const url = `sftp://partner@127.0.0.1:${proxy.port}/`;
    const far = await openRemote({ ...workshop.sandbox.settings, url, stallTimeout: 500, keepalive: 200 }, testIo);
    const [file] = (await far.list('inbox', noSignal)).files;
    if (file === undefined) throw new Error('not listed');
    proxy.down.bytesPerSecond = 40_000;
    const before = performance.now();
    expect((await bytesOf(far, file)).equals(bytes)).toBe(true);
    expect(performance.now() - before).toBeGreaterThan(1000);
    proxy.up.bytesPerSecond = 200_000;
    await far.publish('results/r.csv', localFile(scratch, Buffer.alloc(200_000, 'y')));
    expect(readFileSync(on('results', 'r.csv')).length).toBe(200_000);
    proxy.heal();
    await far[Symbol.asyncDispose]();
    await proxy.close();
  });

  it('N11: a server that restarts between list and read is asked again', async () => {
    put(on('inbox', 'x.csv'), big);
    const file = await listed(remote);
    workshop.sandbox.server.dropConnections();
    expect((await bytesOf(remote, file)).equals(big)).toBe(true);
    workshop.sandbox.server.dropConnections();
    expect((await remote.list('inbox', noSignal)).files.length).toBe(1);
  });

  it.each<[string, Partial<Quirks>]>([
    ['a write', { failWriteAfterBytes: 700_000 }],
    ['the first write', { failWriteAfterBytes: 0 }],
    ['the flush', { failFsync: true }],
    ['the close', { failClose: true }],
  ])('N12, N13: failure of %s is an error and leaves nothing behind', async (_, quirks) => {
    const local = localFile(scratch, big);
    Object.assign(workshop.sandbox.server.quirks, quirks);
    const error = await failureOf(remote.publish('results/r.csv', local));
    expect([error.code, error.retryable]).toEqual(['PUBLISH_FAILED', true]);
    expect(readdirSync(on('results'))).toEqual([]);
    workshop.sandbox.server.clearQuirks();
    await remote.publish('results/r.csv', local);
    expect(readFileSync(on('results', 'r.csv')).equals(big)).toBe(true);
  });

  it('N14: each missing right is named', async () => {
    put(on('inbox', 'x.csv'), 'x');
    const file = await listed(remote);
    const local = localFile(scratch, 'contents');
    const calls: [keyof Quirks, () => Promise<unknown>, string][] = [
      ['denyList', () => remote.list('inbox', noSignal), 'list /inbox'],
      ['denyRead', () => bytesOf(remote, file), 'read /inbox/x.csv'],
      ['denyWrite', () => remote.publish('results/r.csv', local), 'write /results/'],
      ['denyRename', () => remote.move('inbox/x.csv', 'done/x.csv'), 'rename /inbox/x.csv to /done/x.csv'],
      ['denyWrite', () => remote.ensureFolder('new'), 'make the folder /new'],
    ];
    for (const [quirk, call, where] of calls) {
      Object.assign(workshop.sandbox.server.quirks, { [quirk]: true });
      const error = await failureOf(call());
      expect([error.code, error.retryable]).toEqual(['PERMISSION_DENIED', false]);
      expect(error.message).toContain(where);
      expect(error.hint).toBeTruthy();
      workshop.sandbox.server.clearQuirks();
    }
    expect(readdirSync(on('results'))).toEqual([]);
  });

  it('N15: without posix-rename an existing target stays, and the new file goes beside it', async () => {
    put(on('results', 'r.csv'), 'old');
    await withQuirks({ noPosixRename: true });
    const path = await remote.publish('results/r.csv', localFile(scratch, 'new'), { replace: true });
    expect(path).toBe('/results/r.r2.csv');
    expect(readFileSync(on('results', 'r.csv'), 'utf8')).toBe('old');
    expect(readFileSync(on('results', 'r.r2.csv'), 'utf8')).toBe('new');
    expect(readdirSync(on('results')).length).toBe(2);
  });

  it.each([false, true])('a plain rename that replaces (%s) never destroys a file', async (renameOverwrites) => {
    put(on('inbox', 'x.csv'), 'mine');
    put(on('done', 'x.csv'), 'theirs');
    put(on('results', 'r.csv'), 'old');
    await withQuirks({ renameOverwrites, noPosixRename: true });
    expect((await failureOf(remote.move('inbox/x.csv', 'done/x.csv'))).code).toBe('TARGET_EXISTS');
    await remote.publish('results/r.csv', localFile(scratch, 'new'));
    expect(readFileSync(on('done', 'x.csv'), 'utf8')).toBe('theirs');
    expect(readFileSync(on('results', 'r.csv'), 'utf8')).toBe('old');
  });

  it.each(['unsupported', 'failure'] as const)(
    'N16: a server that cannot rename (%s) is told apart, and data is kept',
    async (failRename) => {
      put(on('inbox', 'x.csv'), 'x');
      await withQuirks({ failRename });
      for (const call of [
        () => remote.move('inbox/x.csv', 'done/x.csv'),
        () => remote.publish('results/r.csv', localFile(scratch, 'new')),
      ]) {
        const error = await failureOf(call());
        expect([error.code, error.retryable]).toEqual(['RENAME_UNSUPPORTED', false]);
      }
      expect(readFileSync(on('inbox', 'x.csv'), 'utf8')).toBe('x');
      expect(readdirSync(on('results'))).toEqual([]);
    },
  );

  it('N04, N17: a rename whose answer was lost counts as done, once', async () => {
    put(on('inbox', 'x.csv'), 'x');
    workshop.sandbox.server.quirks.renameReplyLost = true;
    await remote.move('inbox/x.csv', 'done/x.csv');
    expect([existsSync(on('inbox', 'x.csv')), readFileSync(on('done', 'x.csv'), 'utf8')]).toEqual([false, 'x']);
    workshop.sandbox.server.quirks.renameReplyLost = true;
    const local = localFile(scratch, 'results');
    expect(await remote.publish('results/r.csv', local)).toBe('/results/r.csv');
    expect(workshop.sandbox.server.quirks.renameReplyLost).toBe(false);
    expect(readdirSync(on('results'))).toEqual(['r.csv']);
  });

  it('N04: an upload cut in the middle is done again from its start', async () => {
    workshop.sandbox.server.quirks.disconnectAtByte = 600_000;
    await remote.publish('results/r.csv', localFile(scratch, big));
    expect(readFileSync(on('results', 'r.csv')).equals(big)).toBe(true);
    expect(readdirSync(on('results'))).toEqual(['r.csv']);
  });

  it('N19: a server that throws bytes away is noticed before the file gets its name', async () => {
    workshop.sandbox.server.quirks.truncateSilently = 1_000_000;
    const error = await failureOf(remote.publish('results/r.csv', localFile(scratch, big)));
    expect([error.code, error.retryable]).toEqual(['PUBLISH_SIZE_MISMATCH', true]);
    expect(error.message).toContain('1000000');
    expect(readdirSync(on('results'))).toEqual([]);
  });

  it('N20: "failure" for a file is not taken for "there is no such file"', async () => {
    put(on('inbox', 'x.csv'), 'x');
    workshop.sandbox.server.quirks.statFailure = true;
    for (const call of [
      () => remote.stat('inbox/x.csv'),
      () => remote.move('inbox/x.csv', 'done/x.csv'),
      () => remote.publish('results/r.csv', localFile(scratch, 'new')),
    ]) {
      expect((await failureOf(call())).code).toBe('SFTP_FAILURE');
    }
    expect(existsSync(on('inbox', 'x.csv'))).toBe(true);
  });

  it.each<[string, Partial<Quirks>]>([
    ['shrinks', { shrinkWhileRead: true }],
    ['grows', { growWhileRead: true }],
  ])('N21: a file that %s while it is read is given up', async (_, quirks) => {
    put(on('inbox', 'x.csv'), big);
    const file = await listed(remote);
    Object.assign(workshop.sandbox.server.quirks, quirks);
    expect((await failureOf(bytesOf(remote, file))).code).toBe('FILE_CHANGED');
  });

  it('N22: a file that is gone right after it was listed is told as vanished', async () => {
    put(on('inbox', 'x.csv'), 'x');
    workshop.sandbox.server.quirks.vanishOnArrival = true;
    const file = await listed(remote);
    const error = await failureOf(bytesOf(remote, file));
    expect([error.code, error.retryable]).toEqual(['FILE_VANISHED', true]);
    expect((await failureOf(remote.move('inbox/x.csv', 'done/x.csv'))).code).toBe('FILE_VANISHED');
  });

  it('N23: a folder of a hundred thousand files, given in pages, is listed whole, oldest first, and in little memory', async () => {
    // Names of four files, which is quicker than as many files; the fourth is the oldest.
    const COUNT = 100_000;
    for (let n = 0; n < 4; n++) put(on('done', `${n}`), '', 1_700_000_000 - n);
    for (let n = 0; n < COUNT; n++) linkSync(on('done', `${n % 4}`), on('inbox', `f${String(n).padStart(6, '0')}.csv`));
    const before = process.memoryUsage().heapUsed;
    const { files } = await remote.list('inbox', noSignal);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(300_000_000);
    expect(files.length).toBe(COUNT);
    expect([files[0]?.name, files.at(-1)?.name]).toEqual(['f000003.csv', 'f099996.csv']);
  }, 90_000);

  it('N24: listings without long names, types or times still tell files from folders', async () => {
    put(on('inbox', 'x.csv'), 'x');
    mkdirSync(on('inbox', 'folder.csv'));
    await withQuirks({ emptyLongnames: true, noMtime: true, noModeInListing: true });
    const { files, notices } = await remote.list('inbox', noSignal);
    expect(files).toEqual([{ path: '/inbox/x.csv', name: 'x.csv', size: 1, mtime: 0 }]);
    expect(notices.map(({ code }) => code)).toEqual(['NOT_A_FILE']);
    expect(
      (await bytesOf(remote, { ...files[0], path: '/inbox/x.csv', name: 'x.csv', size: 1, mtime: 0 })).toString(),
    ).toBe('x');
  });

  it('N25: a server that opens no further session is told as such', async () => {
    workshop.sandbox.server.quirks.maxSessions = 1;
    const error = await failureOf(openRemote(workshop.sandbox.settings, { ...testIo, sleep: async () => {} }));
    expect([error.code, error.retryable]).toEqual(['SFTP_UNAVAILABLE', true]);
    workshop.sandbox.server.clearQuirks();
    expect((await remote.list('inbox', noSignal)).files).toEqual([]);
  });

  it('N30: a packet that breaks the protocol ends the session and nothing else', async () => {
    put(on('inbox', 'x.csv'), big);
    const file = await listed(remote);
    workshop.sandbox.server.quirks.oversizePacket = true;
    expect((await failureOf(bytesOf(remote, file))).code).toBe('SFTP_DISCONNECTED');
    expect((await bytesOf(remote, file)).length).toBe(big.length);
  });

  it('F6: a transfer does not wait for an acknowledgement after each small packet', async () => {
    put(on('inbox', 'x.csv'), Buffer.alloc(12_000_000, 'row,'));
    const file = await listed(remote);
    const before = performance.now();
    expect((await bytesOf(remote, file)).length).toBe(12_000_000);
    // Some 100 ms; eight seconds where the socket holds small packets back.
    expect(performance.now() - before).toBeLessThan(4000);
  });

  it('answers calls made side by side on one session', async () => {
    put(on('inbox', 'x.csv'), big);
    const file = await listed(remote);
    const local = localFile(scratch, big);
    const [bytes] = await Promise.all([
      bytesOf(remote, file),
      remote.publish('results/a.csv', local),
      remote.publish('results/b.csv', local),
      remote.list('inbox', noSignal),
    ]);
    expect(bytes.equals(big)).toBe(true);
    expect(readdirSync(on('results')).sort()).toEqual(['a.csv', 'b.csv']);
    expect(workshop.sandbox.server.seen.sessions).toBeGreaterThan(0);
  });

  it('starts at the login folder where the URL says so', async () => {
    put(on('inbox', 'x.csv'), 'x');
    const home = await openRemote(
      settingsFor(workshop.sandbox.server, { url: `sftp://partner@127.0.0.1:${workshop.sandbox.server.port}/~/inbox` }),
      testIo,
    );
    const { files } = await home.list('.', noSignal);
    expect(files[0]?.path).toBe('/inbox/x.csv');
    await home[Symbol.asyncDispose]();
  });
});
