import type { HttpClient, HttpReply } from '../../delivery/http.ts';
import { deliverySettings } from '../../delivery/settings.ts';
import type { Io } from '../../model.ts';
import { connectTo, type ExtoleTimeouts, headersOf, pathAt, turn } from './extole.ts';
import type { ExtoleSettings } from './settings.ts';

/** Single calls to Extole outside of deliveries, paced like everything under the token. Disposed when done. */
export interface ExtoleApi extends AsyncDisposable {
  /** `url` is `apiUrl` or `eventsUrl`; `query` values are escaped here. */
  get(url: string, path: string, query: Readonly<Record<string, string>>): Promise<HttpReply>;
  post(url: string, path: string, body: string, requestId: string): Promise<HttpReply>;
}

export const DEFAULT_TIMEOUTS: ExtoleTimeouts = deliverySettings.parse({});

export function createApi(settings: ExtoleSettings, timeouts: ExtoleTimeouts, io: Io): ExtoleApi {
  const clients = new Map<string, HttpClient>();

  function clientFor(url: string): HttpClient {
    const { origin } = new URL(url);
    const client = clients.get(origin) ?? connectTo(url, settings, timeouts, io);
    clients.set(origin, client);
    return client;
  }

  return {
    async get(url, path, query) {
      await turn(settings.token, settings.requestsPerMinute, io);
      const search = new URLSearchParams(query).toString();
      const target = `${pathAt(url, path)}${search === '' ? '' : `?${search}`}`;
      return await new Promise((resolve) => clientFor(url).get(target, headersOf(settings.token, undefined), resolve));
    },
    async post(url, path, body, requestId) {
      await turn(settings.token, settings.requestsPerMinute, io);
      const headers = headersOf(settings.token, settings.requestIdHeader ? requestId : undefined);
      return await new Promise((resolve) => clientFor(url).post(pathAt(url, path), headers, body, resolve));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}
