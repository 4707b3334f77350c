import { isObject } from '../json.ts';
import type { StandInReply } from '../stand-in.ts';

/** Who is subscribed to which group: `external_id 007`, `email a@example.com`. */
export interface Subscriptions {
  groups: ReadonlyMap<string, ReadonlySet<string>>;
  /** `POST /v2/subscription/status/set`. */
  set(body: unknown): StandInReply;
}

const USERS = 50;
const STATES = ['subscribed', 'unsubscribed'];
const FIELDS = ['subscription_group_id', 'subscription_state', 'external_ids', 'emails', 'phones'];
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

export function createSubscriptions(ids: readonly string[]): Subscriptions {
  const groups = new Map<string, Set<string>>(ids.map((id) => [id, new Set()]));

  function one(entry: unknown): string | undefined {
    if (!isObject(entry)) return 'an entry of subscription_groups is not an object';
    const stranger = Object.keys(entry).find((field) => !FIELDS.includes(field));
    if (stranger !== undefined) return `unknown parameter ${stranger}`;
    const { subscription_group_id: id, subscription_state: state, external_ids = [], emails = [] } = entry;
    const group = groups.get(String(id));
    if (!group) return 'subscription_group_id is not the id of a subscription group';
    if (!STATES.includes(String(state))) return 'subscription_state must be subscribed or unsubscribed';
    if (!Array.isArray(external_ids) || !Array.isArray(emails)) return 'external_ids and emails must be lists';
    if (external_ids.length + emails.length === 0) return 'external_ids, emails or phones is required';
    if (external_ids.length + emails.length > USERS) return `at most ${USERS} users in a request`;
    if (emails.some((email) => !EMAIL.test(String(email)))) return 'one of the emails is not valid';
    const names = [...external_ids.map((user) => `external_id ${user}`), ...emails.map((email) => `email ${email}`)];
    for (const name of names) {
      if (state === 'subscribed') group.add(name);
      else group.delete(name);
    }
    return undefined;
  }

  return {
    groups,
    set(body) {
      if (!isObject(body) || !Array.isArray(body.subscription_groups) || body.subscription_groups.length === 0)
        return { status: 400, body: '{"message":"subscription_groups is required"}' };
      for (const entry of body.subscription_groups) {
        const message = one(entry);
        if (message !== undefined) return { status: 400, body: JSON.stringify({ message }) };
      }
      return { status: 201, body: '{"message":"success"}', id: 'subscription' };
    },
  };
}
