import type { Answer, Io } from '../../../model.ts';
import type { Found } from '../../find-or-make.ts';
import type { Asked, Reply } from '../../patience.ts';
import { pathAt } from '../../reach-settings.ts';
import { type JsonObject, listOf, objectOf } from '../../reply-json.ts';
import { callerFor } from '../api.ts';
import { bodyOf, countOf, cursorOf, errorOf, halted, PROVIDER, textOf } from '../classify.ts';
import type { KlaviyoListSettings } from './settings.ts';

/** What came of a call; `refused`: because of something in it. */
export type Said<T> = Found<T> | { refused: Answer };

export interface FoundProfile {
  id: string;
  /** The id that segments know it by; empty where it has none. */
  member: string;
}

/** Calls about lists and who is in them. Each throws the signal's reason only. */
export interface ListApi {
  byName(name: string, signal: AbortSignal): Promise<Said<string | undefined>>;
  /** One try. */
  make(name: string, signal: AbortSignal): Promise<Said<string>>;
  /** How many members the list has; `undefined` where Klaviyo does not say. */
  size(listId: string, signal: AbortSignal): Promise<Said<number | undefined>>;
  profiles(members: readonly string[], signal: AbortSignal): Promise<Said<FoundProfile[]>>;
  /** At most 1,000. */
  change(listId: string, add: boolean, profileIds: readonly string[], signal: AbortSignal): Promise<Said<true>>;
  /** `cursor`: as the page before gave it; empty: the first page, and after the last. */
  page(listId: string, cursor: string, signal: AbortSignal): Promise<Said<{ profiles: FoundProfile[]; next: string }>>;
  close(): Promise<void>;
}

export function createListApi(settings: KlaviyoListSettings, io: Io): ListApi {
  const { url, identifyBy, requestsPerMinute, requestsPerSecond, lookUpsPerMinute, countsPerMinute } = settings;
  const perMinute = Math.min(requestsPerMinute, requestsPerSecond * 60);
  const lists = callerFor('lists', perMinute, settings, io);
  const counts = callerFor('counts', countsPerMinute, settings, io);
  const looks = callerFor('profiles', lookUpsPerMinute, settings, io);
  const attribute = identifyBy === 'email' ? 'email' : 'external_id';
  const at = (path: string): string => pathAt(url, path);
  const list = (id: string): string => at(`/api/lists/${encodeURIComponent(id)}`);

  function profileOf(value: unknown): FoundProfile | undefined {
    const profile = objectOf(value);
    const id = textOf(profile?.id);
    const member = textOf(objectOf(profile?.attributes)?.[attribute])?.trim() ?? '';
    return id === undefined ? undefined : { id, member: identifyBy === 'email' ? member.toLowerCase() : member };
  }

  function profilesIn(body: JsonObject): FoundProfile[] | undefined {
    return Array.isArray(body.data) ? body.data.map(profileOf).filter((one) => one !== undefined) : undefined;
  }

  return {
    async byName(name, signal) {
      const query = new URLSearchParams({ filter: `equals(name,${JSON.stringify(name)})` });
      return read(await lists.get(`${at('/api/lists')}?${query}`, signal), ({ data }) => {
        if (!Array.isArray(data)) return undefined;
        const found = data.map(objectOf).find((one) => objectOf(one?.attributes)?.name === name);
        return { found: textOf(found?.id) };
      });
    },
    async make(name, signal) {
      const body = JSON.stringify({ data: { type: 'list', attributes: { name } } });
      return read(await lists.post(at('/api/lists'), body, signal, { once: true }), ({ data }) => {
        const id = textOf(objectOf(data)?.id);
        return id === undefined ? undefined : { found: id };
      });
    },
    async size(listId, signal) {
      const query = new URLSearchParams({ 'additional-fields[list]': 'profile_count' });
      return read(await counts.get(`${list(listId)}?${query}`, signal), ({ data }) => {
        const found = objectOf(data);
        return found && { found: countOf(objectOf(found.attributes)?.profile_count) };
      });
    },
    async profiles(members, signal) {
      const query = new URLSearchParams({
        filter: `any(${attribute},${JSON.stringify(members)})`,
        'fields[profile]': attribute,
        'page[size]': '100',
      });
      return read(await looks.get(`${at('/api/profiles')}?${query}`, signal), (body) => asFound(profilesIn(body)));
    },
    async change(listId, add, profileIds, signal) {
      const path = `${list(listId)}/relationships/profiles`;
      const body = JSON.stringify({ data: profileIds.map((id) => ({ type: 'profile', id })) });
      const asked = await (add ? lists.post(path, body, signal) : lists.delete(path, body, signal));
      if ('reply' in asked && asked.reply.status === 204) return { found: true };
      return read(asked, () => undefined);
    },
    async page(listId, cursor, signal) {
      const query = new URLSearchParams({ 'fields[profile]': attribute, 'page[size]': '100' });
      if (cursor !== '') query.set('page[cursor]', cursor);
      return read(await looks.get(`${list(listId)}/profiles?${query}`, signal), (body) => {
        const profiles = profilesIn(body);
        return profiles && { found: { profiles, next: cursorOf(objectOf(body.links)?.next) } };
      });
    },
    async close() {
      await Promise.all([lists.close(), counts.close(), looks.close()]);
    },
  };
}

function asFound<T>(found: T | undefined): { found: T } | undefined {
  return found === undefined ? undefined : { found };
}

function read<T>(asked: Asked, value: (body: JsonObject) => { found: T } | undefined): Said<T> {
  if ('stopped' in asked) return { answer: asked.stopped };
  const { reply } = asked;
  const { status } = reply;
  if (status === 200 || status === 201) {
    const body = bodyOf(reply);
    return (body && value(body)) ?? { answer: badAnswer(reply) };
  }
  if ([400, 409, 413, 414, 422, 431].includes(status)) {
    const { code, words } = errorOf(reply);
    const reason = words || `${PROVIDER} answered ${status}`;
    return { refused: { kind: 'rejected', code: code || `HTTP_${status}`, reason, http: status } };
  }
  return { answer: status === 404 && listOf(bodyOf(reply)?.errors).length > 0 ? listGone(reply) : halted(reply) };
}

function badAnswer({ status }: Reply): Answer {
  const reason = `${PROVIDER} answered ${status} with something else than it should, so it may come from something in between`;
  return { kind: 'unknown', code: 'BAD_ANSWER', reason, http: status };
}

function listGone(reply: Reply): Answer {
  const reason = `${PROVIDER} has no such list (${errorOf(reply).words}): check listId, or leave it out`;
  return { kind: 'halted', code: 'LIST_GONE', reason, http: reply.status };
}
