import { createRateLimit } from '../extole/rate-limit.ts';
import { parsed } from '../json.ts';
import {
  type StandIn,
  type StandInOptions,
  type StandInReply,
  type StandInRequest,
  serveStandIn,
} from '../stand-in.ts';
import { createLists, type Lists, SIZE } from './lists.ts';
import { createProject, type Project, type ProjectOptions } from './project.ts';

export interface IterableOptions extends StandInOptions {
  /** Keys that are accepted. */
  keys?: readonly string[];
  project?: ProjectOptions;
  limits?: Partial<IterableLimits>;
}

export interface IterableLimits {
  /** Bulk updates in any window of this length. */
  requests: number;
  windowMs: number;
  /** Reads of a list's users in a minute. */
  readsPerMinute: number;
  /** A body must be shorter. */
  bytes: number;
}

export interface IterableStandIn extends StandIn {
  project: Project;
  lists: Lists;
  setKeys(keys: readonly string[]): void;
}

export const SANDBOX_KEY = 'sandbox-iterable-key';

const DOCUMENTED: IterableLimits = { requests: 5, windowMs: 1000, readsPerMinute: 5, bytes: 4_000_000 };

/** Iterable as its documentation describes it: bulk updates of users, and the fields of one project. */
export async function startIterable(options: IterableOptions): Promise<IterableStandIn> {
  const limits = { ...DOCUMENTED, ...options.limits };
  const rate = createRateLimit(limits.requests, limits.windowMs);
  const reads = createRateLimit(limits.readsPerMinute);
  const project = createProject(options.project ?? {});
  const lists = createLists(project);
  let keys = new Set(options.keys ?? [SANDBOX_KEY]);

  function answer(request: StandInRequest): StandInReply {
    const { method, path, headers, body, bytes } = request;
    const key = headers['api-key'];
    if (typeof key !== 'string' || !keys.has(key)) return refusal(401, 'BadApiKey', 'Invalid API key');
    if (path === '/api/lists' || path.startsWith('/api/lists/')) return aboutLists(request, key);
    if (path !== '/api/users/bulkUpdate') return refusal(404, 'NotFound', 'not found');
    if (method !== 'POST') return refusal(405, 'BadParams', 'method not allowed');
    if (!rate.take(key, options.io.monotonic())) return refusal(429, 'RateLimitExceeded', 'Rate limit exceeded');
    if (bytes >= limits.bytes) return refusal(413, 'BatchTooLarge', 'The request is too large');
    if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? ''))
      return refusal(415, 'BadParams', 'expected application/json');
    const result = project.bulkUpdate(parsed(body));
    if ('code' in result) return refusal(400, result.code, result.msg, result.params);
    return { status: 200, body: JSON.stringify(result), id: result.successCount > 0 ? 'bulk' : '' };
  }

  function aboutLists(request: StandInRequest, key: string): StandInReply {
    const isRead = request.path === '/api/lists/getUsers' || SIZE.test(request.path);
    const limit = isRead ? reads : rate;
    if (!limit.take(key, options.io.monotonic())) return refusal(429, 'RateLimitExceeded', 'Rate limit exceeded');
    if (request.bytes >= limits.bytes) return refusal(413, 'BatchTooLarge', 'The request is too large');
    if (request.method === 'POST' && !/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? ''))
      return refusal(415, 'BadParams', 'expected application/json');
    const result = lists.answer(request);
    if (result === undefined) return refusal(404, 'NotFound', 'not found');
    if (typeof result === 'string') return { status: 200, body: result, headers: { 'content-type': 'text/plain' } };
    if ('code' in result) return refusal(400, result.code, result.msg, result.params);
    return { status: 200, body: JSON.stringify(result), id: request.method === 'POST' ? 'list' : '' };
  }

  const errorBody = (status: number): string => refusal(status, 'GenericError', `status ${status}`).body;
  const standIn = await serveStandIn(options, { name: 'Iterable', answer, errorBody });
  return {
    ...standIn,
    project,
    lists,
    setKeys: (next) => {
      keys = new Set(next);
    },
  };
}

function refusal(status: number, code: string, msg: string, params: unknown = null): StandInReply {
  return { status, body: JSON.stringify({ msg, code, params }) };
}
