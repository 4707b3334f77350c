import { createHttpClient, type HttpReply, PRIVATE_ADDRESS } from '../delivery/http.ts';
import type { Io } from '../model.ts';
import type { Sent } from './message.ts';

/** The most time that one message may take; a dead channel must not hold the others up. Milliseconds. */
const TIMEOUT_MS = 10_000;

/** Where messages are posted, as the settings of a channel have it. */
export interface Place {
  url: string;
  allowPrivateAddresses: boolean;
}

/** Posts JSON to one URL. */
export interface Poster extends AsyncDisposable {
  post(body: string, headers: Readonly<Record<string, string>>): Promise<HttpReply>;
}

export function openPoster({ url, allowPrivateAddresses }: Place, io: Pick<Io, 'monotonic' | 'sleep'>): Poster {
  const { origin, pathname, search } = new URL(url);
  const client = createHttpClient(
    {
      origin,
      connections: 1,
      headersTimeoutMs: TIMEOUT_MS,
      bodyTimeoutMs: TIMEOUT_MS,
      totalTimeoutMs: TIMEOUT_MS,
      maxBodyBytes: 4096,
      allowPrivateAddresses,
    },
    io,
  );
  return {
    post: (body, headers) =>
      new Promise((resolve) => {
        const all = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'referry', ...headers };
        client.post(`${pathname}${search}`, Object.entries(all).flat(), body, resolve);
      }),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Statuses that speak of the message, not of the channel. */
const OF_THE_MESSAGE: ReadonlySet<number> = new Set([400, 413, 422]);

/** What an answer means. A request whose answer was lost is sent again: better told twice than never. */
export function sentBy(reply: HttpReply): Sent {
  if (reply.kind !== 'reply') {
    const why =
      reply.code === PRIVATE_ADDRESS ? 'its host is in a private network; see allowPrivateAddresses' : 'no answer';
    return { kind: 'failed', problem: `${why} (${reply.code})` };
  }
  if (reply.status >= 200 && reply.status < 300) return { kind: 'sent' };
  const problem = `HTTP ${reply.status}`;
  return OF_THE_MESSAGE.has(reply.status) ? { kind: 'refused', problem } : { kind: 'failed', problem };
}
