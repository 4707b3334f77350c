import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Health, type HealthOptions, isAlive, isReady } from './health.ts';
import { createMetrics, type MetricsOptions } from './metrics.ts';

/** `/healthz`, `/readyz` and `/metrics`. */
export function addHealthPages(app: FastifyInstance, options: HealthOptions & MetricsOptions): void {
  const answer = (reply: FastifyReply, { ok, reasons }: Health): FastifyReply =>
    reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'unavailable', reasons });
  const metrics = createMetrics(options);
  const text = shared(metrics.text);
  const ready = shared(() => isReady(options));
  app.get('/healthz', async (_, reply) => answer(reply, isAlive(options)));
  app.get('/readyz', async (_, reply) => answer(reply, await ready()));
  app.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await text()));
}

/** Requests that come while an answer is being made share it: many who ask cost no more than one. */
export function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let making: Promise<T> | undefined;
  return () => {
    making ??= make().finally(() => {
      making = undefined;
    });
    return making;
  };
}
