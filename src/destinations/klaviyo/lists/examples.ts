import type { MembershipExchange } from '../../membership.ts';

const settings = {
  ...{ account: 'acme', apiKey: 'pk_example', patience: '0s' },
  ...{ requestsPerSecond: 10_000, requestsPerMinute: 600_000, lookUpsPerMinute: 100_000, countsPerMinute: 100_000 },
};
const segment = { id: 'lapsed', name: 'Lapsed members', since: Date.UTC(2026, 10, 21) };
const jsonApi = { 'content-type': 'application/vnd.api+json' };

function call(
  method: string,
  path: string,
  body: unknown,
  status: number,
  reply?: unknown,
): MembershipExchange['calls'][number] {
  const headers = {
    Authorization: 'Klaviyo-API-Key pk_example',
    revision: '2026-07-15',
    Accept: jsonApi['content-type'],
  };
  return {
    request: { method, url: `https://a.klaviyo.com${path}`, headers, body },
    reply: { status, headers: jsonApi, body: reply === undefined ? '' : JSON.stringify(reply) },
  };
}

const query = (fields: Record<string, string>): string => String(new URLSearchParams(fields));
const lookUp = (...emails: string[]): string =>
  `/api/profiles?${query({ filter: `any(email,${JSON.stringify(emails)})`, 'fields[profile]': 'email', 'page[size]': '100' })}`;
const profile = (id: string, email: string): object => ({ type: 'profile', id, attributes: { email } });
const PROFILES = '/api/lists/XyZ123/relationships/profiles';
const accepted = { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'members=1' }, http: 204 } as const;

export const examples: readonly MembershipExchange[] = [
  {
    title: 'the first sync makes a list of the name; members go by ids of Klaviyo',
    settings,
    segment,
    changes: { add: ['ann.lee@example.com', 'nobody@example.com'], remove: [] },
    calls: [
      call('GET', `/api/lists?${query({ filter: 'equals(name,"Lapsed members")' })}`, undefined, 200, { data: [] }),
      call('POST', '/api/lists', { data: { type: 'list', attributes: { name: 'Lapsed members' } } }, 201, {
        data: { type: 'list', id: 'XyZ123', attributes: { name: 'Lapsed members' } },
      }),
      call('GET', `/api/lists/XyZ123?${query({ 'additional-fields[list]': 'profile_count' })}`, undefined, 200, {
        data: { type: 'list', id: 'XyZ123', attributes: { name: 'Lapsed members', profile_count: 0 } },
      }),
      call('GET', lookUp('ann.lee@example.com', 'nobody@example.com'), undefined, 200, {
        data: [profile('01ANN', 'ann.lee@example.com')],
      }),
      call('POST', PROFILES, { data: [{ type: 'profile', id: '01ANN' }] }, 204),
    ],
    prepared: { targetId: 'XyZ123', members: 0 },
    answers: {
      add: [
        accepted,
        {
          kind: 'rejected',
          code: 'MEMBER_UNKNOWN',
          reason: 'Klaviyo knows no such profile, and createProfiles is false',
        },
      ],
      remove: [],
    },
  },
  {
    title: 'whoever leaves is taken off the list, and stays in Klaviyo',
    settings,
    segment: { ...segment, earlier: { targetId: 'XyZ123', name: 'Lapsed members' } },
    changes: { add: [], remove: ['ann.lee@example.com'] },
    calls: [
      call('GET', `/api/lists/XyZ123?${query({ 'additional-fields[list]': 'profile_count' })}`, undefined, 200, {
        data: { type: 'list', id: 'XyZ123', attributes: { name: 'Lapsed members', profile_count: 1 } },
      }),
      call('GET', lookUp('ann.lee@example.com'), undefined, 200, { data: [profile('01ANN', 'ann.lee@example.com')] }),
      call('DELETE', PROFILES, { data: [{ type: 'profile', id: '01ANN' }] }, 204),
    ],
    prepared: { targetId: 'XyZ123', members: 1 },
    answers: { add: [], remove: [accepted] },
  },
];
