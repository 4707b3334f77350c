import type { Answer, Io } from '../../../model.ts';
import { afterLookingUp, haltOf } from '../../halt.ts';
import type { Asked } from '../../patience.ts';
import { pathAt } from '../../reach-settings.ts';
import { jsonObject, listOf } from '../../reply-json.ts';
import { PROVIDER } from '../classify.ts';
import { createRestCaller } from '../rest-caller.ts';
import { saidBy } from './classify.ts';
import type { BrazeMembershipSettings } from './settings.ts';

/** Finds members that Braze does not know. */
export interface LookUp {
  /** Those that are not to be sent, each with its answer: Braze does not know them, or could not be asked. Throws the signal's reason only. */
  unknown(ids: readonly string[], signal: AbortSignal): Promise<Map<string, Answer>>;
  close(): Promise<void>;
}

/** What Braze takes in one call. */
const IDS = 50;
/** Of each user only the id is asked for. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export function createLookUp(
  settings: BrazeMembershipSettings,
  { lookUp }: NonNullable<BrazeMembershipSettings['cohort']>,
  io: Io,
): LookUp {
  if (!lookUp) return { unknown: async () => new Map(), close: async () => {} };
  const { url } = settings;
  const { apiKey, requestsPerMinute } = lookUp;
  const caller = createRestCaller(
    settings,
    { apiKey, of: 'braze export', perMinute: requestsPerMinute, maxBodyBytes: MAX_BODY_BYTES },
    io,
  );
  const path = pathAt(url, '/users/export/ids');

  return {
    async unknown(ids, signal) {
      const answers = new Map<string, Answer>();
      for (let at = 0; at < ids.length; at += IDS) {
        const part = ids.slice(at, at + IDS);
        const body = JSON.stringify({ external_ids: part, fields_to_export: ['external_id'] });
        const found = invalidIn(await caller.post(path, body, signal), new Set(part));
        if (found instanceof Set) for (const id of found) answers.set(id, UNKNOWN);
        else {
          // Who could not be asked is not asked once more for each part.
          for (const id of ids.slice(at)) answers.set(id, found);
          break;
        }
      }
      return answers;
    },
    close: () => caller.close(),
  };
}

const UNKNOWN: Answer = {
  kind: 'rejected',
  code: 'MEMBER_UNKNOWN',
  reason: 'Braze knows no user with this external_id, and makes none for a cohort',
};

/** Those that Braze does not know; an answer for all where it did not say. */
function invalidIn(asked: Asked, ids: ReadonlySet<string>): Set<string> | Answer {
  if ('stopped' in asked) return afterLookingUp(asked.stopped);
  const { reply } = asked;
  const body = reply.truncated ? undefined : jsonObject(reply.body);
  if (reply.status !== 200 && reply.status !== 201) {
    return haltOf(reply, {
      provider: PROVIDER,
      said: saidBy(reply),
      unauthorized: 'lookUp.apiKey is not accepted; check it, and url',
      forbidden: 'lookUp.apiKey lacks the permission users.export.ids',
    });
  }
  if (!body || !Array.isArray(body.users))
    return { kind: 'retryable', code: 'LOOKUP_FAILED', reason: `${PROVIDER} did not say which users it knows` };
  const named = listOf(body.invalid_user_ids).filter((id) => typeof id === 'string');
  return new Set(named.filter((id) => ids.has(id)));
}
