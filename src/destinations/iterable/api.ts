import type { Io } from '../../model.ts';
import { createCaller } from '../caller.ts';
import type { Asked } from '../patience.ts';
import { pathAt } from '../reach-settings.ts';
import { busy, PROVIDER } from './classify.ts';
import { type IterableSettings, urlOf } from './settings.ts';

/** Calls to a project, which all leave at its one pace. */
export interface IterableApi {
  bulkUpdate(body: string, signal: AbortSignal): Promise<Asked>;
  close(): Promise<void>;
}

/** A call whose users all failed names each of them. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** What is left of the limit to calls that were held up on their way: a second is short, and the pacer's own reserve 20 ms of it. */
const SHARE = 0.93;

export function createApi(settings: IterableSettings, io: Io): IterableApi {
  const url = urlOf(settings);
  const caller = createCaller(
    {
      ...settings,
      provider: PROVIDER,
      origin: new URL(url).origin,
      headers: ['Api-Key', settings.apiKey, 'Content-Type', 'application/json', 'User-Agent', 'referry'],
      secretHeader: 'Api-Key',
      pace: { by: `iterable ${settings.apiKey}`, perMinute: settings.requestsPerSecond * 60 * SHARE },
      busy,
      maxBodyBytes: MAX_BODY_BYTES,
    },
    io,
  );
  return {
    bulkUpdate: (body, signal) => caller.post(pathAt(url, '/api/users/bulkUpdate'), body, signal),
    close: () => caller.close(),
  };
}
