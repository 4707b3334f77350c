import type { HttpReply } from '../../delivery/http.ts';
import type { Io } from '../../model.ts';
import { multipartForm } from '../multipart.ts';
import { classify, clean, errorOf, impersonal } from './classify.ts';
import { connectTo, type ExtoleTimeouts, headersOf, pathAt, turn } from './extole.ts';
import { idText, type JsonObject, jsonObject, jsonObjects } from './reply-json.ts';
import type { ExtoleSettings } from './settings.ts';

/** What Extole answered to a call about files and batches. */
export type FilesReply<T> =
  | { kind: 'ok'; value: T }
  /** A clear no, with Extole's code. Nothing was done. */
  | { kind: 'refused'; code: string; reason: string }
  /** Nothing was done; the same call may succeed later. */
  | { kind: 'later'; code: string; reason: string }
  /** It may have been done. */
  | { kind: 'unknown'; code: string; reason: string }
  /** The destination's fault: nothing can be sent until a person has looked. */
  | { kind: 'halted'; code: string; reason: string };

/** A batch job, as far as we look at it. Counts are `undefined` where Extole does not say. */
export interface BatchJob {
  id: string;
  status: string;
  successRows: number | undefined;
  failedRows: number | undefined;
  errorCode: string;
  errorMessage: string;
}

/** Extole's files and batch jobs, paced like everything under the token. Disposed when done. */
export interface FilesApi extends AsyncDisposable {
  /** The file's id. Refused as `file_asset_duplicated_name` where there is one of that name. */
  upload(file: { name: string; format: 'csv' | 'psv'; path: string; bytes: number }): Promise<FilesReply<string>>;
  /** The id of the file of exactly this name, or `undefined`. */
  findFile(name: string): Promise<FilesReply<string | undefined>>;
  start(batch: { name: string; fileId: string; columns: readonly string[] }): Promise<FilesReply<BatchJob>>;
  findBatch(name: string): Promise<FilesReply<BatchJob | undefined>>;
  batch(id: string): Promise<FilesReply<BatchJob>>;
}

const CONTENT_TYPES = { csv: 'text/csv', psv: 'text/plain' } as const;
const MOST_LISTED = '20';

export function createFilesApi(
  settings: ExtoleSettings,
  timeouts: ExtoleTimeouts,
  io: Io,
  refreshToken: () => string | undefined,
): FilesApi {
  const { apiUrl, batch: paths } = settings;
  const http = connectTo(apiUrl, settings, timeouts, io);
  const { uploadTimeout } = paths;
  const slow = connectTo(
    apiUrl,
    settings,
    { ...timeouts, timeout: { headers: uploadTimeout, total: uploadTimeout } },
    io,
  );
  let token = settings.token;

  /** Once more where Extole refuses the token and there is another one by now. */
  async function call(send: (headers: string[], done: (reply: HttpReply) => void) => void): Promise<HttpReply> {
    await turn(token, settings.requestsPerMinute, io);
    const reply = await new Promise<HttpReply>((resolve) => send(headersOf(token, undefined), resolve));
    if (reply.kind !== 'reply' || reply.status !== 401) return reply;
    const fresh = refreshToken();
    if (fresh === undefined || fresh === '' || fresh === token) return reply;
    token = fresh;
    await turn(token, settings.requestsPerMinute, io);
    return new Promise((resolve) => send(headersOf(token, undefined), resolve));
  }
  const look = (path: string): Promise<HttpReply> =>
    call((headers, done) => http.get(pathAt(apiUrl, path), headers, done));
  const byName = (path: string, name: string): Promise<HttpReply> =>
    look(`${path}?${new URLSearchParams({ name, limit: MOST_LISTED })}`);

  return {
    async upload({ name, format, path, bytes }) {
      const reply = await call((headers, done) => {
        const form = multipartForm(
          { part: paths.metadataPart, value: { name, tags: [name], format: format.toUpperCase() } },
          { part: paths.filePart, name, path, bytes, contentType: CONTENT_TYPES[format] },
          `referry-${Math.floor(io.random() * 2 ** 48).toString(36)}-${name.replace(/[^A-Za-z0-9]/g, '').slice(-30)}`,
        );
        const own = withType(headers, form.contentType, form.length);
        slow.post(pathAt(apiUrl, paths.files), own, form.body, done);
      });
      return read(reply, io, (object) => idText(object, 'id', bodyOf(reply)));
    },
    async findFile(name) {
      const reply = await byName(paths.files, name);
      return readList(reply, io, (object) =>
        object.name === name && object.status !== 'EXPIRED' ? textOf(object.id) || undefined : undefined,
      );
    },
    async start({ name, fileId, columns }) {
      const body = JSON.stringify({
        name,
        tags: [name],
        data_source: { type: 'FILE_ASSET', file_asset_id: fileId },
        ...(paths.eventColumns ? { event_columns: columns } : {}),
      });
      const reply = await call((headers, done) => http.post(pathAt(apiUrl, paths.batches), headers, body, done));
      return read(reply, io, (object) => batchOf(object, idText(object, 'id', bodyOf(reply))));
    },
    async findBatch(name) {
      const reply = await byName(paths.batches, name);
      return readList(reply, io, (object) => (object.name === name ? batchOf(object, textOf(object.id)) : undefined));
    },
    async batch(id) {
      const reply = await look(`${paths.batches}/${encodeURIComponent(id)}`);
      return read(reply, io, (object) => batchOf(object, id), true);
    },
    async [Symbol.asyncDispose]() {
      await http.close();
      await slow.close();
    },
  };
}

