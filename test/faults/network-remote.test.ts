import { readdirSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Remote } from '../../src/model.ts';
import { openRemote } from '../../src/remotes/open.ts';
import type { RemoteSettings } from '../../src/remotes/settings.ts';
import { watchAsPartner } from '../integration/support/e2e-crash-watch.ts';
import { listed, openWorkshop } from '../integration/support/remotes-workshop.ts';
import {
  bytesOf,
  failureOf,
  localFile,
  noSignal,
  put,
  startSandbox,
  testIo,
} from '../integration/support/remotes-world.ts';
import { startToxics, type ToxicProxy } from './support/toxics.ts';

/** A remote behind a network that fails, at its own interface. */
describe('a remote on a bad line', () => {
  const workshop = openWorkshop();
  const { on, scratch } = workshop;
  let proxy: ToxicProxy;
  /** Pauses before another try are short. */
  const io = { ...testIo, sleep: (ms: number, signal?: AbortSignal) => testIo.sleep(Math.min(ms, 20), signal) };
  const far = (settings: Partial<RemoteSettings> = {}): Promise<Remote> =>
    openRemote({ ...workshop.sandbox.settings, url: `sftp://partner@127.0.0.1:${proxy.port}/`, ...settings }, io);

  beforeEach(async () => {
    proxy = await startToxics(workshop.sandbox.server.port);
  });
  afterEach(async () => {
    await proxy.close();
  });

  it.each(['up', 'down'] as const)(
    'N04, N17: wherever the line is cut (%s) while a file is published and another is moved, each is there once and whole in the end',
    async (way) => {
      const local = localFile(scratch, Buffer.alloc(40_000, 'row,'));
      const partner = watchAsPartner(on('results'));
      const remote = await far();
      const work = async (): Promise<void> => {
        put(on('inbox', 'x.csv'), 'x');
        expect(await remote.publish('results/r.csv', local)).toBe('/results/r.csv');
        await remote.move('inbox/x.csv', 'done/x.csv');
        expect(readFileSync(on('results', 'r.csv')).length).toBe(40_000);
        expect([readdirSync(on('results')), readdirSync(on('inbox')), readdirSync(on('done'))]).toEqual([
          ['r.csv'],
          [],
          ['x.csv'],
        ]);
        // The partner has fetched both.
        rmSync(on('results', 'r.csv'));
        rmSync(on('done', 'x.csv'));
      };
      const before = proxy.passed[way];
      await work();
      const all = proxy.passed[way] - before;
      expect(all).toBeGreaterThan(200);
      const cuts = 24;
      let lost = 0;
      for (let cut = 0; cut < cuts; cut++) {
        const connections = proxy.accepted;
        proxy.limit(way, Math.floor((all * cut) / cuts), 'reset');
        await work();
        lost += proxy.accepted - connections;
        proxy.heal();
      }
      // The cuts did bite.
      expect(lost).toBeGreaterThan(cuts / 2);
      // It takes files away itself; half of one, it would see change.
      expect(partner.stop().complaints.filter((each) => each.endsWith(' changed'))).toEqual([]);
      await remote[Symbol.asyncDispose]();
    },
  );

  it('N04: a rename that a server does long after the connection was given up shows nobody half of the next attempt', async () => {
    const local = localFile(scratch, Buffer.alloc(300_000, 'row,'));
    const remote = await far({ operationTimeout: 300 });
    const partner = watchAsPartner(on('results'));
    workshop.sandbox.server.quirks.renameHeld = true;
    expect((await failureOf(remote.publish('results/r.csv', local))).code).toBe('SFTP_STALLED');
    // The second attempt writes, and only now the first one's rename is done.
    expect(await remote.publish('results/r.csv', local)).toBe('/results/r.csv');
    expect(workshop.sandbox.server.quirks.renameHeld).toBe(false);
    expect(partner.stop().complaints).toEqual([]);
    expect(readdirSync(on('results'))).toEqual(['r.csv']);
    expect(readFileSync(on('results', 'r.csv')).length).toBe(300_000);
    await remote[Symbol.asyncDispose]();
  });

  it('N03: a peer that vanishes in the middle of a download or a move is given up in time, and met again', async () => {
    put(on('inbox', 'x.csv'), Buffer.alloc(3_000_000, 'row,'));
    const remote = await far({ keepalive: 60, stallTimeout: 60_000, operationTimeout: 60_000 });
    const file = await listed(remote);
    proxy.limit('down', 500_000, 'vanish');
    expect((await failureOf(bytesOf(remote, file))).code).toBe('SFTP_DISCONNECTED');
    expect((await bytesOf(remote, file)).length).toBe(3_000_000);
    proxy.limit('down', 0, 'vanish');
    await remote.move('inbox/x.csv', 'done/x.csv');
    expect([readdirSync(on('inbox')), readdirSync(on('done'))]).toEqual([[], ['x.csv']]);
    await remote[Symbol.asyncDispose]();
  });

  it('N05: half a second to the server and back, 8 kB a second, or one byte at a time: it takes longer than a standstill may, and works', async () => {
    const size = 40_000;
    const stallTimeout = 3000;
    put(on('inbox', 'x.csv'), Buffer.alloc(size, 'row,'));
    // Answers little at a time, so that the first line has to wait for it often enough. The others get it all in one answer.
    const sparing = await startSandbox({ root: workshop.sandbox.disk, quirks: { shortReads: 5000 } });
    const lines: ((proxy: ToxicProxy) => void)[] = [
      ({ up, down }) => {
        up.latencyMs = 250;
        down.latencyMs = 250;
      },
      ({ up, down }) => {
        up.bytesPerSecond = 8000;
        down.bytesPerSecond = 8000;
      },
      ({ down }) => {
        down.sliceBytes = 1;
      },
    ];
    // Each on its own line, all at once, since most of it is waiting.
    await Promise.all(
      lines.map(async (spoil, i) => {
        const { server, settings } = i === 0 ? sparing : workshop.sandbox;
        const line = await startToxics(server.port);
        spoil(line);
        const url = `sftp://partner@127.0.0.1:${line.port}/`;
        const remote = await openRemote({ ...settings, url, stallTimeout }, testIo);
        // From here on, since the server of ssh2 does not understand a client that introduces itself in pieces.
        line.up.sliceBytes = line.down.sliceBytes;
        const file = await listed(remote);
        const before = performance.now();
        expect((await bytesOf(remote, file)).length).toBe(size);
        if (line.down.sliceBytes === undefined) expect(performance.now() - before).toBeGreaterThan(stallTimeout);
        if (line.down.latencyMs === undefined) {
          // Written in one piece, of which a server says nothing until it is there whole.
          await remote.publish(`results/r${i}.csv`, localFile(scratch, Buffer.alloc(9000 + i, 'out,')));
          expect(readFileSync(on('results', `r${i}.csv`)).length).toBe(9000 + i);
        }
        line.heal();
        await remote[Symbol.asyncDispose]();
        await line.close();
      }),
    );
    await sparing.close();
  });

  it('N15: without posix-rename, whoever polls a folder sees each version whole and none go away, however often it is published', async () => {
    workshop.sandbox.server.quirks.noPosixRename = true;
    const remote = await far();
    const partner = watchAsPartner(on('results'));
    const paths: string[] = [];
    for (let version = 1; version <= 6; version++) {
      const local = localFile(scratch, Buffer.alloc(400_000, `version ${version},`));
      for (const name of ['r.csv', 'report.day.html'])
        paths.push(await remote.publish(`results/${name}`, local, { replace: true }));
    }
    const { seen, complaints } = partner.stop();
    expect(complaints).toEqual([]);
    expect([...seen.keys()].map((name) => `/results/${name}`).sort()).toEqual(paths.sort());
    expect(new Set(seen.values()).size).toBe(6);
    await remote[Symbol.asyncDispose]();
  });

  it('N21: a file that is replaced by another of its size while it is read is given up', async () => {
    put(on('inbox', 'x.csv'), Buffer.alloc(3_000_000, 'old,'));
    const remote = await far();
    const file = await listed(remote);
    const read = async (): Promise<void> => {
      let first = true;
      for await (const _ of remote.read(file, noSignal)) {
        if (!first) continue;
        first = false;
        put(on('done', 'new'), Buffer.alloc(3_000_000, 'new,'), 1_700_000_500);
        renameSync(on('done', 'new'), on('inbox', 'x.csv'));
      }
    };
    expect((await failureOf(read())).code).toBe('FILE_CHANGED');
    utimesSync(on('inbox', 'x.csv'), 1_700_000_600, 1_700_000_600);
    expect((await bytesOf(remote, await listed(remote))).subarray(0, 4).toString()).toBe('new,');
    await remote[Symbol.asyncDispose]();
  });

  it('N30: a packet whose fields are longer than itself ends the session and nothing else', async () => {
    put(on('inbox', 'x.csv'), Buffer.alloc(300_000, 'row,'));
    const remote = await far();
    const file = await listed(remote);
    workshop.sandbox.server.quirks.malformedPacket = true;
    const error = await failureOf(bytesOf(remote, file));
    expect(['SFTP_DISCONNECTED', 'SFTP_FAILURE']).toContain(error.code);
    expect((await bytesOf(remote, file)).length).toBe(300_000);
    await remote[Symbol.asyncDispose]();
  });
});
