import type { Io } from '../../model.ts';
import { isObject, parsed } from '../json.ts';
import type { AudienceChange, Audiences, Operation, Source, StoredAudience } from './audiences.ts';
import { errorReply, type Reply } from './errors.ts';
import { listed, ok, page } from './paging.ts';
import type { Person, Store } from './store.ts';

/** A request about audiences, or about a person's memberships. Empty where the path has none. */
export interface AudienceRoute {
  kind: 'audiences';
  method: string;
  /** `persons`: memberships of one person. */
  of: 'audiences' | 'persons';
  personId: string;
  audienceId: string;
  /** `members`, `members/download.csv`, `stats`, `operations`. */
  part: string;
  operationId: string;
  action: string;
  query: URLSearchParams;
}

const AUDIENCE =
  /^\/v1\/audiences(?:\/([^/]+)(?:\/(members(?:\/download[.\w]*)?|stats|operations)(?:\/([^/]+)(?:\/(state))?)?)?)?$/;
const MEMBERSHIPS = /^\/v5\/persons\/([^/]+)\/memberships(?:\/([^/]+))?$/;

export function audienceRoute(method: string, path: string, query: URLSearchParams): AudienceRoute | undefined {
  const usual = { kind: 'audiences', method, query } as const;
  const [ofPerson, personId = '', membership = ''] = MEMBERSHIPS.exec(path) ?? [];
  if (ofPerson !== undefined)
    return { ...usual, of: 'persons', personId, audienceId: membership, part: '', operationId: '', action: '' };
  const [whole, audienceId = '', part = '', operationId = '', action = ''] = AUDIENCE.exec(path) ?? [];
  return whole === undefined
    ? undefined
    : { ...usual, of: 'audiences', personId: '', audienceId, part, operationId, action };
}

export interface AudienceRequest {
  isJson: boolean;
  body: string;
}

/** Answers; `id` is of what was made or changed, else empty. */
export function answerAudiences(
  route: AudienceRoute,
  request: AudienceRequest,
  audiences: Audiences,
  store: Store,
  io: Io,
): { reply: Reply; id: string } {
  const { method, of, audienceId, part } = route;
  if (method === 'POST' && !request.isJson) return looked(errorReply('unsupported_media_type'));
  const body = method === 'POST' ? parsed(request.body) : {};
  if (!isObject(body)) return looked(errorReply('invalid_json'));
  if (of === 'persons') return onMemberships(route, body, audiences, store, io);
  if (audienceId === '') {
    if (method === 'POST') return make(body, audiences);
    return looked(
      method === 'GET' ? listed(audiences.all().map(shown), route.query) : errorReply('method_not_allowed'),
    );
  }
  const audience = audiences.get(audienceId);
  if (!audience)
    return looked(errorReply(part === 'operations' ? 'audience_operation_audience_not_found' : 'audience_not_found'));
  if (part === 'operations') return onOperations(route, body, audience, audiences, io);
  if (method !== 'GET') return looked(errorReply('method_not_allowed'));
  if (part === 'stats') return looked(ok({ active_members_count: audience.members.size }));
  if (part.startsWith('members/download')) return looked(download(route, audience, audiences, store));
  return looked(part === 'members' ? listed([...audience.members], route.query) : ok(shown(audience)));
}

function make(body: Fields, audiences: Audiences): { reply: Reply; id: string } {
  const stranger = strangerIn(body, ['name', 'tags', 'enabled', 'component_ids', 'component_references']);
  if (stranger !== undefined) return looked(errorReply('binding_error', { reason: `unknown field ${stranger}` }));
  if (typeof body.name !== 'string' || body.name.trim() === '') return looked(errorReply('missing_audience_name'));
  if (body.name.length > 255) return looked(errorReply('binding_error', { reason: 'name is too long' }));
  const made = audiences.make(body.name);
  return { reply: ok(shown(made)), id: made.id };
}

const TYPES: readonly AudienceChange[] = ['ADD', 'REMOVE', 'REPLACE'];

function onOperations(
  { method, operationId, action, query }: AudienceRoute,
  body: Fields,
  audience: StoredAudience,
  audiences: Audiences,
  io: Io,
): { reply: Reply; id: string } {
  const known = audiences.operations(audience.id);
  if (operationId !== '') {
    const operation = known.find(({ id }) => id === operationId);
    if (method !== 'GET') return looked(errorReply('method_not_allowed'));
    if (!operation) return looked(errorReply('audience_operation_operation_not_found'));
    return looked(
      ok(action === 'state' ? stateOf(operation, audiences.behaviour.operationMs, io) : operationOf(operation)),
    );
  }
  if (method === 'GET') {
    const tags = query.getAll('tags');
    const tagged = known.filter((one) => tags.every((tag) => one.tags.includes(tag)));
    return looked(listed(tagged.toReversed().map(operationOf), query));
  }
  const stranger = strangerIn(body, ['type', 'tags', 'data_source']);
  if (stranger !== undefined) return looked(errorReply('binding_error', { reason: `unknown field ${stranger}` }));
  const type = TYPES.find((one) => one === body.type);
  if (type === undefined) return looked(errorReply('audience_operation_missing_type'));
  const source = sourceOf(body.data_source);
  if ('status' in source) return looked(source);
  const tags = Array.isArray(body.tags) ? body.tags.map(String) : [];
  const dataSource = isObject(body.data_source) ? body.data_source : {};
  const started = audiences.start(audience.id, { type, tags, dataSource }, source);
  return 'status' in started ? looked(started) : { reply: ok(operationOf(started)), id: started.id };
}

