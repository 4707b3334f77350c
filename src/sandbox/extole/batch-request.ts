import { isObject } from '../json.ts';
import { type ErrorCode, errorReply, type Reply } from './errors.ts';

/** A rule for a column of a batch's rows. */
export interface ColumnRule {
  matches: RegExp;
  shown: string;
  policy: 'OPTIONAL' | 'REQUIRED_COLUMN' | 'REQUIRED_VALUE';
}

/** The body of `POST /v6/batches`, checked. */
export interface BatchRequest {
  fileAssetId: string;
  name: string | undefined;
  eventName: string | undefined;
  defaultEventName: string | undefined;
  /** `undefined`: none were named. */
  eventColumns: string[] | undefined;
  eventData: Record<string, string>;
  columns: ColumnRule[];
  tags: string[];
  scopes: string[];
  /** As it was sent, for the record that is shown. */
  sent: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

const FIELDS = [
  'columns',
  'data_source',
  'default_event_name',
  'event_columns',
  'event_data',
  'event_name',
  'name',
  'scopes',
  'tags',
];
const SOURCES = new Map([
  ['FILE_ASSET', 'file_asset_id'],
  ['AUDIENCE_LIST', 'audience_list_id'],
  ['REPORT', 'report_id'],
]);
const POLICIES = ['OPTIONAL', 'REQUIRED_COLUMN', 'REQUIRED_VALUE'] as const;
const SCOPES = ['CLIENT_ADMIN', 'CLIENT_SUPERUSER'];

/** Thrown within this file, where a part of the body is refused. */
class Refused extends Error {
  readonly reply: Reply;
  constructor(code: ErrorCode, parameters?: Readonly<Record<string, string>>) {
    super(code);
    this.reply = errorReply(code, parameters);
  }
}

const wrong = (reason: string): Refused => new Refused('binding_error', { reason });

/** A field that the contract does not name is refused, at every depth: it is a mistake of ours. */
export function readBatchRequest(text: string): BatchRequest | Reply {
  if (text === '') return errorReply('missing_request_body');
  let sent: unknown;
  try {
    sent = JSON.parse(text);
  } catch {
    return errorReply('invalid_json');
  }
  try {
    return read(sent);
  } catch (error) {
    if (error instanceof Refused) return error.reply;
    throw error;
  }
}

function read(value: unknown): BatchRequest {
  const sent = fieldsOf(value, FIELDS, 'the body');
  const eventColumns = sent.event_columns === undefined ? undefined : listOf(sent.event_columns, 'event_columns');
  const scopes = sent.scopes === undefined ? [] : listOf(sent.scopes, 'scopes');
  if (scopes.some((scope) => !SCOPES.includes(scope))) throw wrong(`scopes: only ${SCOPES.join(', ')} are known`);
  return {
    fileAssetId: sourceOf(sent.data_source),
    name: labelOf(sent.name, 'batch_job_name_invalid'),
    eventName: labelOf(sent.event_name, 'batch_job_event_name_invalid'),
    defaultEventName: labelOf(sent.default_event_name, 'batch_job_event_name_invalid'),
    eventColumns,
    eventData: dataOf(sent.event_data ?? {}),
    columns: columnsOf(sent.columns ?? []),
    tags: tagsOf(sent.tags ?? []),
    scopes,
    sent,
  };
}

function sourceOf(value: unknown): string {
  if (value === undefined || value === null) throw new Refused('batch_job_data_source_empty');
  const { type } = fieldsOf(value, undefined, 'data_source');
  const field = typeof type === 'string' ? SOURCES.get(type) : undefined;
  if (field === undefined) throw wrong(`data_source.type is none of ${[...SOURCES.keys()].join(', ')}`);
  const id = fieldsOf(value, ['type', field], 'data_source')[field];
  if (typeof id !== 'string' || id === '') throw wrong(`data_source.${field} is missing`);
  if (type !== 'FILE_ASSET') throw new Refused('invalid_parameter', { reason: `the stand-in knows no ${field}` });
  return id;
}

function columnsOf(value: unknown): ColumnRule[] {
  if (!Array.isArray(value)) throw wrong('columns is not a list');
  return value.map((one: unknown): ColumnRule => {
    const { type } = fieldsOf(one, undefined, 'a column');
    const by = type === 'FULL_NAME_MATCH' ? 'name' : type === 'PATTERN_NAME_MATCH' ? 'name_pattern' : undefined;
    if (by === undefined) throw wrong('columns: type is neither FULL_NAME_MATCH nor PATTERN_NAME_MATCH');
    const column = fieldsOf(one, ['type', 'prefix', 'validation_policy', by], 'a column');
    const { prefix, validation_policy, [by]: name } = column;
    const policy = POLICIES.find((known) => known === validation_policy);
    if (typeof prefix !== 'string') throw wrong('columns: prefix is required');
    if (policy === undefined) throw wrong(`columns: validation_policy is none of ${POLICIES.join(', ')}`);
    if (typeof name !== 'string' || name === '') throw wrong(`columns: ${by} is required`);
    const pattern = by === 'name' ? name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : name;
    return { matches: new RegExp(`^(?:${pattern})$`), shown: name, policy };
  });
}

function tagsOf(value: unknown): string[] {
  if (!Array.isArray(value)) throw wrong('tags is not a list');
  const tags = value.filter((tag) => typeof tag === 'string' && tag !== '' && tag.length <= 255).map(String);
  if (tags.length < value.length || new Set(tags).size < tags.length) throw new Refused('batch_job_tag_invalid');
  return tags;
}

function labelOf(value: unknown, code: ErrorCode): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.trim() === '' || value.length > 255) throw new Refused(code);
  return value;
}

function dataOf(value: unknown): Record<string, string> {
  const data: Record<string, string> = {};
  for (const [name, one] of Object.entries(fieldsOf(value, undefined, 'event_data'))) {
    if (typeof one !== 'string') throw wrong(`event_data.${name} is not a string`);
    data[name] = one;
  }
  return data;
}

function listOf(value: unknown, what: string): string[] {
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
    throw wrong(`${what} is no list of strings`);
  if (new Set(value).size < value.length) throw wrong(`${what} names something twice`);
  return value.map(String);
}

/** `known`: the fields that are allowed; `undefined` allows all. */
function fieldsOf(value: unknown, known: readonly string[] | undefined, what: string): Fields {
  if (!isObject(value)) throw wrong(`${what} is not an object`);
  const stranger = known && Object.keys(value).find((field) => !known.includes(field));
  if (stranger !== undefined) throw wrong(`unknown field ${stranger} in ${what}`);
  return value;
}