function withType(headers: readonly string[], type: string, length: number): string[] {
  const own: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const [name = '', value = ''] = headers.slice(i, i + 2);
    if (name !== 'Content-Type') own.push(name, value);
  }
  return [...own, 'Content-Type', type, 'Content-Length', String(length)];
}

const bodyOf = (reply: HttpReply): string => (reply.kind === 'reply' ? reply.body : '');

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

/** Numbers come as numbers or as text; they may be beside the status or in a `result`. */
function batchOf(object: JsonObject, id: string | undefined): BatchJob | undefined {
  const status = textOf(object.status);
  if (id === undefined || id === '' || status === '') return undefined;
  const inner: unknown = object.result;
  const nested =
    typeof inner === 'object' && inner !== null ? new Map<string, unknown>(Object.entries(inner)) : undefined;
  const field = (name: string): unknown => object[name] ?? nested?.get(name);
  const count = (name: string): number | undefined => {
    const text = textOf(field(name));
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  return {
    id,
    status: clean(status.toUpperCase()),
    successRows: count('success_rows'),
    failedRows: count('failed_rows'),
    errorCode: clean(textOf(field('error_code'))),
    errorMessage: impersonal(clean(textOf(field('error_message')))),
  };
}

/** What an address is answered that is none of the API, whoever says so; with a code of files or batch jobs it is about one of these. */
const NOT_THE_API = new Set([404, 405, 421]);
const OF_FILES = /^(?:file_asset|batch_job)_/;

/** Codes of Extole that mean: not now. The status beside them differs between its documents. */
const LOCKED = new Set(['batch_job_locked']);

/** `ofOne`: the call was about one batch job, which may not be there. */
function problemOf(reply: HttpReply, io: Io, ofOne: boolean): Exclude<FilesReply<never>, { kind: 'ok' }> {
  if (reply.kind === 'reply' && reply.status >= 400 && reply.status < 500) {
    const { code, message } = errorOf(reply);
    if (LOCKED.has(code) || reply.status === 423)
      return { kind: 'later', code: code || 'HTTP_423', reason: message || 'Extole is busy with the batch job' };
    const misrouted = NOT_THE_API.has(reply.status) && !ofOne && !OF_FILES.test(code);
    if (![401, 402, 403, 408, 415, 425, 429].includes(reply.status) && code !== '' && !misrouted)
      return { kind: 'refused', code, reason: message || `Extole answered ${reply.status}` };
  }
  const answer = classify(reply, 'v6', io.now());
  switch (answer.kind) {
    case 'accepted':
      return { kind: 'unknown', code: 'BAD_ANSWER', reason: 'the answer is one to an event' };
    case 'rejected':
      return { kind: 'refused', code: answer.code, reason: answer.reason };
    case 'retryable':
      return { kind: 'later', code: answer.code, reason: answer.reason };
    case 'halted':
      // A 201 or 202 may have made the file or the batch job: it is looked for by its name before anything is made again.
      return { kind: answer.doubtful ? 'unknown' : 'halted', code: answer.code, reason: answer.reason };
    case 'held':
      return { kind: 'unknown', code: answer.code, reason: answer.reason };
    default:
      return { kind: answer.kind, code: answer.code, reason: answer.reason };
  }
}

const notUnderstood = (what: string): FilesReply<never> => ({
  kind: 'unknown',
  code: 'BAD_ANSWER',
  reason: `the answer 200 ${what}, so it may come from Extole or from something in between`,
});

function read<T>(reply: HttpReply, io: Io, value: (object: JsonObject) => T | undefined, ofOne = false): FilesReply<T> {
  if (reply.kind !== 'reply' || reply.status !== 200) return problemOf(reply, io, ofOne);
  const object = reply.truncated ? undefined : jsonObject(reply.body);
  const found = object && value(object);
  return found === undefined ? notUnderstood('lacks what it should have') : { kind: 'ok', value: found };
}

function readList<T>(
  reply: HttpReply,
  io: Io,
  value: (object: JsonObject) => T | undefined,
): FilesReply<T | undefined> {
  if (reply.kind !== 'reply' || reply.status !== 200) return problemOf(reply, io, false);
  const list = reply.truncated ? undefined : jsonObjects(reply.body);
  if (!list) return notUnderstood('is not a list');
  for (const object of list) {
    const found = value(object);
    if (found !== undefined) return { kind: 'ok', value: found };
  }
  return { kind: 'ok', value: undefined };
}
