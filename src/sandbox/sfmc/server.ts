import { createRateLimit } from '../extole/rate-limit.ts';
import { isObject, parsed } from '../json.ts';
import {
  type StandIn,
  type StandInOptions,
  type StandInReply,
  type StandInRequest,
  serveStandIn,
} from '../stand-in.ts';
import {
  createDataExtension,
  type DataExtension,
  type ExtensionOptions,
  type RowResult,
  type Values,
} from './data-extension.ts';
import { createTokens, type TokenOptions } from './tokens.ts';

export interface SfmcOptions extends StandInOptions {
  package?: TokenOptions;
  extension?: ExtensionOptions;
  /** Windows and times in milliseconds. */
  limits?: Partial<SfmcLimits>;
  /** A row for which the whole call is refused with this message. */
  refusesCall?: (row: Values) => string | undefined;
}

export interface SfmcLimits {
  /** Rows in one asynchronous call. */
  rows: number;
  bytes: number;
  requestsPerMinute: number;
  /** Until a request is picked up: its status is missing before. */
  pickUpMs: number;
  /** From there until it is worked off. */
  workMs: number;
  /** The largest page of results. */
  pageSize: number;
}

export interface SfmcStandIn extends StandIn {
  /** Stored rows by primary key. */
  rows: DataExtension['rows'];
  /** Monotonic milliseconds at which tokens were asked for. */
  tokenRequests: readonly number[];
  /** Every token given so far is refused from now on. */
  revokeTokens(): void;
  setRights(write: boolean): void;
  limits: SfmcLimits;
}

interface Job {
  id: string;
  handedInAt: number;
  results: RowResult[] | undefined;
  items: readonly Values[];
}

/** Salesforce Marketing Cloud as its documentation describes it: tokens, and the asynchronous rows of one data extension. */
export async function startSfmc(options: SfmcOptions): Promise<SfmcStandIn> {
  const { io } = options;
  const limits: SfmcLimits = { ...LIMITS, ...options.limits };
  const tokens = createTokens(options.package ?? {}, io);
  const extension = createDataExtension(options.extension ?? {});
  const rate = createRateLimit(limits.requestsPerMinute);
  const jobs = new Map<string, Job>();
  const own = { url: '' };

  function answer(request: StandInRequest): StandInReply {
    if (request.path === '/v2/token') return tokens.give(request, own.url);
    if (!tokens.knows(request.headers.authorization)) return error(401, '0', 'Not Authorized');
    if (!rate.take(request.headers.authorization ?? '', io.monotonic()))
      return { ...error(429, '50100', 'API rate limit exceeded.'), headers: { 'retry-after': '1' } };
    const look = /^\/data\/v1\/async\/([\w-]+)\/(status|results)$/.exec(request.path);
    if (look) return lookAt(request, look[1] ?? '', look[2] ?? '');
    if (request.path !== extension.path) return error(404, '404', 'Not Found');
    if (request.method !== 'PUT') return error(405, '405', 'Method Not Allowed');
    if (!tokens.mayWrite()) return error(403, '1', 'Insufficient privileges to complete this action.');
    return handIn(request);
  }

  function handIn(request: StandInRequest): StandInReply {
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
      return error(415, '415', 'Unsupported Media Type');
    if (request.bytes > limits.bytes) return error(413, '413', 'Request Entity Too Large');
    const items = itemsOf(request.body);
    if (items === undefined)
      return error(400, '10001', 'Unable to process the request: the body must have items, an array of rows.');
    if (items.length > limits.rows) return error(400, '10001', `A request takes at most ${limits.rows} items.`);
    const refusal = items.map((row) => options.refusesCall?.(row)).find((message) => message !== undefined);
    if (refusal !== undefined) return error(400, '10001', refusal);
    const id = `00000000-0000-4000-8000-${String(jobs.size + 1).padStart(12, '0')}`;
    jobs.set(id, { id, handedInAt: io.monotonic(), results: undefined, items });
    return { status: 202, body: JSON.stringify({ requestId: id, resultMessages: [] }), id };
  }

  function lookAt({ method, query }: StandInRequest, id: string, what: string): StandInReply {
    const job = jobs.get(id);
    if (method !== 'GET') return error(405, '405', 'Method Not Allowed');
    if (!job) return error(404, '404', 'Not Found');
    const age = io.monotonic() - job.handedInAt;
    const done = age >= limits.pickUpMs + limits.workMs;
    if (done) job.results ??= job.items.map(extension.upsert);
    return what === 'status' ? status(job, age) : results(job, query);
  }

  function status(job: Job, age: number): StandInReply {
    if (age < limits.pickUpMs) return json({ requestId: job.id, resultMessages: [] });
    const hasErrors = job.results?.some(({ status }) => status === 'Error') ?? false;
    return json({
      status: {
        callDateTime: new Date(io.now()).toISOString(),
        pickupDateTime: new Date(io.now()).toISOString(),
        ...(job.results ? { completionDateTime: new Date(io.now()).toISOString() } : {}),
        hasErrors,
        requestStatus: job.results ? 'Complete' : 'Executing',
        resultStatus: hasErrors ? 'Has Errors' : 'OK',
        requestId: job.id,
      },
      requestId: job.id,
      resultMessages: [],
    });
  }

  function results(job: Job, query: URLSearchParams): StandInReply {
    const all = job.results ?? [];
    const page = Number(query.get('page') ?? '1');
    const pageSize = Math.min(limits.pageSize, Number(query.get('pageSize') ?? '50'));
    const items = all.slice((page - 1) * pageSize, page * pageSize);
    return json({ page, pageSize, count: all.length, items, requestId: job.id, resultMessages: [] });
  }

  const standIn = await serveStandIn(options, {
    name: 'Salesforce Marketing Cloud',
    answer,
    errorBody: (status) => error(status, status === 429 ? '50100' : String(status), `status ${status}`).body,
    secrets: ['client_secret'],
  });
  own.url = standIn.url;
  return {
    ...standIn,
    rows: extension.rows,
    tokenRequests: tokens.requests,
    revokeTokens: tokens.revoke,
    setRights: tokens.setRights,
    limits,
  };
}

const LIMITS: SfmcLimits = {
  rows: 32_000,
  bytes: 5_000_000,
  requestsPerMinute: Number.POSITIVE_INFINITY,
  pickUpMs: 20,
  workMs: 20,
  pageSize: 2500,
};

function itemsOf(body: string): Values[] | undefined {
  const json = parsed(body);
  if (!isObject(json) || Object.keys(json).join() !== 'items' || !Array.isArray(json.items)) return undefined;
  const rows = json.items.filter(isObject);
  return rows.length === json.items.length && rows.length > 0 ? rows : undefined;
}

function json(value: unknown): StandInReply {
  return { status: 200, body: JSON.stringify(value) };
}

function error(status: number, errorcode: string, message: string): StandInReply {
  return { status, body: JSON.stringify({ message, errorcode: Number(errorcode), documentation: '' }) };
}
