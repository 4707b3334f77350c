import { createRateLimit } from '../extole/rate-limit.ts';
import { isObject, parsed } from '../json.ts';
import {
  type StandIn,
  type StandInOptions,
  type StandInReply,
  type StandInRequest,
  serveStandIn,
} from '../stand-in.ts';
import { COHORT_SECRETS, type CohortOptions, type Cohorts, createCohorts } from './cohorts.ts';
import { exportIds } from './export-ids.ts';
import { createSubscriptions, type Subscriptions } from './subscriptions.ts';
import { type Attributes, createUsers, type Users } from './users.ts';

export interface BrazeOptions extends StandInOptions {
  /** Keys that are accepted. */
  keys?: readonly string[];
  limits?: Partial<BrazeLimits>;
  /** Users that the workspace knows, such as `external_id 007`. */
  known?: readonly string[];
  /** Refuses one user of a call with these words. */
  refuses?: (object: Attributes) => string | undefined;
  /** Refuses a whole call because of one user, with these words. */
  refusesCall?: (object: Attributes) => string | undefined;
  /** How errors beside a yes name their user: in a field, in the text (counted from 0 or from 1), or not at all. */
  errors?: 'field' | 'text' | 'text-from-1' | 'nameless';
  /** What X-RateLimit-Reset says: the second since 1970, or the seconds until then. */
  reset?: 'epoch' | 'seconds';
  cohorts?: CohortOptions;
  /** Ids of the subscription groups that there are. */
  groups?: readonly string[];
}

export interface BrazeLimits {
  /** Calls in one window, which begins on the clock. */
  requests: number;
  windowMs: number;
  /** Objects in a call. */
  objects: number;
  bytes: number;
  /** Calls about cohorts in an hour, about subscription groups and for exports in a minute. */
  cohortsPerHour: number;
  subscriptionsPerMinute: number;
  exportsPerMinute: number;
}

export interface BrazeStandIn extends StandIn {
  users: Users['all'];
  cohorts: Cohorts['all'];
  /** So many calls about cohorts are answered 423. */
  lockCohorts(calls: number): void;
  groups: Subscriptions['groups'];
  setKeys(keys: readonly string[]): void;
}

export const SANDBOX_KEY = 'sandbox-braze-key';

const DOCUMENTED: BrazeLimits = {
  ...{ requests: 3000, windowMs: 3000, objects: 75, bytes: 4_000_000 },
  ...{ cohortsPerHour: 250_000, subscriptionsPerMinute: 5000, exportsPerMinute: 250 },
};
const ARRAYS: ReadonlySet<string> = new Set(['attributes', 'events', 'purchases']);

