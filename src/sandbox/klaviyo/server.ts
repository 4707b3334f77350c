import {
  type StandIn,
  type StandInOptions,
  type StandInReply,
  type StandInRequest,
  serveStandIn,
} from '../stand-in.ts';
import { createImportJobs, type ImportLimits } from './import-jobs.ts';
import { createLists, type Lists } from './lists.ts';
import { createProfileStore, type ProfileStore } from './profiles.ts';
import { apiError } from './replies.ts';
import { createWindows, type WindowLimits } from './windows.ts';

export interface KlaviyoOptions extends StandInOptions {
  /** Default `pk_sandbox`. */
  apiKey?: string;
  /** Ids of the lists that there are. */
  lists?: readonly string[];
  limits?: Partial<ImportLimits & WindowLimits>;
  /** Refuses a profile when its job is worked off. */
  refuses?: (attributes: Readonly<Record<string, unknown>>) => { code: string; detail: string } | undefined;
}

export interface KlaviyoStandIn extends StandIn {
  profiles: ProfileStore;
  /** Ids of the profiles in each list. */
  lists: ReadonlyMap<string, Set<string>>;
  listNames: Lists['names'];
  /** Makes a list, as a person does; its id. */
  addList: Lists['add'];
  /** Calls answered 429. */
  throttled(): number;
  /** As if somebody else had used up so much of this minute for new import jobs. */
  spend(calls: number): void;
  /** The key may not do what it is used for. */
  setScopes(enough: boolean): void;
  /** Cancels every job that is not done. */
  cancelJobs(): void;
}

const JOBS = '/api/profile-bulk-import-jobs';
const REVISION = /^20\d\d-\d\d-\d\d$/;

/** Klaviyo as its documentation describes it: bulk import jobs of profiles, and their errors. */
export async function startKlaviyo(options: KlaviyoOptions): Promise<KlaviyoStandIn> {
  const { io, apiKey = 'pk_sandbox' } = options;
  const limits = { ...LIMITS, ...options.limits };
  const store = createProfileStore();
  const lists = new Map((options.lists ?? []).map((id) => [id, new Set<string>()]));
  const jobs = createImportJobs({ io, limits, store, lists, refuses: options.refuses ?? (() => undefined) });
  const windows = createWindows(limits);
  const own = { url: '' };
  const members = createLists(lists, store, () => own.url);
  let throttled = 0;
  let scopes = true;

  function answer(request: StandInRequest): StandInReply {
    const { method, path, headers } = request;
    if (headers.authorization !== `Klaviyo-API-Key ${apiKey}`)
      return apiError(401, 'authentication_failed', 'Incorrect authentication credentials.');
    if (!REVISION.test(String(headers.revision)))
      return apiError(400, 'invalid', 'A revision header is required.', '/headers/revision');
    const kind = members.kindOf(path);
    if (kind !== undefined) return counted(kind, () => aboutLists(request));
    const one = /^\/api\/profile-bulk-import-jobs\/([^/]+)(\/import-errors)?$/.exec(path);
    if (path !== JOBS && !one) return apiError(404, 'not_found', 'The path does not exist.');
    if (method !== (one ? 'GET' : 'POST')) return apiError(405, 'method_not_allowed', `${method} is not allowed.`);
    const counts = one ? `look${one[2] ?? ''}` : 'create';
    return counted(counts, () => allowed(request, one?.[1], one?.[2] !== undefined));
  }

  function counted(kind: string, reply: () => StandInReply): StandInReply {
    const taken = windows.take(kind, io.monotonic());
    if (!taken.within) {
      throttled += 1;
      return { ...apiError(429, 'throttled', 'Request was throttled.'), headers: taken.headers };
    }
    return { ...reply(), headers: { ...JSON_API, ...taken.headers } };
  }

  function aboutLists(request: StandInRequest): StandInReply {
    if (!scopes) return apiError(403, 'permission_denied', 'The key lacks the scope lists:write.');
    const type = request.headers['content-type'] ?? '';
    if (request.method !== 'GET' && !/^application\/(?:vnd\.api\+)?json\b/.test(type))
      return apiError(415, 'unsupported_media_type', 'application/vnd.api+json is expected.');
    return members.answer(request);
  }

  function allowed({ headers, body, bytes, path, query }: StandInRequest, id: string | undefined, errors: boolean) {
    if (!scopes) return apiError(403, 'permission_denied', 'The key lacks the scope lists:write.');
    if (id !== undefined) {
      const job = decodeURIComponent(id);
      return errors ? jobs.errors(job, query, `${own.url}${path}`) : jobs.look(job);
    }
    if (!/^application\/(?:vnd\.api\+)?json\b/.test(headers['content-type'] ?? ''))
      return apiError(415, 'unsupported_media_type', 'application/vnd.api+json is expected.');
    return jobs.create(body, bytes);
  }

  const standIn = await serveStandIn(options, {
    name: 'Klaviyo',
    answer,
    errorBody: (status) => apiError(status, status === 429 ? 'throttled' : 'error', `status ${status}`).body,
  });
  own.url = standIn.url;
  return {
    ...standIn,
    profiles: store,
    lists,
    listNames: members.names,
    addList: members.add,
    throttled: () => throttled,
    spend: (calls) => windows.spend('create', calls, io.monotonic()),
    setScopes(enough) {
      scopes = enough;
    },
    cancelJobs: jobs.cancelAll,
  };
}

const JSON_API = { 'content-type': 'application/vnd.api+json' };

const LIMITS: ImportLimits & WindowLimits = {
  profiles: 10_000,
  bytes: 5_000_000,
  bytesPerProfile: 100_000,
  queueMs: 20,
  workMs: 20,
  pageSize: 100,
  perSecond: 10,
  perMinute: 150,
  secondMs: 1000,
  minuteMs: 60_000,
};
