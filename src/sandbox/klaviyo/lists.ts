import { isObject, parsed } from '../json.ts';
import type { StandInReply, StandInRequest } from '../stand-in.ts';
import type { ProfileStore, StoredProfile } from './profiles.ts';
import { apiError } from './replies.ts';

export interface Lists {
  /** Names by id. */
  names: ReadonlyMap<string, string>;
  /** What a person did in Klaviyo. */
  add(name: string): string;
  /** The kind of call that is counted; `undefined`: another path. */
  kindOf(path: string): string | undefined;
  answer(request: StandInRequest): StandInReply;
}

const LIST = /^\/api\/lists\/([^/]+)(\/relationships\/profiles|\/profiles)?$/;
const MOST = 1000;
const PAGE = 100;

/** Lists, who is in them, and the search for profiles. Names are not unique. `members`: ids of profiles by list. */
export function createLists(members: Map<string, Set<string>>, store: ProfileStore, origin: () => string): Lists {
  const names = new Map([...members.keys()].map((id) => [id, id]));

  function add(name: string): string {
    const id = `L${String(names.size + 1).padStart(5, '0')}`;
    names.set(id, name);
    members.set(id, new Set());
    return id;
  }

  function make(body: unknown): StandInReply {
    const data = isObject(body) && isObject(body.data) ? body.data : {};
    const attributes = isObject(data.attributes) ? data.attributes : {};
    if (data.type !== 'list') return apiError(400, 'invalid', "'list' is expected.", '/data/type');
    const { name } = attributes;
    if (typeof name !== 'string' || name === '')
      return apiError(400, 'invalid', 'name is required.', '/data/attributes/name');
    const id = add(name);
    return { status: 201, body: JSON.stringify({ data: resource(id) }), id };
  }

  const resource = (id: string): object => ({ type: 'list', id, attributes: { name: names.get(id) } });

  function search(query: URLSearchParams): StandInReply {
    const [, name] = /^equals\(name,(".*")\)$/.exec(query.get('filter') ?? '') ?? [];
    if (name === undefined) return apiError(400, 'invalid_filter', 'The filter is not valid.', '/filter');
    const found = [...names.keys()].filter((id) => names.get(id) === parsed(name));
    return { status: 200, body: JSON.stringify({ data: found.map(resource), links: { next: null } }) };
  }

  function change(id: string, method: string, body: unknown): StandInReply {
    const data = isObject(body) ? body.data : undefined;
    if (!Array.isArray(data) || data.length === 0) return apiError(400, 'invalid', 'Profiles are expected.', '/data');
    if (data.length > MOST) return apiError(400, 'invalid', `At most ${MOST} profiles in a call.`, '/data');
    const ids = data.map((one) => (isObject(one) && one.type === 'profile' ? String(one.id) : ''));
    const known = new Set(store.all().map((profile) => profile.id));
    const stranger = ids.findIndex((one) => !known.has(one));
    if (stranger !== -1) return apiError(400, 'invalid', 'There is no such profile.', `/data/${stranger}/id`);
    const list = members.get(id) ?? new Set();
    for (const one of ids) {
      if (method === 'POST') list.add(one);
      else list.delete(one);
    }
    return { status: 204, body: '', id };
  }

  function profiles(found: readonly StoredProfile[], query: URLSearchParams, path: string): StandInReply {
    const size = Number(query.get('page[size]') ?? '20');
    if (!Number.isInteger(size) || size < 1 || size > PAGE)
      return apiError(400, 'invalid', `page[size] is between 1 and ${PAGE}.`, '/page[size]');
    const from = Number(Buffer.from(query.get('page[cursor]') ?? '', 'base64').toString() || '0');
    const data = found.slice(from, from + size).map(({ id, email = null, externalId = null }) => ({
      type: 'profile',
      id,
      attributes: { email, external_id: externalId },
    }));
    const more = new URLSearchParams(query);
    more.set('page[cursor]', Buffer.from(String(from + size)).toString('base64'));
    const next = from + size < found.length ? `${origin()}${path}?${more}` : null;
    return { status: 200, body: JSON.stringify({ data, links: { next } }) };
  }

  function find(query: URLSearchParams, path: string): StandInReply {
    const [, name, values] = /^any\((email|external_id),(\[.*\])\)$/.exec(query.get('filter') ?? '') ?? [];
    const wanted = values === undefined ? undefined : parsed(values);
    if (!Array.isArray(wanted) || wanted.length === 0 || wanted.length > PAGE)
      return apiError(400, 'invalid_filter', 'The filter is not valid.', '/filter');
    const texts = new Set(wanted.map((one) => String(one).toLowerCase()));
    const of = ({ email = '', externalId = '' }: StoredProfile): string => (name === 'email' ? email : externalId);
    return profiles(
      store.all().filter((profile) => texts.has(of(profile).toLowerCase())),
      query,
      path,
    );
  }

  return {
    names,
    add,
    kindOf: (path) => {
      if (path === '/api/profiles') return 'profiles';
      return path === '/api/lists' || path.startsWith('/api/lists/') ? 'lists' : undefined;
    },
    answer({ method, path, query, body }) {
      if (`${method} ${path}` === 'GET /api/profiles') return find(query, path);
      if (path === '/api/lists') return method === 'POST' ? make(parsed(body)) : search(query);
      const [, id = '', what = ''] = LIST.exec(path) ?? [];
      if (!names.has(id)) return apiError(404, 'not_found', `A list with id ${id} does not exist.`);
      if (what === '/relationships/profiles' && method !== 'GET') return change(id, method, parsed(body));
      if (method !== 'GET') return apiError(405, 'method_not_allowed', `${method} is not allowed.`);
      const list = members.get(id) ?? new Set();
      if (what === '/profiles')
        return profiles(
          store.all().filter((profile) => list.has(profile.id)),
          query,
          path,
        );
      const attributes = { name: names.get(id), profile_count: list.size };
      return { status: 200, body: JSON.stringify({ data: { type: 'list', id, attributes } }) };
    },
  };
}
