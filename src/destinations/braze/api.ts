import type { Io } from '../../model.ts';
import type { CallSettings } from '../call-settings.ts';
import { createCaller } from '../caller.ts';
import type { Asked } from '../patience.ts';
import { pathAt } from '../reach-settings.ts';
import { PROVIDER } from './classify.ts';
import { limitOf } from './limit.ts';
import type { BrazeSettings } from './settings.ts';

/** Calls to a workspace, which all leave at one pace. */
export interface BrazeApi {
  track(body: string, signal: AbortSignal): Promise<Asked>;
  close(): Promise<void>;
}

/** A call with 75 refused users. */
const MAX_BODY_BYTES = 1024 * 1024;

export function createApi(
  settings: Pick<BrazeSettings, 'url' | 'apiKey' | 'requestsPerSecond'> & CallSettings,
  io: Io,
): BrazeApi {
  const { url, apiKey } = settings;
  const caller = createCaller(
    {
      ...settings,
      provider: PROVIDER,
      origin: new URL(url).origin,
      headers: ['Authorization', `Bearer ${apiKey}`, 'Content-Type', 'application/json', 'User-Agent', 'referry'],
      secretHeader: 'Authorization',
      pace: { by: `braze ${apiKey}`, perMinute: settings.requestsPerSecond * 60 },
      limit: (reply) => limitOf(reply, io.now()),
      maxBodyBytes: MAX_BODY_BYTES,
    },
    io,
  );
  return {
    track: (body, signal) => caller.post(pathAt(url, '/users/track'), body, signal),
    close: () => caller.close(),
  };
}