function sourceOf(value: unknown): Source | Reply {
  if (!isObject(value)) return errorReply('audience_operation_missing_data_source');
  const { type, file_asset_id, audience_members } = value;
  if (type === 'FILE_ASSET') {
    if (typeof file_asset_id === 'string' && file_asset_id !== '') return { fileAssetId: file_asset_id };
    return errorReply('modification_audience_operation_file_asset_data_source_missing_file_asset_id');
  }
  if (type !== 'PERSON_LIST') return errorReply('audience_operation_missing_data_source_type');
  if (!Array.isArray(audience_members) || audience_members.length === 0) return errorReply('invalid_parameter');
  const members = audience_members.map((one) => (isObject(one) ? (one.email ?? one.identity_key_value) : undefined));
  return members.every((one) => typeof one === 'string') ? { members } : errorReply('invalid_identity_key_value');
}

function onMemberships(
  { method, personId, audienceId }: AudienceRoute,
  body: Fields,
  audiences: Audiences,
  store: Store,
  io: Io,
): { reply: Reply; id: string } {
  const person = store.person(personId);
  if (!person) return looked(errorReply('person_not_found', { person_id: personId }));
  const identity = identityOf(person);
  const at = new Date(io.now()).toISOString();
  const membership = ({ id, name }: StoredAudience): Reply =>
    ok({ audience_id: id, audience_name: name, created_date: at, updated_date: at });
  if (method === 'GET') {
    const all = audiences.all().filter(({ members }) => members.has(identity));
    return looked(ok(all.map(({ id, name }) => ({ audience_id: id, audience_name: name }))));
  }
  if (method !== (audienceId === '' ? 'POST' : 'DELETE')) return looked(errorReply('method_not_allowed'));
  const wanted = audienceId === '' ? body.audience_id : audienceId;
  if (typeof wanted !== 'string' || wanted === '') return looked(errorReply('missing_audience_id'));
  const audience = audiences.get(wanted);
  if (!audience) return looked(errorReply('audience_not_found'));
  const changed = audiences.set(wanted, identity, method === 'POST');
  if (method === 'DELETE' && !changed) return looked(errorReply('membership_not_found'));
  return { reply: membership(audience), id: changed ? wanted : '' };
}

/** The members as a file, a page of it by limit and offset; every page has the header. */
function download({ part, query }: AudienceRoute, audience: StoredAudience, audiences: Audiences, store: Store): Reply {
  if (part !== 'members/download.csv') return errorReply('audience_member_list_format_not_supported');
  const { columns } = audiences.behaviour;
  const found = page([...audience.members], query);
  if (!found) return errorReply('invalid_query_limit');
  const lines = found.map((identity) => {
    const email = identity.includes('@') ? identity : '';
    const person = store.persons({ identity, keys: [] })[0];
    const values = [person?.id ?? '', email, email === '' ? identity : ''];
    return columns.map((_, i) => values[i] ?? '').join(',');
  });
  return { status: 200, body: `${[columns.join(','), ...lines].join('\n')}\n`, type: 'text/csv' };
}

const identityOf = ({ email, identity }: Person): string => email ?? identity;

const shown = ({ id, name }: StoredAudience): object => ({
  ...{ id, name, tags: [], enabled: true },
  ...{ component_ids: [], component_references: [] },
});

const operationOf = ({ id, type, tags, dataSource }: Operation): object => ({
  id,
  type,
  tags,
  data_source: dataSource,
});

const STATES = ['PREPARING', 'BUILDING', 'VALIDATING'];

function stateOf({ type, createdAt, file, end }: Operation, takes: number, io: Io): object {
  const done = takes === 0 ? 1 : (io.monotonic() - createdAt) / takes;
  const at = new Date(io.now()).toISOString();
  return {
    type,
    state: end?.state ?? STATES[Math.min(2, Math.floor(done * 3))],
    error_code: end?.errorCode === '' ? null : (end?.errorCode ?? null),
    input_rows_count: file.rows.length,
    ...{ state_reached_date: at, created_date: at, updated_date: at, retry_count: 0 },
    result: end && {
      member_count: end.members,
      anonymous_count: 0,
      non_processed_count: end.nonProcessed,
      last_update: at,
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

function strangerIn(body: Fields, known: readonly string[]): string | undefined {
  return Object.keys(body).find((field) => !known.includes(field));
}

function looked(reply: Reply): { reply: Reply; id: string } {
  return { reply, id: '' };
}
