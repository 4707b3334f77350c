import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Io, TransferError } from '../model.ts';
import { createFaultQueue } from './extole/fault-queue.ts';
import { acceptsFirst, type Fault, type FaultName, type FaultSource, misbehave, statusOf } from './extole/faults.ts';
import { openReceivedLog, type Received } from './extole/received.ts';
import { readBody } from './extole/requests.ts';
import { isObject, parsed } from './json.ts';
import { createMistakes } from './mistakes.ts';

export interface StandInOptions {
  io: Io;
  /** Default 0: a free one. */
  port?: number;
  /** Appends every request to this file; `fsync`: on disk before the answer. */
  log?: { path: string; fsync?: boolean };
  /** Asked at each request whether to misbehave. */
  faults?: FaultSource;
}

export interface StandInRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  bytes: number;
}

export interface StandInReply {
  status: number;
  body: string;
  headers?: Readonly<Record<string, string>>;
  /** Of what was taken; empty or absent where nothing was. */
  id?: string;
}

/** A provider's stand-in that listens. */
export interface StandIn {
  url: string;
  port: number;
  /** Every request, oldest first; its body without the provider's secret fields. */
  received: readonly Received[];
  /** Plays these for the next requests that change something, one each. */
  fail(...faults: readonly (Fault | FaultName)[]): void;
  /** Plays these for the next requests that only look. */
  failLooks(...faults: readonly (Fault | FaultName)[]): void;
  setFaults(source: FaultSource | undefined): void;
  /** Rejects with `SANDBOX` where the stand-in itself made a mistake: its 500 could pass for a fault that was asked for. */
  stop(): Promise<void>;
}

export interface StandInBehaviour {
  /** For people. */
  name: string;
  /** What a healthy server answers; called once a request. */
  answer(request: StandInRequest): StandInReply;
  /** The provider's error body, for faults that have none. */
  errorBody(status: number): string;
  /** Fields of a body that hold a secret: the log never has them. */
  secrets?: readonly string[];
}

export async function serveStandIn(
  options: StandInOptions,
  { name, answer, errorBody, secrets = [] }: StandInBehaviour,
): Promise<StandIn> {
  const { io } = options;
  const log = options.log && openReceivedLog(options.log.path, options.log.fsync ?? false);
  const received: Received[] = [];
  const faults = createFaultQueue(options.faults);
  let seq = log?.last ?? 0;

  function record(request: StandInRequest, status: number, id: string, fault?: string): void {
    seq += 1;
    const entry: Received = {
      seq,
      at: new Date(io.now()).toISOString(),
      method: request.method,
      path: `${request.path}${request.query.size === 0 ? '' : `?${request.query}`}`,
      requestId: '',
      status,
      ...(fault === undefined ? {} : { fault }),
      accepted: id !== '',
      duplicate: false,
      eventId: id,
      body: bodyWithout(request.body, secrets),
    };
    received.push(entry);
    log?.append(entry);
  }

  async function serve(req: IncomingMessage, res: ServerResponse, bytes: Buffer): Promise<void> {
    const target = new URL(req.url ?? '/', 'http://stand-in');
    const request: StandInRequest = {
      method: req.method ?? '',
      path: target.pathname,
      query: target.searchParams,
      headers: req.headers,
      body: bytes.toString('utf8'),
      bytes: bytes.length,
    };
    const fault = faults.next(
      { method: request.method, path: req.url ?? '', requestId: '', body: request.body },
      req.method !== 'GET',
    );
    if (!fault) {
      const reply = answer(request);
      record(request, reply.status, reply.id ?? '');
      res.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(reply.body);
      return;
    }
    const spec = named(fault.spec);
    const right = acceptsFirst(spec) ? answer(request) : { status: 500, body: errorBody(500) };
    record(request, statusOf(spec, right) ?? 0, right.id ?? '', fault.name);
    await misbehave(spec, res, right, right.id ?? '', io);
  }

  function named(fault: Fault): Fault {
    return fault.kind === 'status' && fault.body === undefined ? { ...fault, body: errorBody(fault.status) } : fault;
  }

  const mistakes = createMistakes(io, name);

  const server = createServer((req, res) =>
    readBody(req, (body) => {
      serve(req, res, body).catch((error: unknown) => mistakes.answer(error, req, res, errorBody(500)));
    }),
  );
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `the stand-in for ${name} cannot listen on 127.0.0.1:${options.port ?? 0}: ${cause.message}`;
      reject(new TransferError('SANDBOX_PORT', message, { hint: 'choose another port', cause }));
    });
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TransferError('SANDBOX', 'the stand-in has no port');

  let stopped: Promise<void> | undefined;

  async function shutDown(): Promise<void> {
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await ended;
    log?.close();
    const mistake = mistakes.first();
    if (mistake) throw mistake;
  }

  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    received,
    fail: (...next) => faults.fail(next),
    failLooks: (...next) => faults.failLooks(next),
    setFaults: faults.setSource,
    stop() {
      stopped ??= shutDown();
      return stopped;
    },
  };
}

/** A body as it is kept. What cannot be read as fields is kept as it came, unless a secret may be in it. */
function bodyWithout(text: string, secrets: readonly string[]): unknown {
  const body = text === '' ? undefined : (parsed(text) ?? text);
  if (isObject(body)) return Object.fromEntries(Object.entries(body).filter(([field]) => !secrets.includes(field)));
  return secrets.some((field) => text.includes(field)) ? undefined : body;
}
