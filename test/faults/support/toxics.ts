import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';

/** What is done to the bytes of one direction. Absent: nothing. Switched at any time, also on connections that are there. */
export interface Toxics {
  /** Each byte arrives so much later. */
  latencyMs?: number | undefined;
  /** Bytes a second, at most; TCP then holds the sender back, as a narrow line does. */
  bytesPerSecond?: number | undefined;
  /** Bytes leave in pieces no larger than this, each in a segment of its own. */
  sliceBytes?: number | undefined;
  /** Nothing passes any more and nobody is told; what came is kept and passes once this is false again. */
  stall?: boolean | undefined;
}

export type Way = 'up' | 'down';
/** `reset`: RST to both sides. `close`: FIN to both. `vanish`: open for ever, and nothing passes again. */
export type End = 'reset' | 'close' | 'vanish';

/**
 * A TCP proxy that does to a connection what networks do: between SFTP or HTTP clients and servers alike.
 *
 *     const proxy = await startToxics(server.port);        // the client connects to proxy.port on 127.0.0.1
 *     proxy.down.latencyMs = 500;                          // `up`: client to server, `down`: server to client
 *     proxy.up.stall = true;                               // half-open: requests are swallowed, the socket stays
 *     proxy.limit('down', 0, 'reset');                     // requests arrive, the next answer's first byte is an RST
 *     proxy.limit('down', 40, 'close');                    // FIN in the middle of the answer, after 40 more bytes of it
 *     proxy.cut('reset');                                  // what is connected now; new connections work
 *     proxy.refusing = true;                               // nothing listens: ECONNREFUSED
 *     proxy.heal();                                        // no toxic any more; cut connections stay cut
 *     await proxy.close();
 */
export interface ToxicProxy {
  readonly port: number;
  readonly up: Toxics;
  readonly down: Toxics;
  /** Connections made so far. */
  readonly accepted: number;
  /** Connections that are open on the client's side. */
  readonly open: number;
  /** Bytes that passed so far. */
  readonly passed: Readonly<Record<Way, number>>;
  /** Answers a new connection with RST at once, as a port does on which nothing listens. */
  refusing: boolean;
  /**
   * Lets so many more bytes pass one way, counted over all connections from now on, then ends the connection that brought the next
   * one. Happens once; on each connection (counted from its own start) where `each` is set.
   */
  limit(way: Way, bytes: number, end: End, each?: 'each'): void;
  /** Ends all connections that are open now. */
  cut(end: End): void;
  /** Takes all toxics, limits and refusals away. */
  heal(): void;
  close(): Promise<void>;
}

const POLL_MS = 5;
/** What is kept of one direction before TCP makes the sender wait. */
const KEPT = 64 * 1024;

interface Limit {
  /** Of `passed`, over all connections or of each, when the limit is reached. */
  upTo: number;
  end: End;
  each: boolean;
}

interface Pair {
  client: Socket;
  server: Socket;
  /** Nothing passes any more. */
  dead: boolean;
  passed: Record<Way, number>;
}

/** A proxy on a free port of 127.0.0.1 in front of one that is listened on there. */
export async function startToxics(target: number): Promise<ToxicProxy> {
  const pairs = new Set<Pair>();
  const toxics: Record<Way, Toxics> = { up: {}, down: {} };
  const limits: Partial<Record<Way, Limit>> = {};
  const passed: Record<Way, number> = { up: 0, down: 0 };
  let accepted = 0;
  let refusing = false;

  function end(pair: Pair, how: End): void {
    pair.dead = true;
    for (const socket of [pair.client, pair.server]) {
      if (how === 'reset') socket.resetAndDestroy();
      else if (how === 'close') socket.end(() => socket.destroy());
    }
  }

  /** How many of these bytes may pass; 0 where the connection was ended instead. */
  function allowed(pair: Pair, way: Way, wanted: number): number {
    const limit = limits[way];
    if (limit === undefined) return wanted;
    const left = limit.upTo - (limit.each ? pair : { passed }).passed[way];
    if (left > 0) return Math.min(left, wanted);
    if (!limit.each) delete limits[way];
    end(pair, limit.end);
    return 0;
  }

  async function pump(pair: Pair, way: Way, from: Socket, to: Socket): Promise<void> {
    const queue: { bytes: Buffer; at: number }[] = [];
    let kept = 0;
    let ended = false;
    let wake = () => {};
    from.on('data', (bytes: Buffer) => {
      queue.push({ bytes, at: performance.now() });
      kept += bytes.length;
      if (kept > KEPT) from.pause();
      wake();
    });
    from.on('end', () => {
      ended = true;
      wake();
    });
    from.on('close', () => wake());
    for (;;) {
      const head = queue[0];
      if (head === undefined) {
        if (ended || from.destroyed) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const { latencyMs = 0, bytesPerSecond, sliceBytes, stall = false } = toxics[way];
      const early = head.at + latencyMs - performance.now();
      if (stall || pair.dead || early > 0) {
        // What vanished is never told, but when both ends are gone there is nobody left to keep quiet to.
        if (to.destroyed || (pair.dead && from.destroyed)) return;
        await delay(stall || pair.dead ? POLL_MS : early);
        continue;
      }
      const rate = bytesPerSecond === undefined ? head.bytes.length : Math.max(1, Math.floor(bytesPerSecond / 50));
      const count = allowed(pair, way, Math.min(head.bytes.length, rate, sliceBytes ?? head.bytes.length));
      if (count === 0) continue;
      to.write(head.bytes.subarray(0, count));
      pair.passed[way] += count;
      passed[way] += count;
      kept -= count;
      if (kept <= KEPT && from.isPaused()) from.resume();
      if (count === head.bytes.length) queue.shift();
      else head.bytes = head.bytes.subarray(count);
      if (bytesPerSecond !== undefined) await delay((count / bytesPerSecond) * 1000);
      else if (sliceBytes !== undefined) await new Promise((resolve) => setImmediate(resolve));
    }
    if (!pair.dead) to.end();
  }

  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    accepted++;
    client.on('error', () => {});
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = openSocket({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { client, server: upstream, dead: false, passed: { up: 0, down: 0 } };
    pairs.add(pair);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.setNoDelay(true);
      // Whoever resets, is refused or dies without a word: the other side learns it, unless the network ate it.
      socket.on('error', () => {
        if (!pair.dead) other.resetAndDestroy();
      });
      socket.once('close', () => {
        if (client.destroyed && upstream.destroyed) pairs.delete(pair);
      });
    }
    void pump(pair, 'up', client, upstream);
    void pump(pair, 'down', upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    up: toxics.up,
    down: toxics.down,
    passed,
    get accepted() {
      return accepted;
    },
    get open() {
      return [...pairs].filter(({ client }) => !client.destroyed).length;
    },
    get refusing() {
      return refusing;
    },
    set refusing(on) {
      refusing = on;
    },
    limit(way, bytes, how, each) {
      const upTo = each === undefined ? passed[way] + bytes : bytes;
      limits[way] = { upTo, end: how, each: each !== undefined };
    },
    cut(how) {
      for (const pair of pairs) if (!pair.dead) end(pair, how);
    },
    heal() {
      for (const way of ['up', 'down'] as const) {
        const none: Required<Toxics> = {
          latencyMs: undefined,
          bytesPerSecond: undefined,
          sliceBytes: undefined,
          stall: false,
        };
        Object.assign(toxics[way], none);
        delete limits[way];
      }
      refusing = false;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const { client, server: upstream } of pairs) {
          client.destroy();
          upstream.destroy();
        }
      }),
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
