import type { MembershipExchange } from '../../membership.ts';

const settings = {
  ...{ account: 'acme', token: 'example-token', requestsPerMinute: 1_000_000, patience: '0s', poll: '10ms' },
  audienceId: '7465310',
};
const segment = { id: 'lapsed', name: 'Lapsed members', since: Date.UTC(2026, 10, 21) };
const json = { 'content-type': 'application/json' };

function call(
  method: string,
  path: string,
  body: unknown,
  reply: unknown,
  status = 200,
): MembershipExchange['calls'][number] {
  return {
    request: { method, url: `https://api.extole.io${path}`, headers: { Authorization: 'Bearer example-token' }, body },
    reply: { status, headers: json, body: JSON.stringify(reply) },
  };
}

const AUDIENCE = '/v1/audiences/7465310';
const stats = (active_members_count: number) => call('GET', `${AUDIENCE}/stats`, undefined, { active_members_count });
const membership = { audience_id: '7465310', audience_name: 'Lapsed members' };
const find = (email: string, id: string) =>
  call('GET', `/v5/persons?${new URLSearchParams({ identity_key_value: email })}`, undefined, [{ id }]);
const accepted = (personId: string) =>
  ({ kind: 'accepted', proof: { kind: 'person_id', eventId: '7465310', personId }, http: 200 }) as const;

/** Drawn by chance, which stands still where the example is run. */
const BOUNDARY = '--referry-1dvxwqtyww-1dvxwqtyww';
/** Named by what is in it. */
const FILE = 'audience_7465310_add_c7cf5bd39c3e1affa2361288.csv';

export const examples: readonly MembershipExchange[] = [
  {
    title: 'few changes go person by person; whoever is no member any more is none',
    settings,
    segment,
    changes: { add: ['ann.lee@example.com'], remove: ['bob.ray@example.com'] },
    calls: [
      stats(2),
      find('ann.lee@example.com', '7465301'),
      call('POST', '/v5/persons/7465301/memberships', { audience_id: '7465310' }, membership),
      find('bob.ray@example.com', '7465302'),
      call(
        'DELETE',
        '/v5/persons/7465302/memberships/7465310',
        undefined,
        { unique_id: '1', http_status_code: 400, code: 'membership_not_found', message: 'Membership was not found' },
        400,
      ),
    ],
    prepared: { targetId: '7465310', members: 2 },
    answers: { add: [accepted('7465301')], remove: [accepted('7465302')] },
  },
  {
    title: 'many go as a file, which an operation of the audience reads',
    settings: { ...settings, personsUpTo: 0 },
    segment,
    changes: { add: ['ann.lee@example.com', 'bob.ray@example.com'], remove: [] },
    calls: [
      stats(0),
      call(
        'POST',
        '/v6/files',
        [
          BOUNDARY,
          'Content-Disposition: form-data; name="fileAssetMetadata"',
          'Content-Type: application/json',
          '',
          JSON.stringify({ name: FILE, tags: [FILE], format: 'CSV' }),
          BOUNDARY,
          `Content-Disposition: form-data; name="fileInputStreamRequest"; filename="${FILE}"`,
          'Content-Type: text/csv',
          '',
          'email\nann.lee@example.com\nbob.ray@example.com\n',
          `${BOUNDARY}--`,
          '',
        ].join('\r\n'),
        { id: '74653001' },
      ),
      call(
        'POST',
        `${AUDIENCE}/operations`,
        { type: 'ADD', data_source: { type: 'FILE_ASSET', file_asset_id: '74653001' } },
        { id: '74654001', type: 'ADD' },
      ),
      call('GET', `${AUDIENCE}/operations/74654001/state`, undefined, {
        type: 'ADD',
        state: 'BUILDING',
        input_rows_count: 2,
      }),
      call('GET', `${AUDIENCE}/operations/74654001/state`, undefined, {
        ...{ type: 'ADD', state: 'READY', input_rows_count: 2 },
        result: { member_count: 2, anonymous_count: 0, non_processed_count: 0 },
      }),
    ],
    prepared: { targetId: '7465310', members: 0 },
    answers: {
      add: [
        { kind: 'accepted', proof: { kind: 'batch_counts', eventId: '74654001' }, http: 200 },
        { kind: 'accepted', proof: { kind: 'batch_counts', eventId: '74654001' }, http: 200 },
      ],
      remove: [],
    },
  },
];
