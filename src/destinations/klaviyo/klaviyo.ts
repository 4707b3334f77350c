import type { Answer, Io } from '../../model.ts';
import { lookAfterMs, type Row, sendAsJobs } from '../jobs.ts';
import type { Profile, ProfileSender } from '../profile.ts';
import { withoutProfile } from '../words.ts';
import { createApi, type KlaviyoApi } from './api.ts';
import { handedIn, type ImportError, importErrors, PROVIDER, progressOf } from './classify.ts';
import { placed } from './place-errors.ts';
import type { KlaviyoSettings } from './settings.ts';

const OPEN = '{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[';

/** Upserts profiles by bulk import jobs. */
export function createKlaviyo(settings: KlaviyoSettings, io: Io): ProfileSender {
  const api = createApi(settings, io);
  const close = `]}}${settings.listId === undefined ? '' : lists(settings.listId)}}}`;
  const bounds = { rows: settings.profilesPerJob, bytes: settings.bytesPerJob - OPEN.length - close.length };

  return {
    maxBatchSize: settings.profilesPerJob,
    async send(batch, signal) {
      signal.throwIfAborted();
      const prepared = batch.map((profile, at) => rowOf(profile, at, settings));
      const rows = prepared.filter((row) => 'json' in row);
      const answers = await sendAsJobs(
        rows,
        {
          bounds,
          handIn: async (part) => {
            const body = `${OPEN}${part.map(({ json }) => json).join(',')}${close}`;
            return handedIn(await api.createJob(body, signal));
          },
          answersOf: (job, part) => {
            const profiles = part.map(({ at }) => batch[at]).filter((profile) => profile !== undefined);
            return answersOf(job, profiles, api, settings, io, signal);
          },
        },
        signal,
      );
      return batch.map((profile, at) => {
        const row = prepared[at];
        const answer = row && 'kind' in row ? row : answers.get(at);
        return withoutProfile(answer ?? lost(), profile);
      });
    },
    close: () => api.close(),
  };
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

async function answersOf(
  job: string,
  profiles: readonly Profile[],
  api: KlaviyoApi,
  settings: KlaviyoSettings,
  io: Io,
  signal: AbortSignal,
): Promise<Answer[]> {
  const all = (answer: Answer): Answer[] => profiles.map(() => answer);
  const until = io.monotonic() + settings.completeWithin;
  for (let looks = 0; ; looks += 1) {
    await io.sleep(lookAfterMs(looks, settings.poll), signal);
    const progress = progressOf(await api.job(job, signal));
    if (progress === 'later') {
      if (io.monotonic() > until) return all(working(job, settings.completeWithin));
      continue;
    }
    if ('stopped' in progress) return all(progress.stopped);
    if (progress.status === 'cancelled') return all(cancelled(job));
    if (progress.failed === 0 && progress.total === profiles.length) return all(accepted(job));
    const errors = await errorsOf(job, profiles.length, api, signal);
    if ('stopped' in errors) return all(errors.stopped);
    return placed(errors.found, profiles, progress, accepted(job), incomplete(job));
  }
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

function accepted(job: string): Answer {
  return { kind: 'accepted', proof: { kind: 'batch_counts', eventId: job }, http: 200 };
}

function incomplete(job: string): Answer {
  const reason = `${PROVIDER} says that profiles of import job ${job} were refused, and not clearly which`;
  return { kind: 'unknown', code: 'RESULTS_INCOMPLETE', reason };
}

function cancelled(job: string): Answer {
  const reason = `import job ${job} was cancelled at ${PROVIDER}; some profiles may have been taken`;
  return { kind: 'unknown', code: 'JOB_CANCELLED', reason };
}

function working(job: string, ms: number): Answer {
  const reason = `${PROVIDER} is still at import job ${job} after ${Math.round(ms / 1000)} s (setting completeWithin)`;
  return { kind: 'unknown', code: 'STILL_WORKING', reason };
}

function lost(): Answer {
  return { kind: 'unknown', code: 'NO_ANSWER', reason: `${PROVIDER} said nothing of the profile` };
}
