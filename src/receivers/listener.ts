import Fastify, { type FastifyInstance } from 'fastify';
import { type Io, TransferError } from '../model.ts';

/** Where to listen: `127.0.0.1:9464`, `[::1]:9464`, `:9464` (every address), `9464` (this machine only). Port 0: any free one. */
export interface Address {
  host: string;
  port: number;
}

export interface ListenerOptions {
  io: Io;
  /** What it answers; all else is not there. */
  pages: readonly ((app: FastifyInstance) => void)[];
  /** The setting that the address is of. */
  setting: string;
}

export interface Listener {
  /** `http://127.0.0.1:9464` */
  url: string;
  close(): Promise<void>;
}

/** More than a monitoring system and many senders need, and few enough to leave open files to the work itself. */
const MOST_CONNECTIONS = 256;
/** A request that is not there whole by then is cut off, however much of it came. */
const WHOLE_MS = 10_000;
const LOOKED_AT_EVERY_MS = 2000;

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Answers its pages, and nothing else. Throws `LISTEN_FAILED`. */
export async function startListener(address: Address, { io, pages, setting }: ListenerOptions): Promise<Listener> {
  const app = Fastify({
    bodyLimit: 1,
    requestTimeout: WHOLE_MS,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5000,
    // Whoever holds a connection open must not keep a daemon that is to end.
    forceCloseConnections: true,
    http: { connectionsCheckingInterval: LOOKED_AT_EVERY_MS },
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  app.server.headersTimeout = WHOLE_MS;
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(HEADERS);
  });
  for (const add of pages) add(app);
  app.setNotFoundHandler(async (_, reply) => reply.code(404).send({ status: 'there is no such page' }));
  app.setErrorHandler(async (error: Error & { statusCode?: number }, _, reply) => {
    const code = error.statusCode ?? 500;
    if (code >= 500) io.log.error({ code: 'INTERNAL' }, `listener: ${error.message}`);
    return reply.code(code).send({ status: code >= 500 ? 'an error of referry: see its log' : 'bad request' });
  });
  try {
    const url = await app.listen({ host: address.host, port: address.port });
    return { url, close: () => app.close() };
  } catch (error) {
    await app.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new TransferError('LISTEN_FAILED', `cannot listen on ${address.host}:${address.port}: ${why}`, {
      hint: `choose another port in ${setting}, or end the process that has it`,
      cause: error,
    });
  }
}
