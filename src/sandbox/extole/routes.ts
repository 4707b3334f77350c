import type { IncomingMessage } from 'node:http';
import { type AudienceRoute, audienceRoute } from './audience-api.ts';
import { errorReply, type Reply } from './errors.ts';
import { type LinkRoute, linkRoute } from './link-routes.ts';
import { ok, page } from './paging.ts';
import type { Person, Store } from './store.ts';

export type Route =
  /** `reply` names what the version answers; `eventName` is there where the path carries it. */
  | { kind: 'event'; api: 'v5' | 'v6' | 'v6-async'; eventName?: string }
  | { kind: 'persons'; query: URLSearchParams }
  | { kind: 'steps'; personId: string; query: URLSearchParams }
  /** `id` and `action` are empty where the path has none. */
  | ({ kind: 'files' } & FilePath)
  | ({ kind: 'batches' } & FilePath)
  | AudienceRoute
  | LinkRoute;

interface FilePath {
  method: string;
  id: string;
  action: string;
  query: URLSearchParams;
}

const EVENT_PATHS = new Map([
  ['/v5/events', 'v5'],
  ['/v6/events', 'v6'],
  ['/v6/async-events', 'v6-async'],
] as const);

const OF_FILES = /^\/v6\/(files|batches)(?:\/([^/]+)(?:\/([^/]+))?)?$/;

const STEPS = /^\/v5\/persons\/([^/]+)\/steps$/;

/** The path of a request to what it means; a `Reply` where it means nothing. */
export function routeOf(method: string, target: string): Route | Reply {
  const direct = eventApi(target);
  if (direct) return method === 'POST' ? { kind: 'event', api: direct } : errorReply('method_not_allowed');
  if (!target.startsWith('/')) return errorReply('not_found');
  const { pathname, searchParams } = new URL(target, 'http://sandbox');
  const slash = pathname.lastIndexOf('/');
  const api = eventApi(pathname) ?? eventApi(pathname.slice(0, slash));
  if (api) {
    if (method !== 'POST') return errorReply('method_not_allowed');
    return eventApi(pathname)
      ? { kind: 'event', api }
      : { kind: 'event', api, eventName: decode(pathname.slice(slash + 1)) };
  }
  const [, kind, id = '', action = ''] = OF_FILES.exec(pathname) ?? [];
  if (kind === 'files' || kind === 'batches') {
    return { kind, method, id: decode(id), action, query: searchParams };
  }
  const audience = audienceRoute(method, pathname, searchParams);
  if (audience) return audience;
  const link = linkRoute(method, pathname, searchParams);
  if (link) return link;
  const steps = STEPS.exec(pathname);
  if (pathname !== '/v5/persons' && !steps) return errorReply('not_found');
  if (method !== 'GET') return errorReply('method_not_allowed');
  const personId = steps?.[1];
  if (personId === undefined) return { kind: 'persons', query: searchParams };
  return { kind: 'steps', personId: decode(personId), query: searchParams };
}

function eventApi(path: string): 'v5' | 'v6' | 'v6-async' | undefined {
  for (const [known, api] of EVENT_PATHS) if (known === path) return api;
  return undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Refuses a request without the right token; `undefined` where it has one. */
export function refuseToken(req: IncomingMessage, tokens: ReadonlySet<string>): Reply | undefined {
  const header = req.headers.authorization;
  if (header === undefined || header === '') return errorReply('missing_access_token');
  return header.startsWith('Bearer ') && tokens.has(header.slice(7)) ? undefined : errorReply('method_unauthorized');
}

export function isJson(req: IncomingMessage): boolean {
  const type = req.headers['content-type'];
  return type === 'application/json' || (type !== undefined && /^application\/json\s*(;|$)/i.test(type));
}

/** `GET /v5/persons`: by e-mail or by `name:value` of an event's data. */
export function listPersons(store: Store, query: URLSearchParams): Reply {
  const identity = query.get('identity_key_value') ?? undefined;
  const keys: (readonly [string, string])[] = [];
  for (const key of query.getAll('person_keys')) {
    const colon = key.indexOf(':');
    if (colon < 1) return errorReply('invalid_parameter', { name: 'person_keys', reason: 'expected name:value' });
    keys.push([key.slice(0, colon), key.slice(colon + 1)]);
  }
  if (identity === undefined && keys.length === 0) {
    return errorReply('invalid_parameter', { reason: 'supply at least one search criterion' });
  }
  const found = page(store.persons({ identity, keys }), query);
  if (!found) return errorReply('binding_error', { reason: 'limit and offset are numbers, limit at most 1000' });
  return ok(found.map(personBody));
}

export function personBody({ id, email, identity }: Person): object {
  return {
    id,
    identity_id: id,
    identity_key: { name: email === undefined ? 'partner_user_id' : 'email' },
    identity_key_value: identity,
    locale: { last_browser: null, user_specified: null },
    version: '1',
  };
}

/** `GET /v5/persons/{id}/steps`, newest first. */
export function listSteps(store: Store, personId: string, query: URLSearchParams, now: number): Reply {
  const steps = store.steps(personId, { names: query.getAll('names'), containers: query.getAll('containers') }, now);
  if (!steps) return errorReply('person_not_found', { person_id: personId });
  const found = page(steps, query);
  if (!found) return errorReply('binding_error', { reason: 'limit and offset are numbers, limit at most 1000' });
  return ok(
    found.map(({ eventId, event, container }) => ({
      id: eventId,
      event_id: eventId,
      cause_event_id: eventId,
      root_event_id: eventId,
      name: event.name,
      event_date: event.time,
      created_date: event.time,
      updated_date: event.time,
      container,
      campaign_id: '1',
      program: 'sandbox',
      journey_name: 'ADVOCATE',
      journey_key: { name: 'sandbox', value: personId },
      is_primary: true,
      quality: 'HIGH',
      scope: 'PRIVATE',
      data: Object.fromEntries(
        Object.entries(event.data).map(([name, value]) => [name, { name, scope: 'PRIVATE', value }]),
      ),
    })),
  );
}
