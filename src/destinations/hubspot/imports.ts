import { type Io, TransferError } from '../../model.ts';
import { type Form, multipartForm } from '../multipart.ts';
import type { Reply } from '../patience.ts';
import { jsonObject, listOf, objectOf } from '../reply-json.ts';
import { clean, impersonal } from '../words.ts';
import { type HubspotApi, type Result, troubleOf } from './api.ts';
import { textOf } from './classify.ts';
import type { HubspotSettings } from './settings.ts';

/** A CSV file of contacts: UTF-8, one header line. HubSpot takes up to 512 MB and 1,048,576 lines, 500 files a day. */
export interface ImportFile {
  /** Of the import, as HubSpot shows it. No two imports of ours have the same: it is how one is found again. */
  name: string;
  /** Without quotes and line breaks. */
  fileName: string;
  path: string;
  bytes: number;
  /** All columns, in the order of the file. */
  columns: readonly ImportColumn[];
}

export interface ImportColumn {
  /** As the header has it. */
  column: string;
  /** Internal name of the contact property. */
  property: string;
  /** Contacts are known by it: their e-mail, or a property with unique values. */
  identifies?: true;
}

/** What became of an import. HubSpot goes on with the other lines where one is bad. */
export interface ImportEnd {
  id: string;
  /** `DONE`, `FAILED`, `CANCELED` or another end, as HubSpot has it. */
  state: string;
  /** As HubSpot has them, such as `TOTAL_ROWS`, `CREATED_OBJECTS`, `UPDATED_OBJECTS`. */
  counters: Readonly<Record<string, number>>;
}

/** Why a line was not taken. */
export interface ImportError {
  /** As in the file; the header is line 1. Absent where HubSpot names none. */
  line?: number;
  /** HubSpot's own, such as `INVALID_EMAIL`. */
  code: string;
  reason: string;
}

/** Each throws `TransferError`, and the signal's reason. */
export interface HubspotImports {
  /** Hands the file in, and returns the import's id. One of the same name that HubSpot has already is taken for this one. */
  start(file: ImportFile, signal: AbortSignal): Promise<string>;
  /** Waits until HubSpot is done with it. Can be called again after a restart. */
  follow(id: string, signal: AbortSignal): Promise<ImportEnd>;
  /** Every error of an import. */
  errors(id: string, signal: AbortSignal): AsyncGenerator<ImportError>;
}

const CONTACTS = '0-1';
/** `DEFERRED` is not over: HubSpot works on three imports at a time, and starts it later. */
const OVER = /^(?:DONE|FAILED|CANCELED|REVERTED)$/;
const LISTED = 100;

export function createImports(api: HubspotApi, settings: HubspotSettings, io: Io): HubspotImports {
  const { paths, import: how } = settings;

  async function find(name: string, signal: AbortSignal): Promise<string | undefined> {
    const path = `${paths.imports}?limit=${LISTED}`;
    const found = await api.get(path, (reply) => listIn(reply)?.map((one) => objectOf(one)), signal);
    const own = gotten(found, 'imports could not be listed').find((one) => nameOf(one) === name);
    return own === undefined ? undefined : textOf(own.id) || undefined;
  }

  return {
    async start(file, signal) {
      for (let tries = 1; ; tries += 1) {
        const known = await find(file.name, signal);
        if (known !== undefined) return known;
        const boundary = `referry-${Math.floor(io.random() * 2 ** 48).toString(36)}-${tries}`;
        const started = await api.upload(paths.imports, formOf(file, settings, boundary), idIn, signal);
        if ('value' in started) return started.value;
        // Nobody knows: it may be there, so it is looked for by its name before it is handed in once more.
        if ('refused' in started || started.failed.kind !== 'unknown' || tries === MOST_TRIES)
          return gotten(started, `the import ${file.name} could not be started`);
        await io.sleep(how.poll, signal);
      }
    },

    async follow(id, signal) {
      const until = io.monotonic() + how.wait;
      for (;;) {
        const looked = await api.get(`${paths.imports}/${encodeURIComponent(id)}`, endIn, signal);
        const end = gotten(looked, `the import ${id} could not be looked at`);
        if (OVER.test(end.state)) return end;
        if (io.monotonic() + how.poll > until) throw stuck(id, end.state);
        await io.sleep(how.poll, signal);
      }
    },

    async *errors(id, signal) {
      const path = `${paths.imports}/${encodeURIComponent(id)}/errors?limit=${LISTED}`;
      const seen = new Set<string>();
      for (let after = ''; ; ) {
        const page = await api.get(after === '' ? path : `${path}&after=${encodeURIComponent(after)}`, pageIn, signal);
        const { errors, next } = gotten(page, `the errors of the import ${id} could not be read`);
        yield* errors;
        if (next === '') return;
        if (seen.has(next)) throw new TransferError('BAD_ANSWER', `the errors of the import ${id} go round in circles`);
        seen.add(next);
        after = next;
      }
    },
  };
}

