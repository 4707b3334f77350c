import type { Io } from '../../../model.ts';
import type { MembershipTarget } from '../../membership.ts';
import { type ChangeRow, createChangeSender } from '../../membership-calls.ts';
import { pathAt } from '../../reach-settings.ts';
import { createRestCaller } from '../rest-caller.ts';
import { classifyMembers, type Hints } from './classify.ts';
import type { BrazeMembershipSettings } from './settings.ts';

type SubscriptionSettings = NonNullable<BrazeMembershipSettings['subscription']>;

const MAX_BODY_BYTES = 1024 * 1024;
/** Of the users in a call; their number is the bound that counts. */
const MAX_USER_BYTES = 1_000_000;

const HINTS: Hints = {
  unauthorized: 'the key is not accepted; check subscription.apiKey, and url: a key works at its own instance only',
  forbidden: 'the key lacks the permission subscription.status.set, or this address is not on its list',
};

/** Members are subscribed to the group, those who leave are unsubscribed. */
export function createSubscription(
  settings: BrazeMembershipSettings,
  { apiKey, groupId, usersPerCall, requestsPerMinute }: SubscriptionSettings,
  io: Io,
): MembershipTarget {
  const { url, identifyBy } = settings;
  const path = pathAt(url, '/v2/subscription/status/set');
  const caller = createRestCaller(
    settings,
    { apiKey, of: 'braze subscription', perMinute: requestsPerMinute, maxBodyBytes: MAX_BODY_BYTES },
    io,
  );

  /** A call has users of one state only: its limit counts all of them. */
  function bodyOf(rows: readonly ChangeRow[]): string {
    const head = {
      subscription_group_id: groupId,
      subscription_state: rows[0]?.item.add ? SUBSCRIBED : UNSUBSCRIBED,
    };
    const field = identifyBy === 'email' ? 'emails' : 'external_ids';
    const users = rows.map(({ json }) => json).join(',');
    return `{"subscription_groups":[${JSON.stringify(head).slice(0, -1)},"${field}":[${users}]}]}`;
  }

  const sender = createChangeSender({
    prepare: ({ id, add }) => ({ json: JSON.stringify(id), kind: add ? SUBSCRIBED : UNSUBSCRIBED }),
    bounds: { rows: usersPerCall, bytes: MAX_USER_BYTES },
    call: async (rows, signal) => classifyMembers(await caller.post(path, bodyOf(rows), signal), rows, HINTS, []),
    close: () => caller.close(),
  });

  return {
    ...sender,
    maxBatchSize: usersPerCall,
    identity: { provider: 'braze', account: settings.account, target: `subscription ${groupId}` },
    idKind: identifyBy,
    // The group exists; it keeps the name that people gave it.
    prepare: async () => ({ targetId: groupId }),
  };
}

const SUBSCRIBED = 'subscribed';
const UNSUBSCRIBED = 'unsubscribed';
