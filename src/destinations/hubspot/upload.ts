import { createHttpClient, type HttpReply } from '../../delivery/http.ts';
import type { Io } from '../../model.ts';
import type { Form } from '../multipart.ts';
import { type Asked, askPatiently, turnOf } from '../patience.ts';
import { pathAt } from '../reach-settings.ts';
import { isDailyLimit } from './classify.ts';
import type { HubspotSettings } from './settings.ts';

/** Sends forms, within a time of their own. */
export interface Uploads {
  /** One try. Throws the signal's reason only. */
  post(path: string, form: Form, signal: AbortSignal): Promise<Asked>;
  close(): Promise<void>;
}

export function createUploads(settings: HubspotSettings, pace: { by: string; perMinute: number }, io: Io): Uploads {
  const { url, token, ca, allowPrivateAddresses, backoff, import: how } = settings;
  const http = createHttpClient(
    {
      origin: new URL(url).origin,
      connections: 1,
      headersTimeoutMs: how.uploadTimeout,
      bodyTimeoutMs: how.uploadTimeout,
      totalTimeoutMs: how.uploadTimeout,
      ...(ca === undefined ? {} : { tls: { ca } }),
      allowPrivateAddresses,
    },
    io,
  );
  const closing = new AbortController();

  function call(path: string, { contentType, length, body }: Form): Promise<HttpReply> {
    const headers = ['Authorization', `Bearer ${token}`, 'User-Agent', 'referry', 'Content-Type', contentType];
    headers.push('Content-Length', String(length));
    return new Promise((resolve) => http.post(pathAt(url, path), headers, body, resolve));
  }

  return {
    post(path, form, signal) {
      const once = { provider: 'HubSpot', patienceMs: 0, backoff, isFinal: isDailyLimit, closing: closing.signal, io };
      const turn = (stop: AbortSignal) => turnOf(pace.by, pace.perMinute, io, stop);
      return askPatiently(() => call(path, form), { ...once, turn }, signal);
    },
    async close() {
      closing.abort();
      await http.close();
    },
  };
}
