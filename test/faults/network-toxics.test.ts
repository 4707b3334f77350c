import { createServer, connect as openSocket, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startToxics, type ToxicProxy } from './support/toxics.ts';

/** What a socket got, and how it ended. */
function watch(socket: Socket): { got: () => number; ended: Promise<string> } {
  let got = 0;
  socket.on('data', (bytes: Buffer) => {
    got += bytes.length;
  });
  const ended = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.once('end', () => resolve('FIN'));
    socket.once('close', () => resolve('closed'));
  });
  return { got: () => got, ended };
}

describe('the proxy that stands for the network in these tests', () => {
  let proxy: ToxicProxy;
  let close = () => {};
  const answered: number[] = [];

  /** A server that answers each byte with ten. */
  async function connected(): Promise<Socket> {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        answered.push(bytes.length);
        socket.write(Buffer.alloc(10 * bytes.length, 'x'));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    proxy = await startToxics(typeof address === 'object' && address !== null ? address.port : 0);
    close = () => server.close();
    return openSocket(proxy.port, '127.0.0.1');
  }
  const soon = (ms = 60) => new Promise((resolve) => setTimeout(resolve, ms));

  afterEach(async () => {
    await proxy.close();
    close();
    answered.length = 0;
  });

  it('delays, narrows and slices, and loses nothing', async () => {
    const socket = await connected();
    const { got } = watch(socket);
    const all = (count: number) => expect.poll(got, { timeout: 10_000 }).toBe(count);
    const timed = async (work: () => Promise<void>) => {
      const before = performance.now();
      await work();
      return performance.now() - before;
    };
    proxy.down.latencyMs = 200;
    socket.write('a');
    expect(await timed(() => all(10))).toBeGreaterThan(190);
    proxy.heal();
    proxy.up.bytesPerSecond = 10_000;
    socket.write(Buffer.alloc(3000, 'b'));
    expect(await timed(() => all(30_010))).toBeGreaterThan(250);
    proxy.heal();
    proxy.up.sliceBytes = 1;
    answered.length = 0;
    socket.write(Buffer.alloc(200, 'c'));
    await all(32_010);
    expect(answered.length).toBeGreaterThan(10);
    expect(answered.reduce((sum, count) => sum + count)).toBe(200);
    socket.destroy();
  });

  it('holds back without a word, and lets pass what it held', async () => {
    const socket = await connected();
    const { got } = watch(socket);
    proxy.down.stall = true;
    socket.write('a');
    await expect.poll(() => answered.length).toBe(1);
    await soon();
    expect([got(), socket.readyState]).toEqual([0, 'open']);
    proxy.heal();
    await expect.poll(got).toBe(10);
    proxy.cut('vanish');
    socket.write('b');
    await soon();
    proxy.heal();
    await soon();
    expect([got(), answered.length, socket.readyState]).toEqual([10, 1, 'open']);
    socket.destroy();
  });

  it('ends a connection after so many bytes, once, and refuses new ones', async () => {
    const socket = await connected();
    const first = watch(socket);
    proxy.limit('down', 7, 'close');
    socket.write('a');
    expect([await first.ended, first.got()]).toEqual(['FIN', 7]);
    const again = openSocket(proxy.port, '127.0.0.1');
    const second = watch(again);
    again.write('b');
    await expect.poll(second.got).toBe(10);
    proxy.limit('down', 0, 'reset');
    again.write('c');
    expect([await second.ended, second.got(), answered.length]).toEqual(['ECONNRESET', 10, 3]);
    proxy.refusing = true;
    expect(await watch(openSocket(proxy.port, '127.0.0.1')).ended).toBe('ECONNRESET');
    proxy.heal();
    proxy.limit('up', 2, 'reset', 'each');
    for (const _ of [1, 2]) {
      const each = openSocket(proxy.port, '127.0.0.1');
      const third = watch(each);
      each.write('dd');
      await expect.poll(third.got).toBe(20);
      each.write('d');
      expect(await third.ended).toBe('ECONNRESET');
    }
  });
});
