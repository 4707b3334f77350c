import { createHttpClient, type HttpReply } from '../delivery/http.ts';
import { type Pacer, pacerFor } from '../delivery/pacer.ts';
import type { Answer, Io } from '../model.ts';
import type { CallSettings } from './call-settings.ts';
import { type Asked, askPatiently, type Patience, type Reply, turnOf, unlessAborted } from './patience.ts';

/** Calls to one provider under one credential, which do no harm when made twice. */
export interface Caller {
  /** Makes the call at its turn, and again as long as patience lasts; `once`: never again. Throws the signal's reason only. */
  post(path: string, body: string, signal: AbortSignal, options?: { once: true }): Promise<Asked>;
  get(path: string, signal: AbortSignal): Promise<Asked>;
  put(path: string, body: string, signal: AbortSignal): Promise<Asked>;
  /** `body`: for the few that take one. */
  delete(path: string, body: string | null, signal: AbortSignal): Promise<Asked>;
  close(): Promise<void>;
}

export interface CallerOptions extends CallSettings {
  provider: string;
  origin: string;
  /** Sent with each call: name, value, name, value. */
  headers: readonly string[];
  /** The header with the credential. */
  secretHeader: string;
  /** What the provider counts its limit by; callers that share it share the pace. */
  pace: { by: string; perMinute: number };
  /**
   * What the provider says of its limit beside an answer: the calls a minute that it allows; the calls that are left, as the provider
   * counted when it answered (default none), and for how long.
   */
  limit?(reply: Reply): { perMinute?: number; remaining?: number; restMs?: number };
  /** These two as in `Patience`. */
  busy?: Patience['busy'];
  isFinal?(reply: Reply): boolean;
  /** The longest answer that is read. */
  maxBodyBytes: number;
}

export function createCaller(options: CallerOptions, io: Io): Caller {
  const { provider, backoff, pace } = options;
  const http = createHttpClient(
    {
      origin: options.origin,
      connections: options.connections,
      headersTimeoutMs: options.timeout.headers,
      bodyTimeoutMs: options.timeout.headers,
      totalTimeoutMs: options.timeout.total,
      maxBodyBytes: options.maxBodyBytes,
      secretHeader: options.secretHeader,
      ...(options.ca === undefined ? {} : { tls: { ca: options.ca } }),
      allowPrivateAddresses: options.allowPrivateAddresses,
    },
    io,
  );
  const pacer = pacerFor(pace.by, pace.perMinute, io.monotonic());
  const share = shareOf(pace.by);
  const closing = new AbortController();

  // A call has a connection before it takes its turn: those that wait for one would leave all at once when some become free.
  let free = options.connections;
  const wakes: (() => void)[] = [];

  async function turn(signal: AbortSignal): Promise<Answer | undefined> {
    while (free === 0) await unlessAborted(new Promise<void>((wake) => void wakes.push(wake)), signal);
    free -= 1;
    let late: Answer | undefined;
    let left = false;
    try {
      late = await turnOf(pace.by, pace.perMinute, io, signal, options.patience);
      left = late === undefined;
    } finally {
      if (!left) release();
    }
    return late;
  }

  function release(): void {
    free += 1;
    for (const wake of wakes.splice(0)) wake();
  }

  function call(start: (done: (reply: HttpReply) => void) => void): Promise<HttpReply> {
    leaves(share, pacer, io.monotonic());
    return new Promise((resolve) => {
      start((reply) => {
        share.onTheWire -= 1;
        release();
        resolve(reply.kind === 'reply' ? limited(reply) : reply);
      });
    });
  }

  /** What a provider says of its limit in words of its own is read as Retry-After. */
  function limited(reply: Reply): Reply {
    const { perMinute, remaining = 0, restMs } = options.limit?.(reply) ?? {};
    if (perMinute !== undefined) pacer.slowTo(perMinute);
    if (restMs === undefined) return reply;
    allow(share, pacer, remaining, restMs, io.monotonic());
    if (reply.status !== 429 || reply.header('retry-after') !== undefined) return reply;
    const seconds = String(Math.ceil(restMs / 1000));
    return { ...reply, header: (name) => (name === 'retry-after' ? seconds : reply.header(name)) };
  }

  async function ask(
    start: (done: (reply: HttpReply) => void) => void,
    signal: AbortSignal,
    patienceMs: number,
  ): Promise<Asked> {
    const { busy, isFinal } = options;
    const own = { ...(busy ? { busy } : {}), ...(isFinal ? { isFinal } : {}) };
    const patience = { provider, patienceMs, backoff, turn, ...own, closing: closing.signal, io };
    return await askPatiently(() => call(start), patience, signal);
  }

  return {
    post: (path, body, signal, how) =>
      ask((done) => http.post(path, [...options.headers], body, done), signal, how?.once ? 0 : options.patience),
    get: (path, signal) => ask((done) => http.get(path, [...options.headers], done), signal, options.patience),
    put: (path, body, signal) =>
      ask((done) => http.put(path, [...options.headers], body, done), signal, options.patience),
    delete: (path, body, signal) =>
      ask((done) => http.delete(path, [...options.headers], body, done), signal, options.patience),
    async close() {
      closing.abort();
      await http.close();
    },
  };
}

/** What the callers of one credential have to share of its limit. */
interface Share {
  onTheWire: number;
  /** Calls that may leave yet, until that moment of the monotonic clock. */
  allowed: { calls: number; until: number } | undefined;
}

const shares = new Map<string, Share>();

function shareOf(by: string): Share {
  const share = shares.get(by) ?? { onTheWire: 0, allowed: undefined };
  shares.set(by, share);
  return share;
}

function leaves(share: Share, pacer: Pacer, now: number): void {
  share.onTheWire += 1;
  const { allowed } = share;
  if (!allowed || now >= allowed.until) return;
  allowed.calls -= 1;
  if (allowed.calls <= 0) pacer.rest(allowed.until);
}

/** What is on the wire may not be counted yet. Of several answers within a window the one that leaves least holds. */
function allow(share: Share, pacer: Pacer, remaining: number, restMs: number, now: number): void {
  const calls = remaining - share.onTheWire;
  const { allowed } = share;
  const known = allowed && now < allowed.until ? allowed : { calls, until: now + restMs };
  share.allowed = { calls: Math.min(known.calls, calls), until: known.until };
  if (share.allowed.calls <= 0) pacer.rest(remaining <= 0 ? Math.max(known.until, now + restMs) : known.until);
}
