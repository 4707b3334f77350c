import type { Answer, Io } from '../../model.ts';
import { lookAfterMs, type Row, sendAsJobs } from '../jobs.ts';
import type { Profile, ProfileSender } from '../profile.ts';
import { withoutProfile } from '../words.ts';
import { createApi, type SfmcApi } from './api.ts';
import { handedIn, PROVIDER, progressOf, resultsPage, rowAnswer } from './classify.ts';
import type { SfmcSettings } from './settings.ts';

const OPEN = '{"items":[';
const CLOSE = ']}';

/** Upserts profiles as rows of a data extension, by its asynchronous API. */
export function createSfmc(settings: SfmcSettings, io: Io): ProfileSender {
  const api = createApi(settings, io);
  const bounds = { rows: settings.rowsPerCall, bytes: settings.bytesPerCall - OPEN.length - CLOSE.length };

  return {
    maxBatchSize: settings.rowsPerCall,
    async send(batch, signal) {
      signal.throwIfAborted();
      const prepared = batch.map((profile, at) => rowOf(profile, at, settings, bounds.bytes));
      const rows = prepared.filter((row) => 'json' in row);
      const answers = await sendAsJobs(
        rows,
        {
          bounds,
          handIn: async (part) => {
            const body = `${OPEN}${part.map(({ json }) => json).join(',')}${CLOSE}`;
            return handedIn(await api.upsert(body, signal));
          },
          answersOf: (requestId, part) => answersOf(requestId, part.length, api, settings, io, signal),
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

/** The row as it is sent, or why it is not. Who it is comes last, so that no field can make it somebody else's. */
function rowOf(profile: Profile, at: number, settings: SfmcSettings, most: number): Row | Answer {
  const { columns, primaryKey, maxLength } = settings;
  if (profile[primaryKey] === undefined) {
    const reason = `the profile has no ${primaryKey}, which is the primary key of the data extension (setting primaryKey)`;
    return { kind: 'rejected', code: 'NO_IDENTIFIER', reason };
  }
  const values: Record<string, string> = { ...profile.fields };
  if (columns.email !== false && profile.email !== undefined) values[columns.email] = profile.email;
  if (columns.userId !== undefined && profile.userId !== undefined) values[columns.userId] = profile.userId;
  for (const [column, limit] of Object.entries(maxLength)) {
    const length = values[column]?.length ?? 0;
    if (length <= limit) continue;
    const reason = `${column} has ${length} characters; its column takes ${limit} (setting maxLength)`;
    return { kind: 'rejected', code: 'VALUE_TOO_LONG', reason };
  }
  const json = JSON.stringify(values);
  const bytes = Buffer.byteLength(json);
  if (bytes <= most) return { at, json, bytes };
  const reason = `the row has ${bytes} bytes; a call takes ${most} (setting bytesPerCall)`;
  return { kind: 'rejected', code: 'PROFILE_TOO_LARGE', reason };
}

async function answersOf(
  requestId: string,
  rows: number,
  api: SfmcApi,
  settings: SfmcSettings,
  io: Io,
  signal: AbortSignal,
): Promise<Answer[]> {
  const all = (answer: Answer): Answer[] => Array.from({ length: rows }, () => answer);
  const until = io.monotonic() + settings.completeWithin;
  for (let looks = 0; ; looks += 1) {
    await io.sleep(lookAfterMs(looks, settings.poll), signal);
    const progress = progressOf(await api.status(requestId, signal));
    if (progress === 'all-well')
      return all({ kind: 'accepted', proof: { kind: 'batch_counts', eventId: requestId }, http: 200 });
    if (progress === 'with-errors') return (await results(requestId, rows, api, signal)) ?? all(incomplete(requestId));
    if (progress !== 'later') return all(progress.stopped);
    if (io.monotonic() > until) return all(working(requestId, settings.completeWithin));
  }
}

/** Pages of results, in the order in which the rows were handed in; `undefined` where they are not as many as the rows. */
async function results(
  requestId: string,
  rows: number,
  api: SfmcApi,
  signal: AbortSignal,
): Promise<Answer[] | undefined> {
  const answers: Answer[] = [];
  for (let page = 1; answers.length < rows; page += 1) {
    const found = resultsPage(await api.results(requestId, page, signal));
    if ('stopped' in found) return Array.from({ length: rows }, () => found.stopped);
    // A page of another number, or a total of other rows: then the place of an item says nothing of whose it is.
    if (found.page !== page || found.count !== rows || found.items.length === 0) return undefined;
    for (const item of found.items) answers.push(rowAnswer(item, `${requestId}#${answers.length + 1}`));
  }
  return answers.length === rows ? answers : undefined;
}

function incomplete(requestId: string): Answer {
  const reason = `${PROVIDER} gave results of request ${requestId} that are not one for each row, so nobody knows which rows were refused`;
  return { kind: 'unknown', code: 'RESULTS_INCOMPLETE', reason };
}

function working(requestId: string, ms: number): Answer {
  const reason = `${PROVIDER} is still at request ${requestId} after ${Math.round(ms / 1000)} s (setting completeWithin)`;
  return { kind: 'unknown', code: 'STILL_WORKING', reason };
}

function lost(): Answer {
  return { kind: 'unknown', code: 'NO_ANSWER', reason: `${PROVIDER} said nothing of the row` };
}
