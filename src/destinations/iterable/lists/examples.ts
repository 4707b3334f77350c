import type { MembershipExchange } from '../../membership.ts';

const settings = {
  account: 'acme',
  apiKey: 'example-key',
  requestsPerSecond: 1000,
  readsPerMinute: 10_000,
  patience: '0s',
};
const segment = { id: 'lapsed', name: 'Lapsed members', since: Date.UTC(2026, 10, 21) };

function call(method: string, path: string, body: unknown, reply: unknown): MembershipExchange['calls'][number] {
  return {
    request: { method, url: `https://api.iterable.com${path}`, headers: { 'Api-Key': 'example-key' }, body },
    reply: {
      status: 200,
      headers: { 'content-type': typeof reply === 'string' ? 'text/plain' : 'application/json' },
      body: typeof reply === 'string' ? reply : JSON.stringify(reply),
    },
  };
}

const accepted = (good: number) =>
  ({ kind: 'accepted', proof: { kind: 'batch_counts', eventId: `successCount=${good}` }, http: 200 }) as const;

export const examples: readonly MembershipExchange[] = [
  {
    title: 'the first sync makes a list of the name; people whom the project does not know are not made',
    settings,
    segment,
    changes: { add: ['ann.lee@example.com', 'nobody@example.com'], remove: [] },
    calls: [
      call('GET', '/api/lists', undefined, { lists: [{ id: 7, name: 'Others', listType: 'Standard' }] }),
      call('POST', '/api/lists', { name: 'Lapsed members' }, { listId: 8 }),
      call(
        'POST',
        '/api/lists/subscribe',
        {
          listId: 8,
          subscribers: [{ email: 'ann.lee@example.com' }, { email: 'nobody@example.com' }],
          updateExistingUsersOnly: true,
        },
        { successCount: 1, failCount: 1, failedUpdates: { notFoundEmails: ['nobody@example.com'] } },
      ),
    ],
    prepared: { targetId: '8', members: 0 },
    answers: {
      add: [
        accepted(1),
        {
          kind: 'rejected',
          code: 'notFoundEmails',
          reason: 'the project has no user with this e-mail address',
          http: 200,
        },
      ],
      remove: [],
    },
  },
  {
    title: 'adds before removes, each in calls of their own',
    settings: { ...settings, identifyBy: 'userId' },
    segment: { ...segment, earlier: { targetId: '8', name: 'Lapsed members' } },
    changes: { add: ['007'], remove: ['008'] },
    calls: [
      call('GET', '/api/lists', undefined, { lists: [{ id: 8, name: 'Lapsed members', listType: 'Standard' }] }),
      call(
        'POST',
        '/api/lists/subscribe',
        { listId: 8, subscribers: [{ userId: '007' }], updateExistingUsersOnly: true },
        { successCount: 1, failCount: 0 },
      ),
      call(
        'POST',
        '/api/lists/unsubscribe',
        { listId: 8, subscribers: [{ userId: '008' }] },
        { successCount: 1, failCount: 0 },
      ),
    ],
    prepared: { targetId: '8' },
    answers: { add: [accepted(1)], remove: [accepted(1)] },
  },
];
