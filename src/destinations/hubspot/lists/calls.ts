import type { Answer } from '../../../model.ts';
import type { Found } from '../../find-or-make.ts';
import type { Reply } from '../../patience.ts';
import { jsonObject, listOf, objectOf } from '../../reply-json.ts';
import type { HubspotApi, Result } from '../api.ts';
import { textOf } from '../classify.ts';

/** A list as HubSpot shows it. */
export interface HubspotList {
  id: string;
  name: string;
  /** `MANUAL` and `SNAPSHOT` lists take members; others work out their own. */
  processing: string;
}

/** What became of members. Those that were members before, or were none, stand in no list. */
export interface Changed {
  /** Records that there are none of any more. */
  missing: ReadonlySet<string>;
}

/** The calls about lists. Each throws the signal's reason only. */
export interface ListCalls {
  byId(id: string, signal: AbortSignal): Promise<Found<HubspotList>>;
  byName(name: string, signal: AbortSignal): Promise<Found<HubspotList | undefined>>;
  /** One try. */
  make(name: string, signal: AbortSignal): Promise<Found<HubspotList>>;
  rename(id: string, name: string, signal: AbortSignal): Promise<Answer | undefined>;
  change(id: string, add: readonly string[], remove: readonly string[], signal: AbortSignal): Promise<Result<Changed>>;
  /** Record ids of members; `after`: empty for the first page, and after the last. */
  page(id: string, after: string, signal: AbortSignal): Promise<Found<{ ids: string[]; after: string }>>;
}

const CONTACTS = '0-1';
/** The most members in a page. */
const PAGE = '250';

export function createListCalls(api: HubspotApi, lists: string): ListCalls {
  const at = (id: string): string => `${lists}/${encodeURIComponent(id)}`;

  return {
    byId: async (id, signal) => asFound(await api.get(at(id), listIn, signal)),
    async byName(name, signal) {
      const path = `${lists}/object-type-id/${CONTACTS}/name/${encodeURIComponent(name)}`;
      const result = await api.get(path, listIn, signal);
      return 'refused' in result && result.refused.http === 404 ? { found: undefined } : asFound(result);
    },
    async make(name, signal) {
      const body = { name, objectTypeId: CONTACTS, processingType: MANUAL };
      return asFound(await api.postOnce(lists, body, listIn, signal));
    },
    async rename(id, name, signal) {
      const query = new URLSearchParams({ listName: name });
      const result = await api.put(
        `${at(id)}/update-list-name?${query}`,
        {},
        (reply) => jsonObject(reply.body),
        signal,
      );
      return 'value' in result ? undefined : answerOf(result);
    },
    change: (id, add, remove, signal) =>
      api.put(
        `${at(id)}/memberships/add-and-remove`,
        { recordIdsToAdd: add, recordIdsToRemove: remove },
        changedIn,
        signal,
      ),
    async page(id, after, signal) {
      const query = new URLSearchParams({ limit: PAGE, ...(after === '' ? {} : { after }) });
      return asFound(await api.get(`${at(id)}/memberships?${query}`, pageIn, signal));
    },
  };
}

export const MANUAL = 'MANUAL';

function asFound<T>(result: Result<T>): Found<T> {
  return 'value' in result ? { found: result.value } : { answer: answerOf(result) };
}

/** A list that is not there is no fault of a member, nor a contact that is gone. */
export function answerOf(result: Exclude<Result<unknown>, { value: unknown }>): Answer {
  if ('failed' in result) return result.failed;
  if (result.refused.http !== 404) return result.refused;
  const reason = `HubSpot knows no such list (${result.error.message}): check listId, or leave it out`;
  return { kind: 'halted', code: 'LIST_GONE', reason, http: 404 };
}

function listIn(reply: Reply): HubspotList | undefined {
  const body = jsonObject(reply.body);
  const list = objectOf(body?.list) ?? body;
  const id = textOf(list?.listId);
  return id === '' ? undefined : { id, name: textOf(list?.name), processing: textOf(list?.processingType) };
}

/** Older answers spell it `recordsIdsAdded`. */
function changedIn(reply: Reply): Changed | undefined {
  const body = jsonObject(reply.body);
  const lists = [body?.recordIdsAdded ?? body?.recordsIdsAdded, body?.recordIdsRemoved, body?.recordIdsMissing];
  if (!lists.some(Array.isArray)) return undefined;
  return { missing: new Set(listOf(body?.recordIdsMissing).map(textOf)) };
}

/** Members come as objects, in older answers as ids. */
function pageIn(reply: Reply): { ids: string[]; after: string } | undefined {
  const body = jsonObject(reply.body);
  if (!Array.isArray(body?.results)) return undefined;
  const ids = body.results.map((one: unknown) => textOf(objectOf(one)?.recordId ?? one)).filter((id) => id !== '');
  return { ids, after: textOf(objectOf(objectOf(body.paging)?.next)?.after) };
}
