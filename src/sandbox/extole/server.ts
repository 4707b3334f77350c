import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type Io, TransferError } from '../../model.ts';
import { createMistakes } from '../mistakes.ts';
import { type Account, createAccount } from './account.ts';
import { answerAudiences } from './audience-api.ts';
import { type AudienceBehaviour, type Audiences, createAudiences } from './audiences.ts';
import type { BatchBehaviour } from './batch-record.ts';
import { createBatches } from './batches.ts';
import { errorReply, type Reply } from './errors.ts';
import { readEvent } from './events.ts';
import { createFaultQueue } from './fault-queue.ts';
import { acceptsFirst, type Fault, type FaultName, type FaultSource, misbehave, statusOf } from './faults.ts';
import { answerFiles, makesSomething } from './file-api.ts';
import { createFileAssets, type FileOptions } from './files.ts';
import { createLinkApi, type LinkOptions, type LinkStandIn } from './link-api.ts';
import { createRateLimit } from './rate-limit.ts';
import { openReceivedLog, type Received } from './received.ts';
import { bodyOf, readBody, requestIdOf } from './requests.ts';
import { isJson, listPersons, listSteps, type Route, refuseToken, routeOf } from './routes.ts';
import { createStore, type Dedupe } from './store.ts';
import { createTally } from './tally.ts';

export interface ExtoleOptions {
  io: Io;
  /** Default 0: a free one. */
  port?: number;
  host?: string;
  /** Tokens that are accepted. */
  tokens?: readonly string[];
  dedupe?: Dedupe;
  /** The data field that carries the unique key. */
  keyField?: string;
  /** By token, for everything but async events. `Infinity`: no limit. */
  requestsPerMinute?: number;
  /** Event names answered `event_blocked`. */
  blockedEvents?: readonly string[];
  /** Until an event shows among a person's steps; a function is given the count of accepted events. */
  stepDelayMs?: number | ((nth: number) => number);
  /** Event names that are accepted and cause no step, as names do that no campaign uses. */
  hiddenEvents?: readonly string[];
  /** Appends every request to this file; `fsync`: on disk before the answer. */
  log?: { path: string; fsync?: boolean };
  /** Keeps every request in `received`; for tests. */
  keep?: boolean;
  faults?: FaultSource;
  files?: Omit<FileOptions, 'io'>;
  batches?: Partial<BatchBehaviour>;
  links?: LinkOptions;
  audiences?: Partial<AudienceBehaviour>;
  tls?: { key: string; cert: string };
}

export interface ExtoleStats {
  requests: number;
  accepted: number;
  duplicates: number;
  /** Different keys accepted, by container and event name. */
  distinctKeys: number;
  /** `{ '/v6/events': { '200': 3 } }`; a status of 0 is a request that got no status. */
  byPath: Record<string, Record<string, number>>;
}

export interface ExtoleStandIn {
  url: string;
  port: number;
  /** With `keep`: every request, oldest first. */
  received: readonly Received[];
  /** What every way in shares: give it to the watcher of Extole's folders, so that keys are known across lanes. */
  account: Account;
  stats(): ExtoleStats;
  /** How batches go; switch while it runs. */
  batches: BatchBehaviour;
  /** Persons, share links and reports. */
  links: LinkStandIn;
  /** Audiences and their members; give them to the watcher of Extole's folders. */
  audiences: Audiences;
  /** Plays these for the next posted events, files or batches, one each; they come before the fault source. */
  fail(...faults: readonly (Fault | FaultName)[]): void;
  /** Plays these for the next other requests to files and batches. */
  failLooks(...faults: readonly (Fault | FaultName)[]): void;
  setFaults(source: FaultSource | undefined): void;
  setTokens(tokens: readonly string[]): void;
  flush(): void;
  /** Rejects with `SANDBOX` where the stand-in itself made a mistake. */
  close(): Promise<void>;
}

export const SANDBOX_TOKEN = 'sandbox-token';

/** Where a request ends: what is answered, and what was taken. */
interface Outcome extends Reply {
  eventId: string;
  duplicate: boolean;
}