const MOST_TRIES = 3;

/** The form: what is in the file as JSON, then the file, streamed. */
function formOf(file: ImportFile, { import: { operation, dateFormat } }: HubspotSettings, boundary: string): Form {
  const request = {
    name: file.name,
    importOperations: { [CONTACTS]: operation.toUpperCase() },
    dateFormat: dateFormat.replaceAll('-', '_').toUpperCase(),
    files: [
      {
        fileName: file.fileName,
        fileFormat: 'CSV',
        fileImportPage: {
          hasHeader: true,
          columnMappings: file.columns.map(({ column, property, identifies }) => ({
            columnObjectTypeId: CONTACTS,
            columnName: column,
            propertyName: property,
            ...(identifies ? { columnType: 'HUBSPOT_ALTERNATE_ID' } : {}),
          })),
        },
      },
    ],
  };
  return multipartForm(
    { part: 'importRequest', value: request },
    { part: 'files', name: file.fileName, path: file.path, bytes: file.bytes, contentType: 'text/csv' },
    boundary,
  );
}

function listIn(reply: Reply): readonly unknown[] | undefined {
  const body = jsonObject(reply.body);
  return body && Array.isArray(body.results) ? listOf(body.results) : undefined;
}

function nameOf(one: Readonly<Record<string, unknown>> | undefined): string {
  return textOf(one?.importName) || textOf(objectOf(one?.importRequestJson)?.name);
}

function idIn(reply: Reply): string | undefined {
  return textOf(jsonObject(reply.body)?.id) || undefined;
}

function endIn(reply: Reply): ImportEnd | undefined {
  const body = jsonObject(reply.body);
  const [id, state] = [textOf(body?.id), textOf(body?.state)];
  if (id === '' || state === '') return undefined;
  const counters: Record<string, number> = {};
  for (const [name, value] of Object.entries(objectOf(objectOf(body?.metadata)?.counters) ?? {}))
    if (/^\d{1,15}$/.test(textOf(value))) counters[clean(name)] = Number(value);
  return { id, state: clean(state), counters };
}

function pageIn(reply: Reply): { errors: ImportError[]; next: string } | undefined {
  const list = listIn(reply);
  if (!list) return undefined;
  const next = objectOf(objectOf(jsonObject(reply.body)?.paging)?.next);
  return { errors: list.map((one) => errorFrom(objectOf(one) ?? {})), next: textOf(next?.after) };
}

/** The values of the line, which HubSpot repeats, are left out: they are personal. */
function errorFrom(one: Readonly<Record<string, unknown>>): ImportError {
  const line = objectOf(one.sourceData)?.lineNumber;
  const code = clean(textOf(one.errorType)) || 'ROW_REFUSED';
  const invalid = textOf(one.invalidValue);
  const message = textOf(one.errorMessage) || textOf(one.extraContext) || code;
  const reason = impersonal(clean(invalid.length < 3 ? message : message.replaceAll(invalid, '(not shown)')));
  return { ...(typeof line === 'number' ? { line } : {}), code, reason };
}

function gotten<T>(result: Result<T>, what: string): T {
  if ('value' in result) return result.value;
  const answer = troubleOf(result);
  const { code, reason } = answer.kind === 'accepted' ? { code: 'BAD_ANSWER', reason: '' } : answer;
  throw new TransferError(code, `${what}: ${reason}`, {
    retryable: answer.kind === 'retryable' || answer.kind === 'unknown',
    hint: 'check the columns against the contact properties, and that the token has the scope crm.import',
  });
}

function stuck(id: string, state: string): TransferError {
  return new TransferError('STILL_WORKING', `the import ${id} is still ${state} after all the time of import.wait`, {
    retryable: true,
    hint: 'look at it in HubSpot (Data Management, Data Integration, Imports)',
  });
}
