import type { Io } from '../../model.ts';
import type { CallSettings } from '../call-settings.ts';
import type { Asked } from '../patience.ts';
import { pathAt } from '../reach-settings.ts';
import { createRestCaller } from './rest-caller.ts';
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
  const caller = createRestCaller(
    settings,
    { apiKey, of: 'braze', perMinute: settings.requestsPerSecond * 60, maxBodyBytes: MAX_BODY_BYTES },
    io,
  );
  return {
    track: (body, signal) => caller.post(pathAt(url, '/users/track'), body, signal),
    close: () => caller.close(),
  };
}
