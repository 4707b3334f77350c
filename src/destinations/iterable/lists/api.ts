import type { Io } from '../../../model.ts';
import { type Caller, createCaller } from '../../caller.ts';
import type { Found } from '../../find-or-make.ts';
import type { Asked, Reply } from '../../patience.ts';
import { pathAt } from '../../reach-settings.ts';
import { jsonObject, objectOf } from '../../reply-json.ts';
import { busy, errorOf, halted, OF_THE_KEY, PROVIDER } from '../classify.ts';
import { urlOf } from '../settings.ts';
import type { IterableListSettings } from './settings.ts';

/** Calls about lists of a project. Each throws the signal's reason only. */
export interface ListApi {
  lists(signal: AbortSignal): Promise<Found<{ id: number; name: string; type: string }[]>>;
  /** One try. */
  make(name: string, signal: AbortSignal): Promise<Found<number>>;
  change(add: boolean, body: string, signal: AbortSignal): Promise<Asked>;
  /** How many are in the list. As often as `users` in a minute. Source: GET /api/lists/{listId}/size, api.iterable.com/api/docs. */
  size(listId: number, signal: AbortSignal): Promise<Found<number>>;
  /** Everybody in the list, a line each. */
  users(listId: number, signal: AbortSignal): Promise<Found<string[]>>;
  close(): Promise<void>;
}

/** A call whose users all failed names each of them. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Some million members. */
const MAX_LIST_BYTES = 128 * 1024 * 1024;
/** As for bulk updates: a second is short. */
const SHARE = 0.93;

export function createListApi(settings: IterableListSettings, io: Io): ListApi {
  const url = urlOf(settings);
  const { apiKey, identifyBy, requestsPerSecond, readsPerMinute } = settings;
  const usual = callerAt({ by: `iterable ${apiKey}`, perMinute: requestsPerSecond * 60 * SHARE }, MAX_BODY_BYTES);
  const reads = callerAt({ by: `iterable reads ${apiKey}`, perMinute: readsPerMinute }, MAX_LIST_BYTES);

  function callerAt(pace: { by: string; perMinute: number }, maxBodyBytes: number): Caller {
    return createCaller(
      {
        ...settings,
        provider: PROVIDER,
        origin: new URL(url).origin,
        headers: ['Api-Key', apiKey, 'Content-Type', 'application/json', 'User-Agent', 'referry'],
        secretHeader: 'Api-Key',
        pace,
        busy,
        maxBodyBytes,
      },
      io,
    );
  }
  const at = (path: string): string => pathAt(url, path);

  return {
    lists: async (signal) =>
      read(await usual.get(at('/api/lists'), signal), ({ body }) => {
        const lists = jsonObject(body)?.lists;
        if (!Array.isArray(lists)) return undefined;
        return lists.map(objectOf).flatMap((list) => {
          const { id, name, listType } = list ?? {};
          return typeof id === 'number' ? [{ id, name: String(name), type: String(listType) }] : [];
        });
      }),
    make: async (name, signal) =>
      read(await usual.post(at('/api/lists'), JSON.stringify({ name }), signal, { once: true }), ({ body }) => {
        const id = jsonObject(body)?.listId;
        return typeof id === 'number' ? id : undefined;
      }),
    change: (add, body, signal) => usual.post(at(`/api/lists/${add ? 'subscribe' : 'unsubscribe'}`), body, signal),
    size: async (listId, signal) =>
      read(await reads.get(at(`/api/lists/${listId}/size`), signal), ({ body }) =>
        /^\s*\d{1,15}\s*$/.test(body) ? Number(body) : undefined,
      ),
    async users(listId, signal) {
      const query = new URLSearchParams({
        listId: String(listId),
        ...(identifyBy === 'userId' ? { preferUserId: 'true' } : {}),
      });
      return read(await reads.get(at(`/api/lists/getUsers?${query}`), signal), (reply) =>
        jsonObject(reply.body) || /^\s*</.test(reply.body) ? undefined : linesOf(reply),
      );
    },
    async close() {
      await Promise.all([usual.close(), reads.close()]);
    },
  };
}

function read<T>(asked: Asked, value: (reply: Reply) => T | undefined): Found<T> {
  if ('stopped' in asked) return { answer: asked.stopped };
  const { reply } = asked;
  if (reply.status === 200) {
    if (reply.truncated) return { answer: TOO_LONG };
    const found = value(reply);
    return found === undefined ? { answer: { ...BAD_ANSWER, http: 200 } } : { found };
  }
  return { answer: halted(reply, OF_THE_KEY.has(errorOf(reply).code) ? 401 : undefined) };
}

const linesOf = ({ body }: Reply): string[] => body.split(/\r?\n/).filter((line) => line.trim() !== '');

const BAD_ANSWER = {
  kind: 'unknown',
  code: 'BAD_ANSWER',
  reason: `${PROVIDER} answered 200 with something else than it should`,
} as const;

/** Asked again it would be as long. */
const TOO_LONG = {
  kind: 'halted',
  code: 'BAD_ANSWER',
  reason: `the answer of ${PROVIDER} is longer than is read: 8 MB of lists, 128 MB of members`,
  http: 200,
} as const;
