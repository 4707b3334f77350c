import type { MembershipExchange } from '../../membership.ts';

const settings = {
  account: 'acme',
  url: 'https://rest.iad-01.braze.com',
  cohort: { partner: 'heap', partnerApiKey: 'example-partner-key', clientSecret: 'example-import-key' },
  patience: '0s',
};
const segment = { id: 'lapsed', name: 'Lapsed members', since: Date.UTC(2026, 10, 21) };
const synced = { ...segment, earlier: { targetId: 'lapsed', name: 'Lapsed members' } };
const keys = { partner_api_key: 'example-partner-key', client_secret: 'example-import-key', cohort_id: 'lapsed' };
const json = { 'content-type': 'application/json' };

function call(path: string, body: object, status = 201, message = 'success'): MembershipExchange['calls'][number] {
  return {
    request: {
      method: 'POST',
      url: `https://rest.iad-01.braze.com${path}`,
      headers: { 'Content-Type': 'application/json' },
      body,
    },
    reply: { status, headers: json, body: JSON.stringify({ message }) },
  };
}

const COHORTS = '/partners/heap/cohorts';
const accepted = (members: number) =>
  ({ kind: 'accepted', proof: { kind: 'batch_counts', eventId: `members=${members}` }, http: 201 }) as const;
const refused = { kind: 'rejected', code: 'HTTP_400', reason: 'user_ids is not valid', http: 400 } as const;

export const examples: readonly MembershipExchange[] = [
  {
    title: 'the first sync makes the cohort, then adds its members',
    settings,
    segment,
    changes: { add: ['007', '008'], remove: [] },
    calls: [
      call(COHORTS, { ...keys, name: 'Lapsed members', created_at: '2026-11-21T00:00:00.000Z' }),
      call(`${COHORTS}/users`, { ...keys, cohort_changes: [{ user_ids: ['007', '008'] }] }),
    ],
    prepared: { targetId: 'lapsed' },
    answers: { add: [accepted(2), accepted(2)], remove: [] },
  },
  {
    title: 'later ones send differences only, adds and removes in one call',
    settings: { ...settings, identifyBy: 'alias', aliasLabel: 'crm' },
    segment: synced,
    changes: { add: ['a-9'], remove: ['a-7'] },
    calls: [
      call(`${COHORTS}/users`, {
        ...keys,
        cohort_changes: [
          { aliases: [{ alias_name: 'a-9', alias_label: 'crm' }] },
          { aliases: [{ alias_name: 'a-7', alias_label: 'crm' }], should_remove: true },
        ],
      }),
    ],
    prepared: { targetId: 'lapsed' },
    answers: { add: [accepted(2)], remove: [accepted(2)] },
  },
  {
    title: 'a call that is refused whole is made again in halves, until that member stands alone',
    settings,
    segment: synced,
    changes: { add: ['007', 'bad'], remove: [] },
    calls: [
      call(
        `${COHORTS}/users`,
        { ...keys, cohort_changes: [{ user_ids: ['007', 'bad'] }] },
        400,
        'user_ids is not valid',
      ),
      call(`${COHORTS}/users`, { ...keys, cohort_changes: [{ user_ids: ['007'] }] }),
      call(`${COHORTS}/users`, { ...keys, cohort_changes: [{ user_ids: ['bad'] }] }, 400, 'user_ids is not valid'),
    ],
    prepared: { targetId: 'lapsed' },
    answers: { add: [accepted(1), refused], remove: [] },
  },
  {
    title: 'a locked cohort is waited for, and left for later where that lasts',
    settings,
    segment: synced,
    changes: { add: ['007'], remove: [] },
    calls: [call(`${COHORTS}/users`, { ...keys, cohort_changes: [{ user_ids: ['007'] }] }, 423, 'Locked')],
    prepared: { targetId: 'lapsed' },
    answers: {
      add: [
        {
          kind: 'retryable',
          code: 'THROTTLED',
          reason: 'Braze answered 423: it is at another change of the cohort',
          http: 423,
        },
      ],
      remove: [],
    },
  },
];
