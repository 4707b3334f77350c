import type { Answer, Io } from '../../model.ts';
import { createJobSender, taken } from '../job-sender.ts';
import type { Row } from '../jobs.ts';
import type { Profile, ProfileSender } from '../profile.ts';
import { createApi, type SfmcApi } from './api.ts';
import { handedIn, PROVIDER, progressOf, resultsPage, rowAnswer } from './classify.ts';
import type { SfmcSettings } from './settings.ts';

/** Upserts profiles as rows of a data extension, by its asynchronous API. */
export function createSfmc(settings: SfmcSettings, io: Io): ProfileSender {
  const api = createApi(settings, io);
  return createJobSender(
    {
      name: PROVIDER,
      words: { job: 'request', row: 'row' },
      body: { open: '{"items":[', close: ']}' },
      most: { rows: settings.rowsPerCall, bytes: settings.bytesPerCall },
      settings,
      rowOf: (profile, at, most) => rowOf(profile, at, settings, most),
      handIn: async (body, signal) => handedIn(await api.upsert(body, signal)),
      look: (requestId, profiles, signal) => look(requestId, profiles.length, api, signal),
      close: () => api.close(),
    },
    io,
  );
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

async function look(
  requestId: string,
  rows: number,
  api: SfmcApi,
  signal: AbortSignal,
): Promise<'later' | Answer | Answer[]> {
  const progress = progressOf(await api.status(requestId, signal));
  if (progress === 'later') return 'later';
  if (progress === 'all-well') return taken(requestId);
  if (progress === 'with-errors') return (await results(requestId, rows, api, signal)) ?? incomplete(requestId);
  return progress.stopped;
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
