import type { Answer, Io } from '../../model.ts';
import { createJobSender, taken } from '../job-sender.ts';
import type { Row } from '../jobs.ts';
import type { Profile, ProfileSender } from '../profile.ts';
import { createApi, type KlaviyoApi } from './api.ts';
import { handedIn, type ImportError, importErrors, PROVIDER, progressOf } from './classify.ts';
import { placed } from './place-errors.ts';
import type { KlaviyoSettings } from './settings.ts';

const OPEN = '{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[';

/** Upserts profiles by bulk import jobs. */
export function createKlaviyo(settings: KlaviyoSettings, io: Io): ProfileSender {
  const api = createApi(settings, io);
  return createJobSender(
    {
      name: PROVIDER,
      words: { job: 'import job', row: 'profile' },
      body: { open: OPEN, close: `]}}${settings.listId === undefined ? '' : lists(settings.listId)}}}` },
      most: { rows: settings.profilesPerJob, bytes: settings.bytesPerJob },
      settings,
      rowOf: (profile, at) => rowOf(profile, at, settings),
      handIn: async (body, signal) => handedIn(await api.createJob(body, signal)),
      look: (job, profiles, signal) => look(job, profiles, api, signal),
      close: () => api.close(),
    },
    io,
  );
}

function lists(listId: string): string {
  return `,"relationships":{"lists":{"data":[{"type":"list","id":${JSON.stringify(listId)}}]}}`;
}

/** The profile as it is sent, or why it is not. */
function rowOf({ email, userId, fields }: Profile, at: number, settings: KlaviyoSettings): Row | Answer {
  const { identifiers } = settings;
  const attributes: Record<string, string> = {};
  if (email !== undefined && identifiers !== 'userId') attributes.email = email;
  if (userId !== undefined && identifiers !== 'email') attributes.external_id = userId;
  if (Object.keys(attributes).length === 0) {
    const reason = `the profile has no ${identifiers}, by which persons are known (setting identifiers)`;
    return { kind: 'rejected', code: 'NO_IDENTIFIER', reason };
  }
  const own: ReadonlySet<string> = new Set(settings.attributes);
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) (own.has(name) ? attributes : properties)[name] = value;
  const json = JSON.stringify({ type: 'profile', attributes: { ...attributes, properties } });
  const bytes = Buffer.byteLength(json);
  if (bytes <= settings.bytesPerProfile) return { at, json, bytes };
  const reason = `the profile has ${bytes} bytes; ${PROVIDER} takes ${settings.bytesPerProfile} (setting bytesPerProfile)`;
  return { kind: 'rejected', code: 'PROFILE_TOO_LARGE', reason };
}

async function look(
  job: string,
  profiles: readonly Profile[],
  api: KlaviyoApi,
  signal: AbortSignal,
): Promise<'later' | Answer | Answer[]> {
  const progress = progressOf(await api.job(job, signal));
  if (progress === 'later') return 'later';
  if ('stopped' in progress) return progress.stopped;
  if (progress.status === 'cancelled') return cancelled(job);
  if (progress.failed === 0 && progress.total === profiles.length) return taken(job);
  const errors = await errorsOf(job, profiles.length, api, signal);
  if ('stopped' in errors) return errors.stopped;
  return placed(errors.found, profiles, progress, taken(job), incomplete(job));
}

/** Every error of an import job. `most`: profiles in it; some may have several errors. */
async function errorsOf(
  job: string,
  most: number,
  api: KlaviyoApi,
  signal: AbortSignal,
): Promise<{ found: ImportError[] } | { stopped: Answer }> {
  const found: ImportError[] = [];
  const cursors = new Set<string>();
  let cursor = '';
  do {
    cursors.add(cursor);
    const page = importErrors(await api.importErrors(job, cursor, signal));
    if ('stopped' in page) return page;
    found.push(...page.errors);
    cursor = page.next;
    // A list that leads in a circle would never end; neither would one of more errors than there can be.
  } while (cursor !== '' && !cursors.has(cursor) && found.length < most * 20);
  return cursor === '' ? { found } : { stopped: incomplete(job) };
}

function incomplete(job: string): Answer {
  const reason = `${PROVIDER} says that profiles of import job ${job} were refused, and not clearly which`;
  return { kind: 'unknown', code: 'RESULTS_INCOMPLETE', reason };
}

function cancelled(job: string): Answer {
  const reason = `import job ${job} was cancelled at ${PROVIDER}; some profiles may have been taken`;
  return { kind: 'unknown', code: 'JOB_CANCELLED', reason };
}
