import type { Answer, Io } from '../../../model.ts';
import { afterHandingIn } from '../../halt.ts';
import { lookAfterMs } from '../../jobs.ts';
import type { Change } from '../../membership-calls.ts';
import { type AudienceApi, type OperationState, PROVIDER, type Said } from './api.ts';
import { changeInFiles, contentName, LOST, memberFile } from './member-file.ts';
import { missingOf } from './read-back.ts';
import { type AudienceApiSettings, columnOf } from './settings.ts';

export interface AudienceWork {
  audienceId: string;
  api: AudienceApi;
  settings: AudienceApiSettings;
  io: Io;
}

/**
 * Changes members by files and operations, adds first, one operation at a time. Where the counts of one are not ours, the members are read
 * back. answers[i] is of changes[i]. Throws the signal's reason only.
 */
export async function changeByFiles(
  changes: readonly Change[],
  work: AudienceWork,
  signal: AbortSignal,
): Promise<Answer[]> {
  return await changeInFiles(changes, work.settings.membersPerFile, (part, add) =>
    changeByFile(part, add ? 'ADD' : 'REMOVE', work, signal),
  );
}

/** One answer for all where nothing can be said of each; the rest is not sent then. */
async function changeByFile(
  changes: readonly Change[],
  type: 'ADD' | 'REMOVE',
  { audienceId, api, settings, io }: AudienceWork,
  signal: AbortSignal,
): Promise<Answer[] | Answer> {
  const contents = memberFile(columnOf(settings), changes);
  const file = await fileOf(contentName(audienceId, type, contents), contents, api, io, signal);
  if (!('found' in file)) return troubleOf(file);
  const started = await api.start(audienceId, type, file.found, signal);
  if (!('found' in started)) return troubleOf(started);
  const end = await endOf(started.found, audienceId, api, settings, io, signal);
  if ('kind' in end) return end;
  const accepted: Answer = { kind: 'accepted', proof: { kind: 'batch_counts', eventId: started.found }, http: 200 };
  // All who were added are members, whoever else is.
  const fewer = type === 'ADD' && end.members !== undefined && end.members < changes.length;
  if (end.inputRows === changes.length && (end.nonProcessed ?? 0) === 0 && !fewer) return changes.map(() => accepted);
  return await compared(changes, type, { audienceId, api, settings, io }, { accepted, end }, signal);
}

/** The id of the uploaded file. One of the name is there where an earlier answer was lost; an expired one keeps its name for good. */
async function fileOf(
  name: string,
  contents: string,
  api: AudienceApi,
  io: Io,
  signal: AbortSignal,
): Promise<Said<string>> {
  for (const suffix of ['', `_${io.now()}`]) {
    const uploaded = await api.upload(`${name}${suffix}.csv`, contents, signal);
    if (!('refused' in uploaded) || uploaded.refused.code !== 'file_asset_duplicated_name') return uploaded;
    const known = await api.findFile(`${name}${suffix}.csv`, signal);
    if (!('found' in known)) return known;
    if (known.found !== undefined) return { found: known.found };
  }
  return { answer: LOST };
}

const OVER: ReadonlySet<string> = new Set(['FAILED', 'EXPIRED', 'CANCELED']);

/** Waits until the operation is READY. */
async function endOf(
  operationId: string,
  audienceId: string,
  api: AudienceApi,
  settings: AudienceApiSettings,
  io: Io,
  signal: AbortSignal,
): Promise<OperationState | Answer> {
  const until = io.monotonic() + settings.completeWithin;
  for (let looks = 0; ; looks += 1) {
    await io.sleep(lookAfterMs(looks, settings.poll), signal);
    const said = await api.state(audienceId, operationId, signal);
    if (!('found' in said)) return afterHandingIn(troubleOf(said));
    const { state, errorCode } = said.found;
    if (state === 'READY') return said.found;
    if (OVER.has(state)) return failed(operationId, state, errorCode);
    if (io.monotonic() > until) return stillWorking(operationId, settings.completeWithin);
  }
}

/** Error codes of an operation that speak of the file or the account, not of passing trouble. */
const OF_SETTINGS = /^(?:COLUMN_CONFIGURATION|CONFIGURATION|INPUT_FILE)_ERROR$/;

function failed(operation: string, state: string, code: string): Answer {
  const how = `operation ${operation} of the audience ended as ${state}${code === '' ? '' : ` (${code})`}`;
  if (!OF_SETTINGS.test(code)) return { kind: 'unknown', code: 'AUDIENCE_OPERATION_FAILED', reason: how };
  const reason = `${how}: check column and identifyBy against the audience in My Extole`;
  return { kind: 'halted', code: 'AUDIENCE_OPERATION_FAILED', reason, doubtful: true };
}

function stillWorking(operation: string, ms: number): Answer {
  const reason = `${PROVIDER} is still at operation ${operation} after ${Math.round(ms / 1000)} s (setting completeWithin)`;
  return { kind: 'unknown', code: 'STILL_WORKING', reason };
}

/** The counts are not ours: who is a member now says what became of each. */
async function compared(
  changes: readonly Change[],
  type: 'ADD' | 'REMOVE',
  work: AudienceWork,
  { accepted, end }: { accepted: Answer; end: OperationState },
  signal: AbortSignal,
): Promise<Answer[] | Answer> {
  const missing = await missingOf(
    changes.map(({ id }) => id),
    work,
    signal,
  );
  if ('kind' in missing) return afterHandingIn(missing);
  const counts = `of ${changes.length} members Extole read ${end.inputRows ?? 'an unknown number'} and did not process ${end.nonProcessed ?? 0}; the audience has ${end.members ?? 'an unknown number'}`;
  const unclear: Answer = { kind: 'unknown', code: 'RESULTS_INCOMPLETE', reason: counts };
  const refused: Answer = {
    kind: 'rejected',
    code: 'MEMBER_NOT_TAKEN',
    reason: `${counts}; this one is no member afterwards`,
  };
  // A list that is behind lacks more than were not processed: then nobody knows whom of them Extole did not take.
  const explained = type === 'ADD' && missing.size <= (end.nonProcessed ?? 0);
  return changes.map(({ id }) => {
    if (missing.has(id) === (type === 'REMOVE')) return accepted;
    return explained ? refused : unclear;
  });
}

/** A refusal of the file or the operation is none of a member: it would be said of every one. */
export function troubleOf(said: Exclude<Said<unknown>, { found: unknown }>): Answer {
  if ('answer' in said) return said.answer;
  const { code, reason, http } = said.refused;
  return { kind: 'halted', code: 'AUDIENCE_REFUSED', reason: `Extole answered ${http} ${code} (${reason})`, http };
}
