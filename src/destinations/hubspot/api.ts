import { retryAfterMs } from '../../delivery/backoff.ts';
import type { Answer, Io } from '../../model.ts';
import { type Caller, createCaller } from '../caller.ts';
import { notSentAfter } from '../jobs.ts';
import type { Form } from '../multipart.ts';
import type { Asked, Reply } from '../patience.ts';
import { pathAt } from '../reach-settings.ts';
import { badAnswer, busy, classify, errorOf, type HubspotError, isDailyLimit } from './classify.ts';
import { createDaily, type Daily } from './daily.ts';
import type { HubspotSettings } from './settings.ts';
import { createUploads } from './upload.ts';

/** What came of a call. */
export type Result<T> =
  | { value: T; http: number }
  /** Refused as a whole, because of something in it. */
  | { refused: Answer; error: HubspotError }
  /** No clear answer within our patience, or nothing can be sent until a person has looked. */
  | { failed: Answer };

export function troubleOf(result: Exclude<Result<unknown>, { value: unknown }>): Answer {
  return 'refused' in result ? result.refused : result.failed;
}

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
  put<T>(path: string, body: object, read: Read<T>, signal: AbortSignal): Promise<Result<T>>;
  /** A file, within a time of its own. One try. */
  upload<T>(path: string, form: Form, read: Read<T>, signal: AbortSignal): Promise<Result<T>>;
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
      if ('failed' in result) stop = notSentAfter(result.failed);
      return result;
    },
    postOnce: async (path, body, read, signal) =>
      stop ? { failed: stop } : await api.postOnce(path, body, read, signal),
  };
}

/** A hundred contacts with all that we ask for are far below this. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** What is left of the limit to calls that were held up on their way. */
const SHARE = 0.97;
const TEN_SECONDS = 10_000;
const ONE_SECOND = 1000;

export function createApi(settings: HubspotSettings, io: Io): HubspotApi {
  const { token, url, requestsPer10Seconds, searchesPerSecond } = settings;
  const daily = createDaily(settings.timezone);
  const byApp = { by: `hubspot ${token}`, perMinute: requestsPer10Seconds * 6 * SHARE };
  const bySearch = { by: `hubspot search ${token}`, perMinute: searchesPerSecond * 60 * SHARE };
  const usual = callerAt(byApp, TEN_SECONDS);
  const searches = callerAt(bySearch, ONE_SECOND);
  const uploads = createUploads(settings, byApp, io);

  function callerAt(pace: { by: string; perMinute: number }, windowMs: number): Caller {
    return createCaller(
      {
        ...settings,
        provider: 'HubSpot',
        origin: new URL(url).origin,
        headers: ['Authorization', `Bearer ${token}`, 'Content-Type', 'application/json', 'User-Agent', 'referry'],
        secretHeader: 'Authorization',
        pace,
        maxBodyBytes: MAX_BODY_BYTES,
        busy,
        isFinal: isDailyLimit,
        limit: (reply) => limitIn(reply, windowMs, io),
      },
      io,
    );
  }

  async function judged<T>(ask: () => Promise<Asked>, read: Read<T>): Promise<Result<T>> {
    const spent = daily.spent(io.now());
    if (spent) return { failed: spent };
    const asked = await ask();
    if ('reply' in asked) heedDaily(asked.reply, daily, settings, io);
    return judge(asked, read, daily, io);
  }
  const at = (path: string): string => pathAt(url, path);

  return {
    post: (path, body, read, signal) => judged(() => usual.post(at(path), JSON.stringify(body), signal), read),
    postOnce: (path, body, read, signal) =>
      judged(() => usual.post(at(path), JSON.stringify(body), signal, { once: true }), read),
    search: (path, body, read, signal) => judged(() => searches.post(at(path), JSON.stringify(body), signal), read),
    get: (path, read, signal) => judged(() => usual.get(at(path), signal), read),
    put: (path, body, read, signal) => judged(() => usual.put(at(path), JSON.stringify(body), signal), read),
    upload: (path, form, read, signal) => judged(() => uploads.post(path, form, signal), read),
    async close() {
      await Promise.all([usual.close(), searches.close(), uploads.close()]);
    },
  };
}

/**
 * What HubSpot says of its limits beside an answer. Searches carry no such headers, so their window has to be known. How many calls are
 * left does not matter until there are none: windows roll, and every call that leaves one makes room again.
 */
function limitIn(reply: Reply, windowMs: number, io: Io): { perMinute?: number; restMs?: number } {
  const window = count(reply, 'x-hubspot-ratelimit-interval-milliseconds') || windowMs;
  const most = count(reply, 'x-hubspot-ratelimit-max');
  const perMinute = most ? { perMinute: (most * SHARE * 60_000) / window } : {};
  if (isDailyLimit(reply)) return perMinute;
  if (reply.status === 429)
    return { ...perMinute, restMs: retryAfterMs(reply.header('retry-after'), io.now()) ?? window };
  return count(reply, 'x-hubspot-ratelimit-remaining') === 0 ? { ...perMinute, restMs: window } : perMinute;
}

function heedDaily(reply: Reply, daily: Daily, { dailyReserve }: HubspotSettings, io: Io): void {
  const left = count(reply, 'x-hubspot-ratelimit-daily-remaining');
  if (isDailyLimit(reply) || (left !== undefined && left <= dailyReserve)) daily.stop(io.now());
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
