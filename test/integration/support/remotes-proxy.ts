import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';

/** A TCP proxy that does to a connection what networks do. */
export interface Proxy {
  readonly port: number;
  /** Bytes a second and direction; undefined: as they come. */
  bytesPerSecond: number | undefined;
  /** On the connections there are nothing passes any more, and nobody is told; new ones work. */
  vanish(): void;
  close(): Promise<void>;
}

const TICK_MS = 10;

export async function startProxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const state: Pick<Proxy, 'bytesPerSecond'> = { bytesPerSecond: undefined };
  const gone = new WeakSet<Socket>();

  function pipe(from: Socket, to: Socket): void {
    let held: Buffer[] = [];
    let size = 0;
    from.on('data', (chunk: Buffer) => {
      if (gone.has(from)) return;
      if (state.bytesPerSecond === undefined && size === 0) {
        to.write(chunk);
        return;
      }
      held.push(chunk);
      size += chunk.length;
    });
    const timer = setInterval(() => {
      if (size === 0 || gone.has(from)) return;
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
    vanish: () => {
      for (const socket of sockets) gone.add(socket);
    },
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}
