import { createHttpClient, type HttpClient, type HttpReply } from '../../delivery/http.ts';
import type { Io } from '../../model.ts';
import { type Asked, askPatiently, type Patience, turnOf } from '../patience.ts';
import { pathAt } from '../reach-settings.ts';
import { busy, PROVIDER } from './classify.ts';
import type { SfmcSettings } from './settings.ts';
import { type Granted, tokensFor } from './token.ts';

/** The calls of the asynchronous rows API. Each waits for its turn and throws the signal's reason only. */
export interface SfmcApi {
  upsert(body: string, signal: AbortSignal): Promise<Asked>;
  status(requestId: string, signal: AbortSignal): Promise<Asked>;
  /** `page` counts from 1. */
  results(requestId: string, page: number, signal: AbortSignal): Promise<Asked>;
  close(): Promise<void>;
}

/** A page of results with long messages. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export function createApi(settings: SfmcSettings, io: Io): SfmcApi {
  const { dataExtension, results } = settings;
  const tokens = tokensFor(settings, io);
  const closing = new AbortController();
  const clients = new Map<string, HttpClient>();
  const rows = `/data/v1/async/dataextensions/${
    dataExtension.key === undefined ? dataExtension.id : `key:${encodeURIComponent(dataExtension.key)}`
  }/rows`;
  const pace = `sfmc ${settings.subdomain} ${settings.clientId} ${settings.accountId ?? ''}`;
  const patience: Patience = {
    provider: PROVIDER,
    patienceMs: settings.patience,
    backoff: settings.backoff,
    turn: (signal) => turnOf(pace, settings.requestsPerMinute, io, signal),
    busy,
    closing: closing.signal,
    io,
  };

  function clientFor(url: string): HttpClient {
    const { origin } = new URL(url);
    const client = clients.get(origin) ?? connectTo(origin, settings, io);
    clients.set(origin, client);
    return client;
  }

  function request({ token, restUrl }: Granted, path: string, body: string | undefined): Promise<HttpReply> {
    const http = clientFor(restUrl);
    const target = pathAt(restUrl, path);
    const headers = ['Authorization', `Bearer ${token}`, 'User-Agent', 'referry'];
    return new Promise((resolve) => {
      if (body === undefined) http.get(target, headers, resolve);
      else http.put(target, [...headers, 'Content-Type', 'application/json'], body, resolve);
    });
  }

  async function call(path: string, body: string | undefined, signal: AbortSignal): Promise<Asked> {
    for (;;) {
      const granted = await tokens.get(signal);
      if ('stopped' in granted) return granted;
      const asked = await askPatiently(() => request(granted, path, body), patience, signal);
      if (!('reply' in asked)) return asked;
      if (asked.reply.status !== 401) tokens.worked(granted.token);
      else if (tokens.refused(granted.token)) continue;
      return asked;
    }
  }

  return {
    upsert: (body, signal) => call(rows, body, signal),
    status: (id, signal) => call(`/data/v1/async/${encodeURIComponent(id)}/status`, undefined, signal),
    results(id, page, signal) {
      const query = new URLSearchParams({ [results.page]: String(page), [results.pageSize]: String(results.rows) });
      return call(`/data/v1/async/${encodeURIComponent(id)}/results?${query}`, undefined, signal);
    },
    async close() {
      closing.abort();
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

function connectTo(origin: string, settings: SfmcSettings, io: Io): HttpClient {
  return createHttpClient(
    {
      origin,
      connections: settings.connections,
      headersTimeoutMs: settings.timeout.headers,
      bodyTimeoutMs: settings.timeout.headers,
      totalTimeoutMs: settings.timeout.total,
      maxBodyBytes: MAX_BODY_BYTES,
      ...(settings.ca === undefined ? {} : { tls: { ca: settings.ca } }),
      allowPrivateAddresses: settings.allowPrivateAddresses,
    },
    io,
  );
}
