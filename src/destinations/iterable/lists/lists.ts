import type { Answer, Io } from '../../../model.ts';
import { findOrMake } from '../../find-or-make.ts';
import type { MembershipTarget, Segment } from '../../membership.ts';
import { type ChangeRow, createChangeSender, notReady } from '../../membership-calls.ts';
import type { Called } from '../../split.ts';
import { classify } from '../classify.ts';
import { createListApi } from './api.ts';
import type { IterableListSettings } from './settings.ts';

const HINT = 'make a static list in Iterable and set listId, or use a server-side key of the project';
/** Members in a page of what is read back. */
const PAGE = 10_000;

/** A static list. It keeps the name with which it was made. */
export function createIterableList(settings: IterableListSettings, io: Io): MembershipTarget {
  const api = createListApi(settings, io);
  const { identifyBy, createUsers, membersPerCall, bytesPerCall } = settings;
  let listId = settings.listId ?? 0;

  const sender = createChangeSender({
    prepare: ({ id, add }) => ({
      json: JSON.stringify({ [identifyBy]: id, ...preferOf(add) }),
      kind: add ? 'add' : 'remove',
    }),
    bounds: { rows: membersPerCall, bytes: bytesPerCall - 200 },
    async call(rows, signal): Promise<Called> {
      const add = rows[0]?.item.add ?? true;
      const called = classify(
        await api.change(add, bodyOf(rows, add), signal),
        rows.map(({ item: { id } }) => ({ userId: id, fields: {} })),
      );
      return 'answers' in called && !add ? { answers: called.answers.map(asRemoved) } : called;
    },
    isUnknown,
    close: () => api.close(),
  });

  function preferOf(add: boolean): object {
    return add && createUsers && identifyBy === 'userId' ? { preferUserId: true } : {};
  }

  function bodyOf(rows: readonly ChangeRow[], add: boolean): string {
    const subscribers = `"subscribers":[${rows.map(({ json }) => json).join(',')}]`;
    return `{"listId":${listId},${subscribers}${add ? `,"updateExistingUsersOnly":${!createUsers}` : ''}}`;
  }

  async function idOf({ name, earlier }: Segment, signal: AbortSignal): Promise<{ id: number; made: boolean }> {
    let made = false;
    const known = settings.listId ?? (earlier && Number(earlier.targetId));
    async function find(): Promise<{ found: number | undefined } | { answer: Answer }> {
      const lists = await api.lists(signal);
      if ('answer' in lists) return lists;
      const list = lists.found.find((one) => (known === undefined ? one.name === name : one.id === known));
      if (known !== undefined && !list) return { answer: GONE };
      return list && DYNAMIC.test(list.type) ? { answer: NOT_STATIC } : { found: list?.id };
    }
    async function make(): Promise<{ found: number } | { answer: Answer }> {
      const list = await api.make(name, signal);
      made = 'found' in list;
      return list;
    }
    const id = await findOrMake({ find, make, what: `the list "${name}"`, hint: HINT }, settings, io, signal);
    return { id, made };
  }

  async function usersOf(signal: AbortSignal): Promise<string[]> {
    const users = await api.users(listId, signal);
    if ('answer' in users) throw notReady(`members of list ${listId} could not be read`, users.answer, HINT);
    return users.found;
  }

  return {
    ...sender,
    maxBatchSize: membersPerCall,
    quietMs: settings.quiet,
    identity: { provider: 'iterable', account: settings.account, target: `list ${settings.listId ?? ''}`.trim() },
    idKind: identifyBy,
    async prepare(segment, signal) {
      const { id, made } = await idOf(segment, signal);
      listId = id;
      const targetId = String(id);
      if (segment.earlier) return { targetId };
      if (made) return { targetId, members: 0 };
      const size = await api.size(id, signal);
      if ('answer' in size) throw notReady(`members of list ${id} could not be counted`, size.answer, HINT);
      return { targetId, members: size.found };
    },
    async *members(signal) {
      const ids = (await usersOf(signal)).map((id) => (identifyBy === 'email' ? id.trim().toLowerCase() : id.trim()));
      for (let at = 0; at < ids.length; at += PAGE) yield ids.slice(at, at + PAGE);
    },
  };
}

const DYNAMIC = /^dynamic$/i;

function isUnknown(answer: Answer): boolean {
  return answer.kind === 'rejected' && /^notFound/.test(answer.code);
}

/** Whoever is not known is no member either. */
function asRemoved(answer: Answer): Answer {
  if (!isUnknown(answer)) return answer;
  return { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'members=0' }, http: 200 };
}

const GONE: Answer = { kind: 'halted', code: 'LIST_GONE', reason: 'Iterable has no such list any more' };

const NOT_STATIC: Answer = {
  kind: 'halted',
  code: 'LIST_NOT_STATIC',
  reason: 'Iterable works out the members of this list by itself and takes none',
};