/** Braze as its documentation describes it: attributes through `/users/track`, cohorts of a partner, subscription groups. */
export async function startBraze(options: BrazeOptions): Promise<BrazeStandIn> {
  const { io } = options;
  const limits = { ...DOCUMENTED, ...options.limits };
  const users = createUsers(options.known ?? [], options.refuses);
  const cohorts = createCohorts(options.cohorts ?? {}, (name) => users.all.has(name));
  const subscriptions = createSubscriptions(options.groups ?? []);
  const rates = new Map([
    ['cohorts', createRateLimit(limits.cohortsPerHour, 3_600_000)],
    ['/v2/subscription/status/set', createRateLimit(limits.subscriptionsPerMinute)],
    ['/users/export/ids', createRateLimit(limits.exportsPerMinute)],
  ]);
  let keys = new Set(options.keys ?? [SANDBOX_KEY]);
  let window = { start: 0, count: 0 };

  /** Counts a call, and what stands beside its answer. */
  function count(): { allowed: boolean; headers: Record<string, string> } {
    const now = io.now();
    const start = now - (now % limits.windowMs);
    if (window.start !== start) window = { start, count: 0 };
    const allowed = window.count < limits.requests;
    if (allowed) window.count += 1;
    const end = start + limits.windowMs;
    const reset = options.reset === 'seconds' ? (end - now) / 1000 : end / 1000;
    return {
      allowed,
      headers: {
        'X-RateLimit-Limit': String(limits.requests),
        'X-RateLimit-Remaining': String(limits.requests - window.count),
        'X-RateLimit-Reset': String(Math.ceil(reset)),
      },
    };
  }

  function answer(request: StandInRequest): StandInReply {
    const { method, path, headers, body, bytes } = request;
    const partners = path.startsWith('/partners/');
    const key = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (!partners && !keys.has(key)) return refusal(401, 'Invalid API key');
    const rate = rates.get(partners ? 'cohorts' : path);
    if (rate && method === 'POST') {
      if (!rate.take('', io.monotonic())) return refusal(429, 'Rate limit exceeded');
      if (bytes > limits.bytes) return refusal(413, 'Request body too large');
      return (partners ? cohorts.answer(path, jsonOf(request)) : aboutMembers(request)) ?? refusal(404, 'Invalid URL');
    }
    if (path !== '/users/track' || method !== 'POST') return refusal(404, 'Invalid URL');
    const { allowed, headers: beside } = count();
    if (!allowed) return { ...refusal(429, 'Rate limit exceeded'), headers: beside };
    if (bytes > limits.bytes) return { ...refusal(413, 'Request body too large'), headers: beside };
    return { ...track(body, headers['content-type'] ?? ''), headers: beside };
  }

  function aboutMembers(request: StandInRequest): StandInReply {
    const body = jsonOf(request);
    if (request.path === '/users/export/ids') return exportIds(body, users.all);
    return subscriptions.set(body);
  }

  function track(body: string, type: string): StandInReply {
    const json = /^application\/json\s*(?:;|$)/i.test(type) ? parsed(body) : undefined;
    if (!isObject(json)) return refusal(400, 'The request body is not valid JSON');
    const unknown = Object.keys(json).find((name) => !ARRAYS.has(name));
    if (unknown !== undefined) return refusal(400, `unknown parameter ${unknown}`);
    const { attributes } = json;
    const objects = Object.values(json).flat().length;
    if (!Array.isArray(attributes) || attributes.length === 0)
      return refusal(400, "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.");
    if (objects > limits.objects) return refusal(400, 'Max input length exceeded');
    const fatal = attributes.map((object) => options.refusesCall?.(object)).find((words) => words !== undefined);
    if (fatal !== undefined) return refusal(400, fatal);
    return queued(attributes);
  }

  function queued(attributes: readonly unknown[]): StandInReply {
    const errors: unknown[] = [];
    attributes.forEach((object, index) => {
      const words = users.track(object);
      if (words !== undefined) errors.push(errorAs(options.errors ?? 'field', words, index));
    });
    const processed = attributes.length - errors.length;
    const result = { message: 'success', attributes_processed: processed };
    return {
      status: 201,
      body: JSON.stringify(errors.length === 0 ? result : { ...result, errors }),
      id: processed > 0 ? 'queued' : '',
    };
  }

  const errorBody = (status: number): string => refusal(status, `status ${status}`).body;
  const standIn = await serveStandIn(options, { name: 'Braze', answer, errorBody, secrets: COHORT_SECRETS });
  return {
    ...standIn,
    users: users.all,
    cohorts: cohorts.all,
    lockCohorts: cohorts.lock,
    groups: subscriptions.groups,
    setKeys: (next) => {
      keys = new Set(next);
    },
  };
}

/** `undefined` where it is no JSON. */
function jsonOf({ headers, body }: StandInRequest): unknown {
  return /^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '') ? parsed(body) : undefined;
}

function errorAs(how: NonNullable<BrazeOptions['errors']>, words: string, index: number): unknown {
  if (how === 'field') return { type: words, input_array: 'attributes', index };
  if (how === 'nameless') return words;
  return `attributes index ${how === 'text' ? index : index + 1}: ${words}`;
}

function refusal(status: number, message: string): StandInReply {
  return { status, body: JSON.stringify({ message }) };
}
