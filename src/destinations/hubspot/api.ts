import { retryAfterMs } from '../../delivery/backoff.ts';
import type { Pacer } from '../../delivery/pacer.ts';
import type { Answer, Io } from '../../model.ts';
import type { Asked, Reply } from '../patience.ts';
import { badAnswer, classify, errorOf, type HubspotError, isDailyLimit } from './classify.ts';
import { type Connection, connect, type Request } from './connection.ts';
import { createDaily, type Daily } from './daily.ts';
import type { HubspotSettings } from './settings.ts';

/** What came of a call. */
export type Result<T> =
  | { value: T; http: number }
  /** Refused as a whole, because of something in it. */
  | { refused: Answer; error: HubspotError }
  /** No clear answer within our patience, or nothing can be sent until a person has looked. */
  | { failed: Answer };

/** Makes sense of a 2xx; `undefined` where there is none. */
export type Read<T> = (reply: Reply) => T | undefined;

/**
 * Calls to one account, at the pace of its limits. What HubSpot cannot take just now is repeated for as long as patience lasts. Throws
 * the signal's reason only.
 */
export interface HubspotApi {
  post<T>(path: string, body: object, read: Read<T>, signal: AbortSignal): Promise<Result<T>>;
  /** For what must not be done twice unseen: one try, which may end in `unknown`. */
  postOnce<T>(path: string, body: object, read: Read<T>, signal: AbortSignal): Promise<Result<T>>;
  search<T>(path: string, body: object, read: Read<T>, signal: AbortSignal): Promise<Result<T>>;
  get<T>(path: string, read: Read<T>, signal: AbortSignal): Promise<Result<T>>;
  /** A file, within a time of its own. One try. */
  upload<T>(path: string, body: NonNullable<Request['body']>, read: Read<T>, signal: AbortSignal): Promise<Result<T>>;
  close(): Promise<void>;
}

/** The calls of one batch of profiles. */
export type BatchCalls = Pick<HubspotApi, 'post' | 'postOnce'>;

/** After a call that had no good answer in spite of all patience, no other one is made: nobody waits as long again for each part. */
export function untilFailed(api: BatchCalls): BatchCalls {
  let stop: Answer | undefined;
  return {
    async post(path, body, read, signal) {
      if (stop) return { failed: stop };
      const result = await api.post(path, body, read, signal);
      if ('failed' in result) stop = afterwards(result.failed);
      return result;
    },
    postOnce: async (path, body, read, signal) =>
      stop ? { failed: stop } : await api.postOnce(path, body, read, signal),
  };
}

function afterwards(failed: Answer): Answer {
  if (failed.kind === 'halted' || failed.kind === 'accepted') return failed;
  const reason = `nothing was sent after: ${failed.code} (${failed.reason})`;
  return { kind: 'retryable', code: 'NOT_SENT', reason };
}

/** What is left of the limit to calls that were held up on their way. */
const SHARE = 0.97;
const TEN_SECONDS = 10_000;
const ONE_SECOND = 1000;

export function createApi(settings: HubspotSettings, io: Io): HubspotApi {
  const { token, requestsPer10Seconds, searchesPerSecond, dailyReserve } = settings;
  const daily = createDaily(settings.timezone);

  const heed = (windowMs: number) => (reply: Reply, pacer: Pacer) => {
    keepPace(reply, pacer, windowMs, io);
    const leftToday = count(reply, 'x-hubspot-ratelimit-daily-remaining');
    if (isDailyLimit(reply) || (leftToday !== undefined && leftToday <= dailyReserve)) daily.stop(io.now());
  };
  const byApp = { by: `hubspot ${token}`, perMinute: requestsPer10Seconds * 6 * SHARE };
  const bySearch = { by: `hubspot search ${token}`, perMinute: searchesPerSecond * 60 * SHARE };
  const usual = connect(settings, { pace: byApp, heed: heed(TEN_SECONDS) }, io);
  const searches = connect(settings, { pace: bySearch, heed: heed(ONE_SECOND) }, io);
  const slow = { pace: byApp, heed: heed(TEN_SECONDS), totalTimeoutMs: settings.import.uploadTimeout };
  const uploads = connect(settings, slow, io);

  async function judged<T>(at: Connection, request: Request, read: Read<T>, signal: AbortSignal): Promise<Result<T>> {
    const spent = daily.spent(io.now());
    return spent ? { failed: spent } : judge(await at.ask(request, signal), read, daily, io);
  }

  return {
    post: (path, body, read, signal) => judged(usual, json(path, body), read, signal),
    postOnce: (path, body, read, signal) => judged(usual, { ...json(path, body), once: true }, read, signal),
    search: (path, body, read, signal) => judged(searches, json(path, body), read, signal),
    get: (path, read, signal) => judged(usual, { method: 'GET', path }, read, signal),
    upload: (path, body, read, signal) => judged(uploads, { method: 'POST', path, body, once: true }, read, signal),
    async close() {
      await Promise.all([usual.close(), searches.close(), uploads.close()]);
    },
  };
}

function json(path: string, body: object): Request {
  const content = JSON.stringify(body);
  return { method: 'POST', path, body: () => ({ type: 'application/json', content }) };
}

/** Does as HubSpot says of its limits beside an answer. Searches carry no such headers, so the window has to be known. */
function keepPace(reply: Reply, pacer: Pacer, windowMs: number, io: Io): void {
  const window = count(reply, 'x-hubspot-ratelimit-interval-milliseconds') || windowMs;
  const most = count(reply, 'x-hubspot-ratelimit-max');
  if (most) pacer.slowTo((most * SHARE * 60_000) / window);
  if (isDailyLimit(reply)) return;
  const asked = reply.status === 429 ? (retryAfterMs(reply.header('retry-after'), io.now()) ?? window) : 0;
  const spent = count(reply, 'x-hubspot-ratelimit-remaining') === 0 ? window : 0;
  if (asked > 0 || spent > 0) pacer.rest(io.monotonic() + Math.max(asked, spent));
}

function count(reply: Reply, name: string): number | undefined {
  const text = reply.header(name)?.trim() ?? '';
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

function judge<T>(asked: Asked, read: Read<T>, daily: Daily, io: Io): Result<T> {
  if ('stopped' in asked) return { failed: asked.stopped };
  const { reply } = asked;
  const { status } = reply;
  if (status === 200 || status === 201 || status === 207) {
    const value = reply.truncated ? undefined : read(reply);
    return value === undefined ? { failed: badAnswer(status, 'lacks what it should have') } : { value, http: status };
  }
  const spent = isDailyLimit(reply) ? daily.spent(io.now()) : undefined;
  if (spent) return { failed: { ...spent, http: status } };
  const answer = classify(reply);
  return answer.kind === 'halted' || answer.kind === 'unknown'
    ? { failed: answer }
    : { refused: answer, error: errorOf(reply) };
}
