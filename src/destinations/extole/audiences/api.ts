import type { Answer, Io } from '../../../model.ts';
import { createCaller } from '../../caller.ts';
import type { Found } from '../../find-or-make.ts';
import { haltOf } from '../../halt.ts';
import { formEnds } from '../../multipart.ts';
import { type Asked, type Reply, TOO_MANY } from '../../patience.ts';
import { pathAt } from '../../reach-settings.ts';
import { errorOf } from '../classify.ts';
import { idText, type JsonObject, jsonObject, jsonObjects } from '../reply-json.ts';
import { recordsOf } from './member-file.ts';
import type { AudienceApiSettings } from './settings.ts';

export const PROVIDER = 'Extole';

/** A clear no, by Extole's code. */
export interface Refusal {
  refused: { code: string; reason: string; http: number };
}

export type Said<T> = Found<T> | Refusal;

/** How far an operation is. Counts are `undefined` where Extole does not say. */
export interface OperationState {
  state: string;
  errorCode: string;
  inputRows: number | undefined;
  nonProcessed: number | undefined;
  /** Members of the audience afterwards. */
  members: number | undefined;
}

/** Audiences of an account, at the pace of everything under the token. Every method throws the signal's reason only. */
export interface AudienceApi {
  /** The ids of audiences by name, a page of at most 1,000. */
  audiences(offset: number, signal: AbortSignal): Promise<Said<{ id: string; name: string }[]>>;
  make(name: string, signal: AbortSignal): Promise<Said<string>>;
  memberCount(id: string, signal: AbortSignal): Promise<Said<number>>;
  /** Records of the member list, at most 1,000 from `offset`; the first is the header. */
  memberPage(id: string, offset: number, signal: AbortSignal): Promise<Said<string[][]>>;
  /** The id of the file. */
  upload(name: string, contents: string, signal: AbortSignal): Promise<Said<string>>;
  findFile(name: string, signal: AbortSignal): Promise<Said<string | undefined>>;
  /** The id of the operation. Waits where the audience is at another one. */
  start(id: string, type: string, fileId: string, signal: AbortSignal): Promise<Said<string>>;
  state(id: string, operationId: string, signal: AbortSignal): Promise<Said<OperationState>>;
  personsOf(member: string, signal: AbortSignal): Promise<Said<string[]>>;
  addPerson(personId: string, audienceId: string, signal: AbortSignal): Promise<Said<true>>;
  removePerson(personId: string, audienceId: string, signal: AbortSignal): Promise<Said<true>>;
  close(): Promise<void>;
}

export const PAGE = 1000;
/** A page of members, with whatever columns there are. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const BUSY = 'audience_operation_another_operation_in_progress';

export function createAudienceApi(settings: AudienceApiSettings, io: Io): AudienceApi {
  const { apiUrl, token, paths, completeWithin, uploadTimeout } = settings;
  const boundary = `referry-${Math.floor(io.random() * 2 ** 48).toString(36)}-${Math.floor(io.random() * 2 ** 48).toString(36)}`;
  const usual = callerFor('application/json', settings);
  const starting = callerFor('application/json', { ...settings, patience: completeWithin });
  const uploads = callerFor(`multipart/form-data; boundary=${boundary}`, {
    ...settings,
    timeout: { headers: uploadTimeout, total: uploadTimeout },
  });

  function callerFor(contentType: string, how: Pick<AudienceApiSettings, 'timeout' | 'patience'>) {
    return createCaller(
      {
        ...settings,
        ...how,
        provider: PROVIDER,
        origin: new URL(apiUrl).origin,
        headers: ['Authorization', `Bearer ${token}`, 'Content-Type', contentType, 'User-Agent', 'referry'],
        secretHeader: 'Authorization',
        pace: { by: token, perMinute: settings.requestsPerMinute },
        busy,
        maxBodyBytes: MAX_BODY_BYTES,
      },
      io,
    );
  }

  const at = (path: string): string => pathAt(apiUrl, path);
  const audience = (id: string, rest: string): string => at(`${paths.audiences}/${encodeURIComponent(id)}${rest}`);
  const memberships = (id: string): string => at(`${paths.persons}/${encodeURIComponent(id)}/memberships`);

  return {
    async audiences(offset, signal) {
      const query = new URLSearchParams({ limit: String(PAGE), offset: String(offset) });
      return read(await usual.get(at(`${paths.audiences}?${query}`), signal), ({ body }) =>
        jsonObjects(body)?.map(({ id, name }) => ({ id: textOf(id), name: textOf(name) })),
      );
    },
    make: async (name, signal) =>
      read(await usual.post(at(paths.audiences), JSON.stringify({ name }), signal, { once: true }), idOf),
    memberCount: async (id, signal) =>
      read(await usual.get(audience(id, '/stats'), signal), ({ body }) =>
        countOf(jsonObject(body)?.active_members_count),
      ),
    async memberPage(id, offset, signal) {
      const query = new URLSearchParams({ limit: String(PAGE), offset: String(offset) });
      return read(await usual.get(audience(id, `/members/download.csv?${query}`), signal), ({ body }) => {
        const records = recordsOf(body);
        return records?.length ? records : undefined;
      });
    },
    async upload(name, contents, signal) {
      const metadata = { part: settings.metadataPart, value: { name, tags: [name], format: 'CSV' } };
      const file = { part: settings.filePart, name, contentType: 'text/csv' };
      const { head, tail } = formEnds(metadata, file, boundary);
      return read(await uploads.post(at(paths.files), `${head}${contents}${tail}`, signal), idOf);
    },
    async findFile(name, signal) {
      const query = new URLSearchParams({ name, limit: '20' });
      const listed = read(await usual.get(at(`${paths.files}?${query}`), signal), ({ body }) => jsonObjects(body));
      if (!('found' in listed)) return listed;
      const file = listed.found.find((one) => one.name === name && one.status !== 'EXPIRED');
      return { found: file && (textOf(file.id) || undefined) };
    },
    async start(id, type, fileId, signal) {
      const body = JSON.stringify({ type, data_source: { type: 'FILE_ASSET', file_asset_id: fileId } });
      return read(await starting.post(audience(id, '/operations'), body, signal), idOf);
    },
    async state(id, operationId, signal) {
      const path = audience(id, `/operations/${encodeURIComponent(operationId)}/state`);
      return read(await usual.get(path, signal), ({ body }) => stateIn(jsonObject(body)));
    },
    async personsOf(member, signal) {
      const query =
        settings.identifyBy === 'email'
          ? new URLSearchParams({ identity_key_value: member })
          : new URLSearchParams({ person_keys: `${settings.partnerUserIdKey}:${member}` });
      return read(await usual.get(at(`${paths.persons}?${query}`), signal), ({ body }) =>
        jsonObjects(body)?.map(({ id }) => textOf(id)),
      );
    },
    addPerson: async (personId, audienceId, signal) =>
      read(await usual.post(memberships(personId), JSON.stringify({ audience_id: audienceId }), signal), membership),
    removePerson: async (personId, audienceId, signal) =>
      read(await usual.delete(`${memberships(personId)}/${encodeURIComponent(audienceId)}`, null, signal), membership),
    async close() {
      await Promise.all([usual.close(), starting.close(), uploads.close()]);
    },
  };
}

/** Extole counts calls, and works at an audience one operation at a time; it says so with various statuses. */
function busy(reply: Reply): string | undefined {
  if (reply.status < 400) return undefined;
  const { code } = errorOf(reply);
  if (code === 'too_many_requests') return TOO_MANY;
  return code === BUSY || reply.status === 423 ? 'it is at another operation of the audience' : undefined;
}

