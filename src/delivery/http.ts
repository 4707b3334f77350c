import type { Readable } from 'node:stream';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import type { Io } from '../model.ts';
import { guardedLookup, refuseAddress } from './addresses.ts';

/** What became of one request. */
export type HttpReply =
  /** A whole answer. `truncated`: the body was cut at `maxBodyBytes`. */
  | { kind: 'reply'; status: number; header(name: string): string | undefined; body: string; truncated?: true }
  /** No byte of the request was written, for certain. `tls`: the server could not prove who it is. */
  | { kind: 'not-sent'; code: string; message: string; tls?: true }
  /** The request was handed to the connection, and no whole answer came back: it may have been accepted. */
  | { kind: 'ambiguous'; code: string; message: string };

export type HttpDone = (reply: HttpReply) => void;

/**
 * HTTP/1.1 to one origin over keep-alive connections. Each call sends at most one request: no redirects, no hidden
 * retries. `done` is called exactly once, also after `close`; it must not throw. Headers are name, value, name, value.
 */
export interface HttpClient {
  /** A stream is read once; its length must be among the headers. */
  post(path: string, headers: string[], body: string | Readable, done: HttpDone): void;
  put(path: string, headers: string[], body: string, done: HttpDone): void;
  get(path: string, headers: string[], done: HttpDone): void;
  /** Most have no body; then `null`. */
  delete(path: string, headers: string[], body: string | null, done: HttpDone): void;
  /** Cuts what is on the wire (`ambiguous`) and drops what is not (`not-sent`). */
  close(): Promise<void>;
}

export interface HttpOptions {
  /** Scheme, host and port. */
  origin: string;
  /** The most connections; requests beyond that wait for one. */
  connections: number;
  headersTimeoutMs: number;
  /** The longest pause inside a body. */
  bodyTimeoutMs: number;
  /** From the call to the end of the answer, waiting for a connection included. */
  totalTimeoutMs: number;
  maxBodyBytes?: number;
  /** The header that carries the secret: an answer that repeats its value does not show it. Default `Authorization`. */
  secretHeader?: string;
  tls?: TlsTrust;
  /** Let it lead into a private network, too. Default false: then such a connection is not made (`PRIVATE_ADDRESS`). */
  allowPrivateAddresses?: boolean;
}

/** There is deliberately no way to switch verification off. */
export interface TlsTrust {
  /** Certificates of the authorities to trust instead of the well-known ones, PEM. */
  ca?: string;
}

/** The code of a request that was not sent because of where its host leads. */
export const PRIVATE_ADDRESS = 'PRIVATE_ADDRESS';

const MAX_BODY_BYTES = 64 * 1024;

/** OpenSSL's names for a certificate that does not verify, and Node's for a failed handshake. */
const TLS_CODE =
  /^(?:CERT_|CRL_|ERROR_IN_C|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_|HOSTNAME_MISMATCH$|EPROTO$)/;

export function createHttpClient(options: HttpOptions, io: Pick<Io, 'monotonic' | 'sleep'>): HttpClient {
  const pool = new Pool(options.origin, {
    connections: options.connections,
    pipelining: 1,
    // Over HTTP/2 a request that the server refuses is sent again by the library.
    allowH2: false,
    headersTimeout: options.headersTimeoutMs,
    bodyTimeout: options.bodyTimeoutMs,
    connect: connectorOf(options),
  });
  const maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES;
  const secretHeader = options.secretHeader ?? 'Authorization';
  const inFlight = new Set<Exchange>();
  const closing = new AbortController();
  const tickMs = Math.min(1000, Math.max(10, options.totalTimeoutMs / 20));
  let sweeping = false;

  /** One timer for all requests: they all have the same time, so the set is sorted by deadline. */
  async function sweep(): Promise<void> {
    sweeping = true;
    while (inFlight.size > 0 && !closing.signal.aborted) {
      await io.sleep(tickMs, closing.signal).catch(() => {});
      const now = io.monotonic();
      for (const exchange of inFlight) {
        if (exchange.deadline > now) break;
        exchange.expire();
      }
    }
    sweeping = false;
  }

  function dispatch(
    method: 'POST' | 'PUT' | 'GET' | 'DELETE',
    path: string,
    headers: string[],
    body: string | Readable | null,
    done: HttpDone,
  ): void {
    const at = headers.indexOf(secretHeader);
    const secret = at === -1 ? '' : (headers[at + 1] ?? '').replace(/^[\w-]+ /, '');
    const exchange = new Exchange(done, inFlight, io.monotonic() + options.totalTimeoutMs, maxBodyBytes, secret);
    inFlight.add(exchange);
    if (!sweeping) void sweep();
    pool.dispatch({ method, path, headers, body, idempotent: false }, exchange);
  }

  return {
    post: (path, headers, body, done) => dispatch('POST', path, headers, body, done),
    put: (path, headers, body, done) => dispatch('PUT', path, headers, body, done),
    get: (path, headers, done) => dispatch('GET', path, headers, null, done),
    delete: (path, headers, body, done) => dispatch('DELETE', path, headers, body, done),
    async close() {
      closing.abort();
      await pool.destroy(new ClosedError());
    },
  };
}

