import type { Readable } from 'node:stream';
import { createHttpClient, type HttpReply } from '../../delivery/http.ts';
import { type Pacer, pacerFor } from '../../delivery/pacer.ts';
import type { Io } from '../../model.ts';
import { type Asked, askPatiently, type Reply, turnOf, unlessAborted } from '../patience.ts';
import { pathAt } from '../reach-settings.ts';
import { isBusy, isDailyLimit } from './classify.ts';
import type { HubspotSettings } from './settings.ts';

/** A request, without what all have in common. */
export interface Request {
  method: 'GET' | 'POST';
  /** Below the URL of the settings; with the query. */
  path: string;
  /** Anew for each try; absent with GET. */
  body?(): { type: string; length?: number; content: string | Readable };
  /** It may harm to do it twice unseen: one try, which may end in `unknown`. */
  once?: true;
}

/** Requests that count under one limit. Throws the signal's reason only. */
export interface Connection {
  ask(request: Request, signal: AbortSignal): Promise<Asked>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** What HubSpot counts the limit by; whoever shares it shares the pace. */
  pace: { by: string; perMinute: number };
  /** Longer than usual, for files. */
  totalTimeoutMs?: number;
  /** Sees each answer. */
  heed(reply: Reply, pacer: Pacer): void;
}

/** A hundred contacts with all that we ask for are far below this. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

export function connect(
  settings: HubspotSettings,
  { pace, totalTimeoutMs, heed }: ConnectionOptions,
  io: Io,
): Connection {
  const { url, token, timeout, connections, backoff, ca, allowPrivateAddresses } = settings;
  const http = createHttpClient(
    {
      origin: new URL(url).origin,
      connections,
      headersTimeoutMs: totalTimeoutMs ?? timeout.headers,
      bodyTimeoutMs: timeout.headers,
      totalTimeoutMs: totalTimeoutMs ?? timeout.total,
      maxBodyBytes: MAX_BODY_BYTES,
      ...(ca === undefined ? {} : { tls: { ca } }),
      allowPrivateAddresses,
    },
    io,
  );
  const pacer = pacerFor(pace.by, pace.perMinute, io.monotonic());
  const closing = new AbortController();
  // A request has a connection before it takes its turn: those that wait for one would leave all at once when some become free.
  let free = connections;
  const waiting: (() => void)[] = [];

  async function turn(signal: AbortSignal): Promise<void> {
    while (free === 0) await unlessAborted(new Promise<void>((wake) => void waiting.push(wake)), signal);
    free -= 1;
    try {
      await turnOf(pace.by, pace.perMinute, io, signal);
    } catch (error) {
      release();
      throw error;
    }
  }

  function release(): void {
    free += 1;
    for (const wake of waiting.splice(0)) wake();
  }

  function call({ method, path, body }: Request): Promise<HttpReply> {
    const target = pathAt(url, path);
    return new Promise((resolve) => {
      const done = (reply: HttpReply): void => {
        release();
        if (reply.kind === 'reply') heed(reply, pacer);
        resolve(reply);
      };
      const sent = body?.();
      const headers = ['Authorization', `Bearer ${token}`, 'User-Agent', 'referry'];
      if (sent) headers.push('Content-Type', sent.type);
      if (sent?.length !== undefined) headers.push('Content-Length', String(sent.length));
      if (method === 'GET' || !sent) http.get(target, headers, done);
      else http.post(target, headers, sent.content, done);
    });
  }

  return {
    ask(request, signal) {
      const patienceMs = request.once ? 0 : settings.patience;
      return askPatiently(
        () => call(request),
        {
          provider: 'HubSpot',
          patienceMs,
          backoff,
          turn,
          busy: isBusy,
          isFinal: isDailyLimit,
          closing: closing.signal,
          io,
        },
        signal,
      );
    },
    async close() {
      closing.abort();
      await http.close();
    },
  };
}
