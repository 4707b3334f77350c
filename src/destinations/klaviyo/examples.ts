import type { ProfileExchange } from '../profile.ts';

const settings = {
  account: 'acme',
  apiKey: 'pk_example',
  requestsPerMinute: 600_000,
  requestsPerSecond: 10_000,
  poll: '1ms',
};

const ann = {
  email: 'ann.lee@example.com',
  userId: '007',
  fields: { first_name: 'Ann', share_link: 'https://share.example.com/ann' },
};
const bob = { email: 'bob.ray@example.com', fields: { share_link: 'https://share.example.com/bob' } };

const annSent = {
  type: 'profile',
  attributes: {
    email: 'ann.lee@example.com',
    external_id: '007',
    first_name: 'Ann',
    properties: { share_link: 'https://share.example.com/ann' },
  },
};
const bobSent = {
  type: 'profile',
  attributes: { email: 'bob.ray@example.com', properties: { share_link: 'https://share.example.com/bob' } },
};

const json = { 'content-type': 'application/vnd.api+json' };
const jobs = 'https://a.klaviyo.com/api/profile-bulk-import-jobs';
const job = '01GDDKASAP8TKDDA2GRZDSVP4H';
const headers = { Authorization: 'Klaviyo-API-Key pk_example', revision: '2026-07-15' };

type Call = ProfileExchange['calls'][number];

function create(profiles: readonly object[], reply: Call['reply'], relationships: object = {}): Call {
  const body = {
    data: { type: 'profile-bulk-import-job', attributes: { profiles: { data: profiles } }, ...relationships },
  };
  const withType = { ...headers, 'Content-Type': 'application/vnd.api+json' };
  return { request: { method: 'POST', url: jobs, headers: withType, body }, reply };
}

function look(path: string, body: unknown): Call {
  return {
    request: { method: 'GET', url: `${jobs}/${job}${path}`, headers, body: undefined },
    reply: { status: 200, headers: json, body: JSON.stringify(body) },
  };
}

function state(status: string, total: number, failed: number): Call {
  const attributes = { status, total_count: total, completed_count: total - failed, failed_count: failed };
  return look('', { data: { type: 'profile-bulk-import-job', id: job, attributes } });
}

const created = {
  status: 202,
  headers: { ...json, 'ratelimit-remaining': '149', 'ratelimit-reset': '60' },
  body: JSON.stringify({ data: { type: 'profile-bulk-import-job', id: job, attributes: { status: 'queued' } } }),
};

function refusal(status: number, code: string, detail: string, source: object = {}): Call['reply'] {
  const errors = [{ id: '1', status, code, title: 'Invalid input.', detail, source }];
  return { status, headers: json, body: JSON.stringify({ errors }) };
}

const accepted: ProfileExchange['answers'][number] = {
  kind: 'accepted',
  proof: { kind: 'batch_counts', eventId: job },
  http: 200,
};

export const examples: readonly ProfileExchange[] = [
  {
    title: 'profiles are upserted by an import job, custom properties under exactly their names',
    settings,
    batch: [ann, bob],
    calls: [create([annSent, bobSent], created), state('processing', 2, 0), state('complete', 2, 0)],
    answers: [accepted, accepted],
  },
  {
    title: 'profiles are added to a list',
    settings: { ...settings, listId: 'Y6nRLr', identifiers: 'email' },
    batch: [bob],
    calls: [
      create([bobSent], created, { relationships: { lists: { data: [{ type: 'list', id: 'Y6nRLr' }] } } }),
      state('complete', 1, 0),
    ],
    answers: [accepted],
  },
  {
    title: 'one profile of two is refused when the job is worked off; the pointer says which',
    settings,
    batch: [ann, bob],
    calls: [
      create([annSent, bobSent], created),
      state('complete', 2, 1),
      look('/import-errors?page%5Bsize%5D=100', {
        data: [
          {
            type: 'import-error',
            id: '1',
            attributes: {
              code: 'invalid',
              title: 'Invalid input.',
              detail: 'Invalid email address: bob.ray@example.com',
              source: { pointer: '/data/attributes/profiles/data/1/attributes/email' },
              original_payload: { email: 'bob.ray@example.com' },
            },
          },
        ],
        links: { self: jobs, next: null },
      }),
    ],
    answers: [accepted, { kind: 'rejected', code: 'invalid', reason: 'Invalid email address: (not shown)', http: 200 }],
  },
  {
    title: 'a job refused because of one profile is made again without it',
    settings,
    batch: [ann, bob],
    calls: [
      create(
        [annSent, bobSent],
        refusal(400, 'invalid', "'title' must be a string.", {
          pointer: '/data/attributes/profiles/data/1/attributes/title',
        }),
      ),
      create([annSent], created),
      create(
        [bobSent],
        refusal(400, 'invalid', "'title' must be a string.", {
          pointer: '/data/attributes/profiles/data/0/attributes/title',
        }),
      ),
      state('complete', 1, 0),
    ],
    answers: [
      accepted,
      {
        kind: 'rejected',
        code: 'invalid',
        reason: "'title' must be a string. (/attributes/title)",
        http: 400,
      },
    ],
  },
  {
    title: 'too many calls: it waits as long as it is told, here longer than patience, so the profiles are for later',
    settings: { ...settings, apiKey: 'pk_example_throttled', patience: '5s' },
    batch: [bob],
    calls: [
      {
        ...create([bobSent], {
          ...refusal(429, 'throttled', 'Request was throttled.'),
          headers: { ...json, 'retry-after': '60' },
        }),
        request: {
          ...create([bobSent], created).request,
          headers: { ...headers, Authorization: 'Klaviyo-API-Key pk_example_throttled' },
        },
      },
    ],
    answers: [
      {
        kind: 'retryable',
        code: 'THROTTLED',
        reason: 'Klaviyo answered 429: too many calls for now',
        afterMs: 60_000,
        http: 429,
      },
    ],
  },
  {
    title: 'a key that is not accepted stops the destination',
    settings,
    batch: [bob],
    calls: [create([bobSent], refusal(401, 'authentication_failed', 'Incorrect authentication credentials.'))],
    answers: [
      {
        kind: 'halted',
        code: 'UNAUTHORIZED',
        reason:
          'Klaviyo answered 401 (authentication_failed: Incorrect authentication credentials.): the key is not accepted; check apiKey, which is a private key (pk_...)',
        http: 401,
      },
    ],
  },
];
