import { retryAfterMs } from '../../delivery/backoff.ts';
import type { Io } from '../../model.ts';
import type { CallSettings } from '../call-settings.ts';
import { type Caller, createCaller } from '../caller.ts';
import type { Asked, Reply } from '../patience.ts';
import { pathAt } from '../reach-settings.ts';
import { PROVIDER } from './classify.ts';
import type { KlaviyoSettings } from './settings.ts';

/** The calls of bulk import jobs. Each waits for its turn and throws the signal's reason only. */
export interface KlaviyoApi {
  createJob(body: string, signal: AbortSignal): Promise<Asked>;
  job(id: string, signal: AbortSignal): Promise<Asked>;
  /** A page of at most 100 errors. `cursor`: as the page before gave it; empty: the first page. */
  importErrors(id: string, cursor: string, signal: AbortSignal): Promise<Asked>;
  close(): Promise<void>;
}

const JSON_API = 'application/vnd.api+json';

/** A hundred errors, each with the profile that it refuses. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export function createApi(settings: KlaviyoSettings, io: Io): KlaviyoApi {
  const { url, requestsPerMinute, requestsPerSecond } = settings;
  const jobs = pathAt(url, '/api/profile-bulk-import-jobs');

  const perMinute = Math.min(requestsPerMinute, requestsPerSecond * 60);
  const creating = callerFor('create', perMinute, settings, io);
  const looking = callerFor('look', perMinute, settings, io);

  return {
    createJob: (body, signal) => creating.post(jobs, body, signal),
    job: (id, signal) => looking.get(`${jobs}/${encodeURIComponent(id)}`, signal),
    importErrors(id, cursor, signal) {
      const query = new URLSearchParams({ 'page[size]': '100', ...(cursor === '' ? {} : { 'page[cursor]': cursor }) });
      return looking.get(`${jobs}/${encodeURIComponent(id)}/import-errors?${query}`, signal);
    },
    async close() {
      await Promise.all([creating.close(), looking.close()]);
    },
  };
}

/** Calls of one kind. Each kind has a limit of its own there: looking takes nothing away from handing in. */
export function callerFor(
  kind: string,
  perMinute: number,
  settings: Pick<KlaviyoSettings, 'url' | 'apiKey' | 'revision'> & CallSettings,
  io: Io,
): Caller {
  const { url, apiKey, revision } = settings;
  return createCaller(
    {
      ...settings,
      provider: PROVIDER,
      origin: new URL(url).origin,
      headers: [
        ...['Authorization', `Klaviyo-API-Key ${apiKey}`, 'revision', revision],
        ...['Content-Type', JSON_API, 'Accept', JSON_API, 'User-Agent', 'referry'],
      ],
      secretHeader: 'Authorization',
      pace: { by: `klaviyo ${kind} ${apiKey}`, perMinute },
      limit: (reply) => limitOf(reply, io.now()),
      maxBodyBytes: MAX_BODY_BYTES,
    },
    io,
  );
}

/** No call is left in the window, or one too many was made: nothing leaves until the window ends. Klaviyo says so in seconds. */
function limitOf(reply: Reply, now: number): { restMs?: number } {
  if (reply.status === 429) {
    const restMs = retryAfterMs(reply.header('retry-after'), now);
    return restMs === undefined ? {} : { restMs };
  }
  const left = reply.header('ratelimit-remaining')?.trim();
  const reset = reply.header('ratelimit-reset')?.trim() ?? '';
  return left === '0' && /^\d{1,4}$/.test(reset) ? { restMs: Number(reset) * 1000 } : {};
}
