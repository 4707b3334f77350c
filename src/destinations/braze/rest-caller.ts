import type { Io } from '../../model.ts';
import type { CallSettings } from '../call-settings.ts';
import { type Caller, createCaller } from '../caller.ts';
import { PROVIDER } from './classify.ts';
import { limitOf } from './limit.ts';

interface RestCall {
  /** A REST API key of the workspace. */
  apiKey: string;
  /** What Braze counts this limit by, beside the key: each of its endpoints has a limit of its own. */
  of: string;
  perMinute: number;
  maxBodyBytes: number;
}

/** Calls to a workspace with a REST API key, all at one pace. */
export function createRestCaller(
  settings: CallSettings & { url: string },
  { apiKey, of, perMinute, maxBodyBytes }: RestCall,
  io: Io,
): Caller {
  return createCaller(
    {
      ...settings,
      provider: PROVIDER,
      origin: new URL(settings.url).origin,
      headers: ['Authorization', `Bearer ${apiKey}`, 'Content-Type', 'application/json', 'User-Agent', 'referry'],
      secretHeader: 'Authorization',
      pace: { by: `${of} ${apiKey}`, perMinute },
      limit: (reply) => limitOf(reply, io.now()),
      maxBodyBytes,
    },
    io,
  );
}
