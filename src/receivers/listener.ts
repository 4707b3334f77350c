import Fastify, { type FastifyReply } from 'fastify';
import { TransferError } from '../model.ts';
import { type Health, type HealthOptions, isAlive, isReady } from './health.ts';
import { createMetrics, type MetricsOptions } from './metrics.ts';

/** Where to listen: `127.0.0.1:9464`, `[::1]:9464`, `:9464` (every address), `9464` (this machine only). Port 0: any free one. */
export interface Address {
  host: string;
  port: number;
}

export interface ListenerOptions extends Omit<MetricsOptions, 'jobs'>, HealthOptions {
  jobs: MetricsOptions['jobs'];
}

export interface Listener {
  /** `http://127.0.0.1:9464` */
  url: string;
  close(): Promise<void>;
}

/** More than a monitoring system and a few people need. */
const MOST_CONNECTIONS = 64;

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Answers `/healthz`, `/readyz` and `/metrics`, and nothing else. Throws `LISTEN_FAILED`. */
export async function startListener(address: Address, options: ListenerOptions): Promise<Listener> {
  const app = Fastify({
    bodyLimit: 1,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5000,
    // Whoever holds a connection open must not keep a daemon that is to end.
    forceCloseConnections: true,
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  app.server.headersTimeout = 10_000;
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(HEADERS);
  });
  const answer = (reply: FastifyReply, { ok, reasons }: Health): FastifyReply =>
    reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'unavailable', reasons });

  const metrics = createMetrics(options);
  const text = shared(metrics.text);
  const ready = shared(() => isReady(options));
  app.get('/healthz', async (_, reply) => answer(reply, isAlive(options)));
  app.get('/readyz', async (_, reply) => answer(reply, await ready()));
  app.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await text()));
  app.setNotFoundHandler(async (_, reply) => reply.code(404).send({ status: 'there is no such page' }));
  app.setErrorHandler(async (error: Error & { statusCode?: number }, _, reply) => {
    const code = error.statusCode ?? 500;
    if (code >= 500) options.io.log.error({ code: 'INTERNAL' }, `listener: ${error.message}`);
    return reply.code(code).send({ status: code >= 500 ? 'an error of referry: see its log' : 'bad request' });
  });
  try {
    const url = await app.listen({ host: address.host, port: address.port });
    return { url, close: () => app.close() };
  } catch (error) {
    await app.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new TransferError('LISTEN_FAILED', `cannot listen on ${address.host}:${address.port}: ${why}`, {
      hint: 'choose another port in REFERRY_LISTEN or --listen, or end the process that has it',
      cause: error,
    });
  }
}

/** Requests that come while an answer is being made share it: many who ask cost no more than one. */
function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let making: Promise<T> | undefined;
  return () => {
    making ??= make().finally(() => {
      making = undefined;
    });
    return making;
  };
}
