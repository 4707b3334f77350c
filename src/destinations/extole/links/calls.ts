import { backoffBound } from '../../../delivery/backoff.ts';
import type { HttpClient, HttpReply } from '../../../delivery/http.ts';
import type { Io } from '../../../model.ts';
import { connectTo, createAuth, type ExtoleTimeouts, headersOf, pathAt, turn } from '../extole.ts';
import { badAnswer, classifyCall, type Said } from './classify.ts';
import type { LinksSettings } from './settings.ts';

/** Calls under one token, at the pace of everything under it. */
export interface Calls {
  /** One for each person or report: patience is counted for each. Every method throws the signal's reason only. */
  begin(signal: AbortSignal): Attempt;
  close(): Promise<void>;
}

export interface Attempt {
  /**
   * Asked again while there is no clear answer, as long as patience lasts; an answer that `read` makes nothing of is none.
   * `what`: what it should be, for people.
   */
  get<T extends object>(
    path: string,
    query: Readonly<Record<string, string>>,
    read: (body: string) => T | undefined,
    what: string,
  ): Promise<{ kind: 'read'; value: T } | Exclude<Said, { kind: 'ok' }>>;
  /** Asked again only while it is certain that nothing was done. An `unknown` comes back at once. */
  post(path: string, body: object): Promise<Said>;
  /** Waits before the next try; false where patience is at its end. */
  pause(afterMs?: number): Promise<boolean>;
}

export interface CallOptions {
  timeouts: ExtoleTimeouts;
  /** Reads the token again from where it is kept; called once when Extole refuses the token in use. */
  refreshToken?: (() => string | undefined) | undefined;
  /** The longest answer that is read. */
  maxBodyBytes: number;
}

export function createCalls(settings: LinksSettings, options: CallOptions, io: Io): Calls {
  const { apiUrl, patience, backoff, requestsPerMinute } = settings;
  const http: HttpClient = connectTo(apiUrl, settings, options.timeouts, io, options.maxBodyBytes);
  const auth = createAuth(settings.token, options.refreshToken);
  const closing = new AbortController();
  const closed: Said = { kind: 'retryable', code: 'NOT_SENT', reason: 'nothing was sent: we are closing' };

  function requestId(): string | undefined {
    return settings.requestIdHeader ? `referry-${Math.floor(io.random() * 2 ** 48).toString(36)}` : undefined;
  }

  /** One call at its turn; once more where the token was refused and is another one by now. */
  async function once(
    send: (headers: string[], done: (reply: HttpReply) => void) => void,
    signal: AbortSignal,
  ): Promise<Said> {
    for (;;) {
      const { token } = auth;
      const either = AbortSignal.any([signal, closing.signal]);
      const mine = await turn(token, requestsPerMinute, io, either);
      signal.throwIfAborted();
      if (!mine) return closed;
      const said = classifyCall(await replyTo((done) => send(headersOf(token, requestId()), done), signal), io.now());
      if (said.kind !== 'halted' || said.http !== 401 || !auth.replaced(token)) return said;
    }
  }

  function begin(signal: AbortSignal): Attempt {
    let tries = 0;
    let since: number | undefined;

    async function pause(afterMs = 0): Promise<boolean> {
      const now = io.monotonic();
      since ??= now;
      tries += 1;
      const bound = backoffBound(tries, backoff);
      const wait = Math.max(afterMs, Math.ceil(bound / 2 + (bound / 2) * io.random()));
      if (closing.signal.aborted || now + wait > since + patience) return false;
      io.log.debug({ tries, pauseMs: wait }, 'a call about links is made again later');
      await io.sleep(wait, AbortSignal.any([signal, closing.signal])).catch(() => signal.throwIfAborted());
      return !closing.signal.aborted;
    }

    return {
      pause,
      async get(path, query, read, what) {
        const search = new URLSearchParams(query).toString();
        const target = `${pathAt(apiUrl, path)}${search === '' ? '' : `?${search}`}`;
        for (;;) {
          const said = await once((headers, done) => http.get(target, headers, done), signal);
          const value = said.kind === 'ok' ? read(said.body) : undefined;
          if (value !== undefined) return { kind: 'read', value };
          const trouble = said.kind === 'ok' ? badAnswer(`is not ${what}`) : said;
          if (trouble.kind !== 'retryable' && trouble.kind !== 'unknown') return trouble;
          if (!(await pause(trouble.afterMs))) return trouble;
        }
      },
      async post(path, body) {
        const text = JSON.stringify(body);
        const target = pathAt(apiUrl, path);
        for (;;) {
          const said = await once((headers, done) => http.post(target, headers, text, done), signal);
          if (said.kind !== 'retryable' || !(await pause(said.afterMs))) return said;
        }
      },
    };
  }

  return {
    begin,
    async close() {
      closing.abort();
      await http.close();
    },
  };
}

/** What is on the wire goes on; nobody waits for it once the signal is given. */
function replyTo(send: (done: (reply: HttpReply) => void) => void, signal: AbortSignal): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    send((reply) => {
      signal.removeEventListener('abort', stop);
      resolve(reply);
    });
  });
}
