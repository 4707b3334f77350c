import { askedFor, type Backoff, backoffDelay, retryAfterMs } from '../delivery/backoff.ts';
import { type HttpReply, PRIVATE_ADDRESS } from '../delivery/http.ts';
import { pacerFor } from '../delivery/pacer.ts';
import type { Answer, Io } from '../model.ts';
import { clean } from './words.ts';

/** A whole answer. */
export type Reply = Extract<HttpReply, { kind: 'reply' }>;

/** How long a call is repeated that a provider could not take just now. Only for calls that do no harm when done twice. */
export interface Patience {
  /** What people call it. */
  provider: string;
  /** From the first try to the last. */
  patienceMs: number;
  backoff: Backoff;
  /** Waits until a call may leave; throws the signal's reason. Answers where none may for longer than it is worth to wait. */
  turn(signal: AbortSignal): Promise<Answer | undefined>;
  /** Why an answer that is no 429 asks to come back later all the same, in words: a lock, a code in a body. `undefined`: it does not. */
  busy?(reply: Reply): string | undefined;
  /** Whether an answer stands although it is a 429: waiting for so long is the caller's affair. */
  isFinal?(reply: Reply): boolean;
  /** Aborted where the sender is closed: then nothing is repeated. */
  closing: AbortSignal;
  io: Io;
}

/** `stopped`: the last try's trouble, as an answer of every row in the call. Some try may have been accepted where it is `unknown`. */
export type Asked = { reply: Reply } | { stopped: Answer };

/**
 * Calls until the provider answers with anything but 408, 425, 429 or 5xx, as long as patience lasts. Obeys Retry-After; where
 * that is longer than what is left of it, gives up at once. Throws the signal's reason only.
 */
export async function askPatiently(
  call: () => Promise<HttpReply>,
  patience: Patience,
  signal: AbortSignal,
): Promise<Asked> {
  const { provider, patienceMs, backoff, turn, closing, io } = patience;
  const until = io.monotonic() + patienceMs;
  let doubt: Answer | undefined;
  for (let tries = 1; ; tries += 1) {
    const late = await turn(AbortSignal.any([signal, closing])).catch(() => {
      signal.throwIfAborted();
      return undefined;
    });
    if (late) return { stopped: doubt ?? late };
    const reply = await unlessAborted(call(), signal);
    const trouble = troubleOf(reply, patience);
    if (trouble === undefined) return reply.kind === 'reply' ? { reply } : { stopped: lost(provider) };
    if (trouble.kind === 'halted') return { stopped: trouble };
    if (trouble.kind === 'unknown') doubt = trouble;
    const wait = Math.max(askedFor(trouble), backoffDelay(tries, backoff, io.random()));
    if (closing.aborted || io.monotonic() + wait > until) return { stopped: doubt ?? trouble };
    await io.sleep(wait, AbortSignal.any([signal, closing])).catch(() => signal.throwIfAborted());
  }
}

/**
 * Waits until a request may leave that counts under `key`; answers at once where the limit is used up for more than `most`
 * milliseconds. Throws the signal's reason.
 */
export async function turnOf(
  key: string,
  perMinute: number,
  io: Io,
  signal: AbortSignal,
  most = Number.POSITIVE_INFINITY,
): Promise<Answer | undefined> {
  const now = io.monotonic();
  const pacer = pacerFor(key, perMinute, now);
  // A call that does not leave takes no moment from those that do.
  if (pacer.restsUntil - now > most) return usedUp(pacer.restsUntil - now);
  let wait = pacer.reserve(now) - now;
  do {
    const rest = pacer.restsUntil - io.monotonic();
    if (rest > most) return usedUp(rest);
    if (wait > 0) await io.sleep(wait, signal);
    signal.throwIfAborted();
    wait = pacer.left(io.monotonic());
  } while (wait > 0);
  return undefined;
}

function usedUp(rest: number): Answer {
  const reason = `nothing was sent: the limit is used up for another ${Math.ceil(rest / 60_000)} minutes`;
  return { kind: 'retryable', code: 'THROTTLED', reason, afterMs: Math.ceil(rest) };
}

/** What is asked of the provider goes on; nobody waits for it any more. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export const TOO_MANY = 'too many calls for now';

/** `undefined`: an answer to go by. */
function troubleOf(reply: HttpReply, { provider, busy, isFinal, io }: Patience): Answer | undefined {
  if (reply.kind === 'not-sent') return notSent(reply, provider);
  if (reply.kind === 'ambiguous') {
    const reason = `no clear answer of ${provider}: ${clean(reply.message)} (${clean(reply.code)})`;
    return { kind: 'unknown', code: 'NO_ANSWER', reason };
  }
  const { status } = reply;
  const after = retryAfterMs(reply.header('retry-after'), io.now());
  const asked = after === undefined ? {} : { afterMs: after };
  if (status >= 500 || status < 200) {
    const reason = `${provider} answered ${status}; the call may have been accepted`;
    return { kind: 'unknown', code: 'SERVER_ERROR', reason, ...asked, http: status };
  }
  if (isFinal?.(reply)) return undefined;
  const why = busy?.(reply) ?? (status === 429 ? TOO_MANY : undefined);
  const throttled = why !== undefined;
  if (!throttled && status !== 408 && status !== 425) return undefined;
  return {
    kind: 'retryable',
    code: throttled ? 'THROTTLED' : `HTTP_${status}`,
    reason: `${provider} answered ${status}: ${why ?? 'not for now'}`,
    ...asked,
    http: status,
  };
}

function notSent(reply: Extract<HttpReply, { kind: 'not-sent' }>, provider: string): Answer {
  const detail = `${clean(reply.message)} (${clean(reply.code)})`;
  if (reply.tls) {
    const reason = `the server could not prove that it is ${provider}, so nothing was sent: ${detail}`;
    return { kind: 'halted', code: 'TLS', reason };
  }
  if (reply.code === PRIVATE_ADDRESS) {
    const reason = `nothing was sent: ${clean(reply.message)}; ${provider} is on the internet. Check the URL and DNS; allowPrivateAddresses allows it`;
    return { kind: 'halted', code: PRIVATE_ADDRESS, reason };
  }
  return { kind: 'retryable', code: 'NOT_SENT', reason: `nothing was sent: ${detail}` };
}

function lost(provider: string): Answer {
  return { kind: 'unknown', code: 'NO_ANSWER', reason: `no clear answer of ${provider}` };
}
