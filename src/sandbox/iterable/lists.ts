import { isObject, parsed } from '../json.ts';
import type { StandInRequest } from '../stand-in.ts';
import { bad, type Project, type Refused } from './project.ts';

export interface StoredList {
  id: number;
  name: string;
  listType: 'Standard' | 'Dynamic';
  /** E-mail addresses, else userIds. */
  members: Set<string>;
}

export interface Lists {
  all(): readonly StoredList[];
  /** What a person did in Iterable. */
  add(name: string, listType?: StoredList['listType']): StoredList;
  /** Likewise: whether there was one. */
  remove(id: number): boolean;
  /** `undefined`: another path. Text: everybody in a list, or how many they are. */
  answer(request: StandInRequest): object | Refused | string | undefined;
}

interface Subscriber {
  email?: string;
  userId?: string;
  preferUserId: boolean;
}

/** Lists of a project. Names are not unique. */
export function createLists(project: Project): Lists {
  const lists = new Map<number, StoredList>();
  let next = 70_001;

  function add(name: string, listType: StoredList['listType'] = 'Standard'): StoredList {
    const list = { id: next, name, listType, members: new Set<string>() };
    lists.set(list.id, list);
    next += 1;
    return list;
  }

  function make(body: unknown): object | Refused {
    if (!isObject(body) || typeof body.name !== 'string' || body.name === '') return bad('name is required');
    return { listId: add(body.name).id };
  }

  function change(body: unknown, subscribes: boolean): object | Refused {
    if (!isObject(body)) return { code: 'BadJsonBody', msg: 'the body is no JSON object' };
    const known = subscribes ? [...USUAL, 'updateExistingUsersOnly'] : [...USUAL, 'campaignId', 'channelUnsubscribe'];
    const stranger = Object.keys(body).find((field) => !known.includes(field));
    if (stranger !== undefined) return bad(`unknown field ${stranger}`);
    const list = typeof body.listId === 'number' ? lists.get(body.listId) : undefined;
    if (!list) return bad('listId is not the id of a list');
    if (list.listType === 'Dynamic') return bad('members of a dynamic list cannot be changed');
    const subscribers = subscribersIn(body.subscribers);
    if (typeof subscribers === 'string') return bad(subscribers);
    const failed: Record<string, string[]> = {};
    for (const one of subscribers) {
      const id = one.email ?? one.userId ?? '';
      const failure = project.take(one, !subscribes || body.updateExistingUsersOnly === true);
      if (failure !== undefined) failed[failure] = [...(failed[failure] ?? []), id];
      else if (subscribes) list.members.add(id);
      else list.members.delete(id);
    }
    const failCount = Object.values(failed).flat().length;
    const counts = { successCount: subscribers.length - failCount, failCount };
    return {
      ...counts,
      failedUpdates: failed,
      createdFields: [],
      filteredOutFields: [],
      invalidEmails: [],
      invalidUserIds: [],
    };
  }

  return {
    all: () => [...lists.values()],
    add,
    remove: (id) => lists.delete(id),
    answer({ method, path, query, body }) {
      const [, sized] = SIZE.exec(path) ?? [];
      if (sized !== undefined && method === 'GET') {
        const list = lists.get(Number(sized));
        return list ? String(list.members.size) : bad('listId is not the id of a list');
      }
      switch (`${method} ${path}`) {
        case 'GET /api/lists':
          return { lists: [...lists.values()].map(({ members: _, ...list }) => ({ ...list, createdAt: 0 })) };
        case 'POST /api/lists':
          return make(parsed(body));
        case 'POST /api/lists/subscribe':
          return change(parsed(body), true);
        case 'POST /api/lists/unsubscribe':
          return change(parsed(body), false);
        case 'GET /api/lists/getUsers': {
          const list = lists.get(Number(query.get('listId')));
          return list ? [...list.members].map((id) => `${id}\n`).join('') : bad('listId is not the id of a list');
        }
        default:
          return undefined;
      }
    },
  };
}

export const SIZE = /^\/api\/lists\/(\d+)\/size$/;

const USUAL = ['listId', 'subscribers'];

function subscribersIn(value: unknown): Subscriber[] | string {
  if (!Array.isArray(value) || value.length === 0) return 'subscribers is no list of users';
  const read: Subscriber[] = [];
  for (const one of value) {
    if (!isObject(one)) return 'a subscriber is no object';
    const { email, userId, preferUserId = false, dataFields: _, ...others } = one;
    const [stranger] = Object.keys(others);
    if (stranger !== undefined) return `unknown field ${stranger} of a subscriber`;
    if (typeof preferUserId !== 'boolean') return 'preferUserId is no boolean';
    if (typeof email === 'string') read.push({ email, preferUserId });
    else if (typeof userId === 'string') read.push({ userId, preferUserId });
    else return 'a subscriber has neither email nor userId';
  }
  return read;
}
