import { parsed } from '../json.ts';
import type { StandInReply, StandInRequest } from '../stand-in.ts';
import { ok, refusal, wrong } from './errors.ts';
import { fieldsOf, isProblem } from './fields.ts';
import type { Contacts } from './store.ts';

/** A list of contacts. */
export interface StoredList {
  listId: string;
  name: string;
  processingType: 'MANUAL' | 'DYNAMIC' | 'SNAPSHOT';
  /** Record ids, in the order in which they came. */
  members: Set<string>;
}

export interface Lists {
  all(): readonly StoredList[];
  /** What a person did in HubSpot. */
  add(name: string, processingType?: StoredList['processingType']): StoredList;
  answer(request: StandInRequest): StandInReply;
}

const LIST = /^\/crm\/v3\/lists\/(\d+)(\/update-list-name|\/memberships(?:\/add-and-remove)?)?$/;
const BY_NAME = /^\/crm\/v3\/lists\/object-type-id\/0-1\/name\/([^/]+)$/;
const MOST = 100_000;
const PAGE = 250;

/** Lists and their memberships; names are unique. */
export function createLists(contacts: Contacts): Lists {
  const lists = new Map<string, StoredList>();

  function add(name: string, processingType: StoredList['processingType'] = 'MANUAL'): StoredList {
    const list = { listId: String(501 + lists.size), name, processingType, members: new Set<string>() };
    lists.set(list.listId, list);
    return list;
  }

  const named = (name: string): StoredList | undefined => [...lists.values()].find((list) => list.name === name);

  function make(body: unknown): StandInReply {
    const fields = fieldsOf(body, ['name', 'objectTypeId', 'processingType', 'filterBranch'], 'the body');
    if (isProblem(fields)) return refusal(fields);
    const { name, objectTypeId, processingType } = fields;
    if (typeof name !== 'string' || name === '') return refusal(wrong('name is required'));
    if (objectTypeId !== '0-1') return refusal(wrong('objectTypeId is not known'));
    if (processingType !== 'MANUAL') return refusal(wrong('processingType needs a filterBranch'));
    if (named(name)) return refusal(taken(name));
    return { ...ok({ list: shown(add(name)) }), id: name };
  }

  function change(list: StoredList, body: unknown): StandInReply {
    const fields = fieldsOf(body, ['recordIdsToAdd', 'recordIdsToRemove'], 'the body');
    if (isProblem(fields)) return refusal(fields);
    const [toAdd, toRemove] = [fields.recordIdsToAdd, fields.recordIdsToRemove];
    if (!isTexts(toAdd) || !isTexts(toRemove)) return refusal(wrong('record ids must be lists of text'));
    if (toAdd.length + toRemove.length > MOST) return refusal(wrong(`at most ${MOST} records in a call`));
    if (list.processingType === 'DYNAMIC') return refusal(wrong('members of a DYNAMIC list cannot be changed'));
    const missing = [...toAdd, ...toRemove].filter((id) => !contacts.byId(id));
    const added = toAdd.filter((id) => contacts.byId(id) && !list.members.has(id));
    const removed = toRemove.filter((id) => list.members.has(id));
    for (const id of added) list.members.add(id);
    for (const id of removed) list.members.delete(id);
    const result = { recordIdsAdded: added, recordIdsRemoved: removed, recordIdsMissing: missing };
    return { ...ok(result), id: added.length + removed.length > 0 ? list.listId : '' };
  }

  function page(list: StoredList, query: URLSearchParams): StandInReply {
    const limit = Number(query.get('limit') ?? '100');
    if (!Number.isInteger(limit) || limit < 1 || limit > PAGE) return refusal(wrong(`limit is between 1 and ${PAGE}`));
    const from = Number(Buffer.from(query.get('after') ?? '', 'base64').toString() || '0');
    const ids = [...list.members];
    const results = ids.slice(from, from + limit).map((recordId) => ({ recordId, membershipTimestamp: NOW }));
    const after = Buffer.from(String(from + limit)).toString('base64');
    return ok({ total: ids.length, results, ...(from + limit < ids.length ? { paging: { next: { after } } } : {}) });
  }

  function rename(list: StoredList, name: string | null): StandInReply {
    if (!name) return refusal(wrong('listName is required'));
    const other = named(name);
    if (other && other !== list) return refusal(taken(name));
    list.name = name;
    return { ...ok({ updatedList: shown(list) }), id: name };
  }

  return {
    all: () => [...lists.values()],
    add,
    answer({ method, path, query, body }) {
      if (path === '/crm/v3/lists' && method === 'POST') return make(parsed(body));
      const [, name] = BY_NAME.exec(path) ?? [];
      const [, id = '', what = ''] = LIST.exec(path) ?? [];
      const list = name === undefined ? lists.get(id) : named(decodeURIComponent(name));
      if (!list) return refusal({ status: 404, category: 'OBJECT_NOT_FOUND', message: 'List does not exist.' });
      switch (`${method} ${what}`) {
        case 'GET ':
          return ok({ list: shown(list) });
        case 'GET /memberships':
          return page(list, query);
        case 'PUT /memberships/add-and-remove':
          return change(list, parsed(body));
        case 'PUT /update-list-name':
          return rename(list, query.get('listName'));
        default:
          return { status: 405, body: '' };
      }
    },
  };
}

const NOW = '2026-11-21T00:00:00Z';

const taken = (name: string) => wrong(`A list with the name ${name} already exists. Please choose another name.`);

function shown({ listId, name, processingType, members }: StoredList): object {
  return {
    listId,
    name,
    processingType,
    objectTypeId: '0-1',
    additionalProperties: { hs_list_size: `${members.size}` },
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
