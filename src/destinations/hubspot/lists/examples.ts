import type { MembershipExchange } from '../../membership.ts';

const settings = { account: 'acme', token: 'example-token', requestsPer10Seconds: 10_000, patience: '0s' };
const segment = { id: 'lapsed', name: 'Lapsed members', since: Date.UTC(2026, 10, 21) };
const json = { 'content-type': 'application/json' };

function call(
  method: string,
  path: string,
  body: unknown,
  status: number,
  reply: unknown,
): MembershipExchange['calls'][number] {
  const headers = { Authorization: 'Bearer example-token', 'Content-Type': 'application/json' };
  return {
    request: { method, url: `https://api.hubapi.com${path}`, headers, body },
    reply: { status, headers: json, body: JSON.stringify(reply) },
  };
}

const LOOK_UP = '/crm/v3/objects/contacts/batch/read';
const asked = (...emails: string[]): object => ({
  properties: ['email', 'hs_additional_emails'],
  idProperty: 'email',
  inputs: emails.map((id) => ({ id })),
});
const contact = (id: string, email: string): object => ({ id, properties: { email } });
const accepted = (eventId: string) => ({ kind: 'accepted', proof: { kind: 'person_id', eventId }, http: 200 }) as const;

export const examples: readonly MembershipExchange[] = [
  {
    title: 'the first sync makes a static list of the name; members go by their record ids',
    settings,
    segment,
    changes: { add: ['ann.lee@example.com', 'nobody@example.com'], remove: [] },
    calls: [
      call('GET', '/crm/v3/lists/object-type-id/0-1/name/Lapsed%20members', undefined, 404, {
        ...{ status: 'error', category: 'OBJECT_NOT_FOUND', message: 'List does not exist.' },
      }),
      call('POST', '/crm/v3/lists', { name: 'Lapsed members', objectTypeId: '0-1', processingType: 'MANUAL' }, 200, {
        list: { listId: '42', name: 'Lapsed members', processingType: 'MANUAL' },
      }),
      call('GET', '/crm/v3/lists/42/memberships?limit=250', undefined, 200, { total: 0, results: [] }),
      call('POST', LOOK_UP, asked('ann.lee@example.com', 'nobody@example.com'), 207, {
        status: 'COMPLETE',
        results: [contact('101', 'ann.lee@example.com')],
        numErrors: 1,
        errors: [
          {
            ...{ status: 'error', category: 'OBJECT_NOT_FOUND', message: 'Could not get some CONTACT objects' },
            context: { ids: ['nobody@example.com'] },
          },
        ],
      }),
      call(
        'PUT',
        '/crm/v3/lists/42/memberships/add-and-remove',
        { recordIdsToAdd: ['101'], recordIdsToRemove: [] },
        200,
        {
          ...{ recordIdsAdded: ['101'], recordIdsRemoved: [], recordIdsMissing: [] },
        },
      ),
    ],
    prepared: { targetId: '42', members: 0 },
    answers: {
      add: [
        accepted('101'),
        {
          kind: 'rejected',
          code: 'MEMBER_UNKNOWN',
          reason: 'HubSpot knows no such contact, and none is made for a segment',
        },
      ],
      remove: [],
    },
  },
  {
    title: 'a new name of the segment becomes that of the list; adds and removes share a call',
    settings,
    segment: { ...segment, name: 'Lapsed', earlier: { targetId: '42', name: 'Lapsed members' } },
    changes: { add: ['ann.lee@example.com'], remove: ['bob.ray@example.com'] },
    calls: [
      call('GET', '/crm/v3/lists/42', undefined, 200, {
        list: { listId: '42', name: 'Lapsed members', processingType: 'MANUAL' },
      }),
      call('PUT', '/crm/v3/lists/42/update-list-name?listName=Lapsed', {}, 200, { updatedList: { listId: '42' } }),
      call('POST', LOOK_UP, asked('ann.lee@example.com', 'bob.ray@example.com'), 200, {
        status: 'COMPLETE',
        results: [contact('101', 'ann.lee@example.com'), contact('102', 'bob.ray@example.com')],
      }),
      call(
        'PUT',
        '/crm/v3/lists/42/memberships/add-and-remove',
        { recordIdsToAdd: ['101'], recordIdsToRemove: ['102'] },
        200,
        {
          ...{ recordIdsAdded: ['101'], recordIdsRemoved: ['102'], recordIdsMissing: [] },
        },
      ),
    ],
    prepared: { targetId: '42' },
    answers: { add: [accepted('101')], remove: [accepted('102')] },
  },
];