/** Codes that speak of the token or the address, whatever the status. */
const OF_ACCESS = new Map([
  ['access_denied', 403],
  ['method_unauthorized', 401],
  ['missing_access_token', 401],
  ['payment_required', 402],
  ['not_found', 404],
  ['method_not_allowed', 405],
]);

function read<T>(asked: Asked, value: (reply: Reply) => T | undefined): Said<T> {
  if ('stopped' in asked) return { answer: asked.stopped };
  const { reply } = asked;
  const { status } = reply;
  if (status === 200) {
    const found = reply.truncated ? undefined : value(reply);
    return found === undefined ? { answer: BAD_ANSWER } : { found };
  }
  const { code, message } = errorOf(reply);
  const meant = OF_ACCESS.get(code);
  if (meant === undefined && code !== '' && status >= 400 && status < 500 && ![401, 402, 415].includes(status))
    return { refused: { code, reason: message || `${PROVIDER} answered ${status}`, http: status } };
  const said = [code, message].filter((text) => text !== '').join(': ');
  return { answer: haltOf(reply, { provider: PROVIDER, said, ...HINTS, where: 'apiUrl and paths' }, meant) };
}

const HINTS = {
  unauthorized: 'the token is not accepted; check the token setting',
  forbidden: 'the token may not read or change audiences; it needs that right',
};

const BAD_ANSWER: Answer = {
  kind: 'unknown',
  code: 'BAD_ANSWER',
  reason: 'the answer 200 lacks what it should have, so it may come from Extole or from something in between',
  http: 200,
};

function idOf({ body }: Reply): string | undefined {
  const object = jsonObject(body);
  return object && idText(object, 'id', body);
}

function membership({ body }: Reply): true | undefined {
  return textOf(jsonObject(body)?.audience_id) === '' ? undefined : true;
}

function stateIn(object: JsonObject | undefined): OperationState | undefined {
  const state = textOf(object?.state);
  if (!/^[A-Z_]{1,64}$/.test(state)) return undefined;
  const result: unknown = object?.result;
  const counts =
    typeof result === 'object' && result !== null ? new Map<string, unknown>(Object.entries(result)) : undefined;
  return {
    state,
    errorCode: /^[A-Z_]{1,64}$/.exec(textOf(object?.error_code))?.[0] ?? '',
    inputRows: countOf(object?.input_rows_count),
    nonProcessed: countOf(counts?.get('non_processed_count')),
    members: countOf(counts?.get('member_count')),
  };
}

function countOf(value: unknown): number | undefined {
  const text = textOf(value);
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
