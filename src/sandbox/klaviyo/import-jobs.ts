import type { Io } from '../../model.ts';
import { parsed } from '../json.ts';
import type { StandInReply } from '../stand-in.ts';
import { type ImportProblem, malformed, objectOf, type ProfileStore, type StoredProfile } from './profiles.ts';
import { apiError } from './replies.ts';

export interface ImportLimits {
  profiles: number;
  bytes: number;
  bytesPerProfile: number;
  /** Until a job is taken up, and from there until it is done. */
  queueMs: number;
  workMs: number;
  /** The most errors in a page. */
  pageSize: number;
}

interface Job {
  id: string;
  createdAt: number;
  items: readonly unknown[];
  listId: string | undefined;
  cancelled: boolean;
  errors: (ImportProblem & { index: number; payload: unknown })[] | undefined;
}

export interface ImportJobs {
  create(body: string, bytes: number): StandInReply;
  look(id: string): StandInReply;
  errors(id: string, query: URLSearchParams, url: string): StandInReply;
  cancelAll(): void;
}

export interface ImportWorld {
  io: Io;
  limits: ImportLimits;
  store: ProfileStore;
  /** Members of each list that there is. */
  lists: Map<string, Set<string>>;
  refuses(attributes: Readonly<Record<string, unknown>>): { code: string; detail: string } | undefined;
}

/** Bulk import jobs: taken as a whole or not at all, then worked off profile by profile. */
export function createImportJobs({ io, limits, store, lists, refuses }: ImportWorld): ImportJobs {
  const jobs = new Map<string, Job>();

  function workOff(job: Job): void {
    job.errors = [];
    for (const [index, payload] of job.items.entries()) {
      const attributes = objectOf(objectOf(payload)?.attributes) ?? {};
      const refusal = refuses(attributes);
      const done = refusal ? { title: 'Invalid input.', pointer: '/attributes', ...refusal } : store.upsert(attributes);
      if (isProfile(done)) lists.get(job.listId ?? '')?.add(done.id);
      else job.errors.push({ ...done, index, payload: attributes });
    }
  }

  /** As it is now. */
  function found(id: string): Job | undefined {
    const job = jobs.get(id);
    if (job && !job.cancelled && io.monotonic() >= job.createdAt + limits.queueMs + limits.workMs && !job.errors)
      workOff(job);
    return job;
  }

  function statusOf(job: Job): string {
    if (job.cancelled) return 'cancelled';
    if (job.errors) return 'complete';
    return io.monotonic() < job.createdAt + limits.queueMs ? 'queued' : 'processing';
  }

  function resource(job: Job): object {
    const failed = job.errors?.length ?? 0;
    return {
      type: 'profile-bulk-import-job',
      id: job.id,
      attributes: {
        status: statusOf(job),
        created_at: new Date(io.now()).toISOString(),
        total_count: job.items.length,
        completed_count: job.errors ? job.items.length - failed : 0,
        failed_count: failed,
        expires_at: new Date(io.now() + 604_800_000).toISOString(),
      },
    };
  }

  return {
    create(body, bytes) {
      if (bytes > limits.bytes) return apiError(413, 'payload_too_large', `A body has at most ${limits.bytes} bytes.`);
      const read = readJob(body, limits, lists);
      if ('status' in read) return read;
      const id = Buffer.from(`sandbox-job-${jobs.size + 1}`).toString('base64');
      const job: Job = { id, createdAt: io.monotonic(), ...read, cancelled: false, errors: undefined };
      jobs.set(id, job);
      return { status: 202, body: JSON.stringify({ data: resource(job) }), id };
    },
    look(id) {
      const job = found(id);
      return job ? { status: 200, body: JSON.stringify({ data: resource(job) }) } : noJob();
    },
    errors(id, query, url) {
      const job = found(id);
      if (!job) return noJob();
      const size = Number(query.get('page[size]') ?? '20');
      if (!Number.isInteger(size) || size < 1 || size > 100)
        return apiError(400, 'invalid', 'page[size] is between 1 and 100.', '/page[size]');
      const from = Number(Buffer.from(query.get('page[cursor]') ?? '', 'base64').toString() || '0');
      const shown = Math.min(size, limits.pageSize);
      const all = job.errors ?? [];
      const data = all.slice(from, from + shown).map((error, i) => ({
        type: 'import-error',
        id: `${job.id}-${from + i}`,
        attributes: {
          code: error.code,
          title: error.title,
          detail: error.detail,
          source: { pointer: `/data/attributes/profiles/data/${error.index}${error.pointer}` },
          original_payload: error.payload,
        },
      }));
      const cursor = Buffer.from(String(from + shown)).toString('base64');
      const more = new URLSearchParams({ 'page[size]': String(size), 'page[cursor]': cursor });
      const next = from + shown < all.length ? `${url}?${more}` : null;
      return { status: 200, body: JSON.stringify({ data, links: { self: url, first: null, prev: null, next } }) };
    },
    cancelAll() {
      for (const job of jobs.values()) job.cancelled = true;
    },
  };
}

/** The body of a new job; a refusal where it is none. */
function readJob(
  body: string,
  limits: ImportLimits,
  lists: ReadonlyMap<string, unknown>,
): { items: readonly unknown[]; listId: string | undefined } | StandInReply {
  const data = objectOf(objectOf(parsed(body))?.data);
  if (data?.type !== 'profile-bulk-import-job')
    return apiError(400, 'invalid', "'profile-bulk-import-job' is expected.", '/data/type');
  const items = objectOf(objectOf(data.attributes)?.profiles)?.data;
  const at = '/data/attributes/profiles/data';
  if (!Array.isArray(items) || items.length === 0) return apiError(400, 'invalid', 'Profiles are expected.', at);
  if (items.length > limits.profiles)
    return apiError(400, 'invalid', `A job has at most ${limits.profiles} profiles.`, at);
  for (const [i, item] of items.entries()) {
    const wrong = malformed(item);
    if (wrong) return apiError(400, 'invalid', wrong.detail, `${at}/${i}${wrong.pointer}`);
    if (Buffer.byteLength(JSON.stringify(item)) > limits.bytesPerProfile)
      return apiError(400, 'invalid', `A profile has at most ${limits.bytesPerProfile} bytes.`, `${at}/${i}`);
  }
  const linked = objectOf(objectOf(data.relationships)?.lists)?.data;
  const list = Array.isArray(linked) ? objectOf(linked[0]) : undefined;
  if (list === undefined) return { items, listId: undefined };
  const listId = String(list.id);
  if (list.type === 'list' && lists.has(listId)) return { items, listId };
  return apiError(404, 'not_found', `A list with id ${listId} does not exist.`, '/data/relationships/lists');
}

function isProfile(value: StoredProfile | ImportProblem): value is StoredProfile {
  return 'id' in value;
}

function noJob(): StandInReply {
  return apiError(404, 'not_found', 'A bulk import job with this id does not exist.');
}