/** Opens connections to where they may lead, with a server that proves who it is. */
function connectorOf(options: HttpOptions): buildConnector.connector {
  const host = new URL(options.origin).hostname.replace(/^\[|\]$/g, '');
  const reach = { private: options.allowPrivateAddresses === true };
  const connect = buildConnector({
    // Said out loud, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot switch it off.
    rejectUnauthorized: true,
    // Over HTTP/2 a request that the server refuses is sent again by the library.
    allowH2: false,
    timeout: Math.min(10_000, options.totalTimeoutMs),
    lookup: guardedLookup(host, reach),
    ...(options.tls?.ca === undefined ? {} : { ca: options.tls.ca }),
  });
  return (target, done) => {
    const refused = refuseAddress(host, reach);
    if (refused) done(refused, null);
    else connect(target, done);
  };
}

class ClosedError extends Error {
  readonly code = 'CLOSED';
  constructor() {
    super('cut off because we are closing');
  }
}

/** One request and its answer: undici calls the on... methods. A class, since one is made for each row. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly deadline: number;
  readonly #done: HttpDone;
  readonly #inFlight: Set<Exchange>;
  readonly #maxBodyBytes: number;
  readonly #secret: string;
  #settled = false;
  #started = false;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: Headers = {};
  #first: Buffer | undefined;
  #more: Buffer[] | undefined;
  #bytes = 0;

  constructor(done: HttpDone, inFlight: Set<Exchange>, deadline: number, maxBodyBytes: number, secret: string) {
    this.#done = done;
    this.#inFlight = inFlight;
    this.deadline = deadline;
    this.#maxBodyBytes = maxBodyBytes;
    this.#secret = secret;
  }

  /** The last moment before bytes are written; aborting here still stops them. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) {
      controller.abort(new Error('gave up while waiting for a connection'));
    } else if (this.#started) {
      // Should the library ever take up a written request again, stop it: an attempt leaves once.
      controller.abort(new Error('a second sending was prevented'));
    } else {
      this.#started = true;
      this.#controller = controller;
    }
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    this.#bytes += chunk.length;
    if (this.#first === undefined) this.#first = chunk;
    else if (this.#more === undefined) this.#more = [this.#first, chunk];
    else this.#more.push(chunk);
    if (this.#bytes <= this.#maxBodyBytes) return;
    this.#reply(true);
    controller.abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    this.#reply(false);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'ERROR';
    const message = error.message === '' ? code : error.message;
    if (this.#started) this.#settle({ kind: 'ambiguous', code, message });
    else if (TLS_CODE.test(code)) this.#settle({ kind: 'not-sent', code, message, tls: true });
    else this.#settle({ kind: 'not-sent', code, message });
  }

  expire(): void {
    const message = this.#started ? 'no whole answer in time' : 'no connection became free in time';
    this.#settle({ kind: this.#started ? 'ambiguous' : 'not-sent', code: 'DEADLINE', message });
    this.#controller?.abort(new Error(message));
  }

  #reply(truncated: boolean): void {
    const headers = this.#headers;
    const bytes = this.#more ? Buffer.concat(this.#more, this.#bytes) : this.#first;
    const body = bytes ? this.#hidden(bytes.toString('utf8', 0, this.#maxBodyBytes)) : '';
    const header = (name: string): string | undefined => {
      const value = headers[name];
      const text = Array.isArray(value) ? value.join(', ') : value;
      return text === undefined ? undefined : this.#hidden(text);
    };
    if (truncated) this.#settle({ kind: 'reply', status: this.#status, header, body, truncated });
    else this.#settle({ kind: 'reply', status: this.#status, header, body });
  }

  /** An answer is quoted to people, and kept: what a server repeats of the token that it was given is not. */
  #hidden(text: string): string {
    const secret = this.#secret;
    return secret !== '' && text.includes(secret) ? text.replaceAll(secret, '(not shown)') : text;
  }

  #settle(reply: HttpReply): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#inFlight.delete(this);
    try {
      this.#done(reply);
    } catch (error) {
      // Thrown from here it would be swallowed by the library; it is a bug and must end the process.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

type Headers = Record<string, string | string[] | undefined>;