/**
 * Extole as its contract describes it, and as it misbehaves: events (v5, v6, async), persons, their steps and share links, files,
 * batches, reports. Answers 200 to a key that it knows, as Extole does, and drops it afterwards.
 */
export async function startExtole(options: ExtoleOptions): Promise<ExtoleStandIn> {
  const { io, keyField = 'partner_conversion_id', keep = false } = options;
  const store = createStore({
    dedupe: options.dedupe ?? 'within-event',
    keyField,
    stepDelayMs: options.stepDelayMs ?? 0,
    hidden: new Set(options.hiddenEvents),
  });
  const limit = createRateLimit(options.requestsPerMinute ?? 100);
  const blocked = new Set(options.blockedEvents);
  const log = options.log && openReceivedLog(options.log.path, options.log.fsync ?? false);
  const received: Received[] = [];
  const tally = createTally();
  let tokens = new Set(options.tokens ?? [SANDBOX_TOKEN]);
  const faults = createFaultQueue(options.faults);
  const links = createLinkApi(io, store, options.links ?? {});
  const account = createAccount({ io, store, log, keep: keep ? received : undefined, taken: links.taken });
  const files = createFileAssets({ io, ...options.files });
  const audiences = createAudiences(io, files, options.audiences);
  const batches = createBatches({
    io,
    files,
    account,
    blocked,
    ...(options.batches ? { behaviour: options.batches } : {}),
  });

  /** What a healthy server answers. */
  function answer(route: Route | Reply, req: IncomingMessage, bytes: Buffer): Outcome {
    if ('status' in route) return nothing(route);
    const refusal = refuse(route, req);
    if (refusal) return nothing(refusal);
    if (route.kind === 'persons') return nothing(listPersons(store, route.query));
    if (route.kind === 'steps') return nothing(listSteps(store, route.personId, route.query, io.monotonic()));
    if (route.kind === 'links') {
      const { reply, id } = links.answer(route, { isJson: isJson(req), body: bytes.toString('utf8') });
      return { ...reply, eventId: id, duplicate: false };
    }
    if (route.kind === 'audiences') {
      const request = { isJson: isJson(req), body: bytes.toString('utf8') };
      const { reply, id } = answerAudiences(route, request, audiences, store, io);
      return { ...reply, eventId: id, duplicate: false };
    }
    if (route.kind === 'files' || route.kind === 'batches') {
      const contentType = req.headers['content-type'];
      const { reply, id } = answerFiles(route, { contentType, isJson: isJson(req), bytes }, files, batches);
      return { ...reply, eventId: id, duplicate: false };
    }
    if (!isJson(req)) return nothing(errorReply('unsupported_media_type'));
    const event = readEvent(bytes.toString('utf8'), route.eventName, blocked);
    if ('status' in event) return nothing(event);
    const { eventId, personId, duplicate } = account.take(event);
    return { status: 200, body: okBody(route.api, eventId, personId), eventId, duplicate };
  }

  function refuse(route: Route, req: IncomingMessage): Reply | undefined {
    const refusal = refuseToken(req, tokens);
    if (refusal) return refusal;
    if (route.kind === 'event' && route.api === 'v6-async') return undefined;
    return limit.take(req.headers.authorization ?? '', io.monotonic()) ? undefined : errorReply('too_many_requests');
  }

  function serve(req: IncomingMessage, res: ServerResponse, body: Buffer): void {
    const route = routeOf(req.method ?? '', req.url ?? '');
    const fault = 'kind' in route ? faultFor(route, req, body) : undefined;
    if (fault) {
      mistreat(fault, () => answer(route, req, body), req, res, body).catch((error: unknown) => broke(error, req, res));
    } else {
      finish(req, res, body, answer(route, req, body));
    }
  }

  function faultFor(route: Route, req: IncomingMessage, bytes: Buffer): { name: string; spec: Fault } | undefined {
    if (route.kind === 'steps') return undefined;
    const body = route.kind === 'files' ? '' : bytes.toString('utf8');
    const request = { method: req.method ?? '', path: req.url ?? '', requestId: requestIdOf(req), body };
    if (route.kind === 'links' || route.kind === 'persons') return links.faults.next(request, req.method === 'POST');
    if (route.kind === 'audiences') return faults.next(request, req.method !== 'GET');
    return faults.next(request, route.kind === 'event' || makesSomething(route));
  }

  async function mistreat(
    { name, spec }: { name: string; spec: Fault },
    process: () => Outcome,
    req: IncomingMessage,
    res: ServerResponse,
    body: Buffer,
  ): Promise<void> {
    if (spec.kind === 'hang' && spec.afterMs !== undefined) {
      await io.sleep(spec.afterMs);
      record(req, body, process(), 0, name);
      return;
    }
    const right = acceptsFirst(spec) ? process() : nothing(errorReply('software_error'));
    record(req, body, right, statusOf(spec, right) ?? 0, name);
    await misbehave(spec, res, right, right.eventId || '7465310000000000000', io);
  }

  function finish(req: IncomingMessage, res: ServerResponse, body: Buffer, outcome: Outcome): void {
    record(req, body, outcome, outcome.status);
    res.writeHead(outcome.status, [
      'Content-Type',
      outcome.type ?? 'application/json',
      'Content-Length',
      String(Buffer.byteLength(outcome.body)),
    ]);
    res.end(outcome.body);
  }

  function record(req: IncomingMessage, body: Buffer, outcome: Outcome, status: number, fault?: string): void {
    tally.count(req.url ?? '', status);
    if (!log && !keep) return;
    account.record({
      method: req.method ?? '',
      path: req.url ?? '',
      requestId: requestIdOf(req),
      status,
      ...(fault === undefined ? {} : { fault }),
      accepted: outcome.eventId !== '',
      duplicate: outcome.duplicate,
      eventId: outcome.eventId,
      body: bodyOf(req, body),
    });
  }

  const mistakes = createMistakes(io, 'Extole');
  const broke = (error: unknown, req: IncomingMessage, res: ServerResponse): void =>
    mistakes.answer(error, req, res, errorReply('software_error').body);
  let closed: Promise<void> | undefined;

  async function shutDown(): Promise<void> {
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await ended;
    log?.close();
    const mistake = mistakes.first();
    if (mistake) throw mistake;
  }

  const listener = (req: IncomingMessage, res: ServerResponse): void =>
    readBody(req, (body) => {
      try {
        serve(req, res, body);
      } catch (error) {
        broke(error, req, res);
      }
    });
  const server = options.tls ? createSecureServer(options.tls, listener) : createServer(listener);
  server.keepAliveTimeout = 60_000;
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `the Extole stand-in cannot listen on ${host}:${options.port ?? 0}: ${cause.message}`;
      reject(new TransferError('SANDBOX_PORT', message, { hint: 'choose another port', cause }));
    });
    server.listen(options.port ?? 0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TransferError('SANDBOX', 'the stand-in has no port');

  return {
    url: `${options.tls ? 'https' : 'http'}://${host}:${address.port}`,
    port: address.port,
    received,
    account,
    stats: () => ({
      ...tally.totals(),
      ...account.totals(),
      distinctKeys: store.distinctKeys,
    }),
    batches: batches.behaviour,
    links: links.standIn,
    audiences,
    fail: (...next) => faults.fail(next),
    failLooks: (...next) => faults.failLooks(next),
    setFaults: faults.setSource,
    setTokens: (next) => {
      tokens = new Set(next);
    },
    flush: () => log?.flush(),
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function nothing(reply: Reply): Outcome {
  return { ...reply, eventId: '', duplicate: false };
}

function okBody(api: 'v5' | 'v6' | 'v6-async', eventId: string, personId: string): string {
  if (api === 'v5') return `{"id":"${eventId}"}`;
  return api === 'v6' ? `{"event_id":"${eventId}","person_id":"${personId}"}` : `{"event_id":"${eventId}"}`;
}
