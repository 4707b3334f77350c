import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';

/** A TCP proxy that does to a connection what networks do. */
export interface Proxy {
  readonly port: number;
  /** Bytes a second and direction; undefined: as they come. */
  bytesPerSecond: number | undefined;
  /** Nothing passes any more, and nobody is told: the other side has vanished. */
  blackHole: boolean;
  close(): Promise<void>;
}

const TICK_MS = 10;

export async function startProxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const state: Pick<Proxy, 'bytesPerSecond' | 'blackHole'> = { bytesPerSecond: undefined, blackHole: false };

  function pipe(from: Socket, to: Socket): void {
    let held: Buffer[] = [];
    let size = 0;
    from.on('data', (chunk: Buffer) => {
      if (state.blackHole) return;
      if (state.bytesPerSecond === undefined && size === 0) {
        to.write(chunk);
        return;
      }
      held.push(chunk);
      size += chunk.length;
    });
    const timer = setInterval(() => {
      if (size === 0 || state.blackHole) return;
      const rate = state.bytesPerSecond;
      const all = Buffer.concat(held, size);
      const now = rate === undefined ? size : Math.max(1, Math.floor((rate * TICK_MS) / 1000));
      to.write(all.subarray(0, now));
      held = now < size ? [all.subarray(now)] : [];
      size = Math.max(0, size - now);
    }, TICK_MS);
    from.on('error', () => {});
    from.on('close', () => {
      clearInterval(timer);
      to.destroy();
    });
  }

  const server: Server = createServer((client) => {
    const upstream = openSocket(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    pipe(client, upstream);
    pipe(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  return Object.assign(state, {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}
