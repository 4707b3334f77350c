import type { ProfileExchange } from '../profile.ts';

const settings = { account: 'acme', url: 'https://rest.iad-01.braze.com', apiKey: 'example-key', patience: '0s' };

const ann = { userId: '007', email: 'ann.lee@example.com', fields: { share_link: 'https://share.example.com/ann' } };
const bob = { userId: '008', email: 'bob.ray@example.com', fields: { share_link: 'https://share.example.com/bob' } };

function userOf({ userId, fields }: typeof ann): object {
  return { ...fields, external_id: userId, _update_existing_only: false };
}

function request(...users: object[]): ProfileExchange['calls'][number]['request'] {
  return {
    method: 'POST',
    url: 'https://rest.iad-01.braze.com/users/track',
    headers: { Authorization: 'Bearer example-key', 'Content-Type': 'application/json' },
    body: { attributes: users },
  };
}

const json = { 'content-type': 'application/json' };
const queued = (processed: number, errors?: unknown[]): string =>
  JSON.stringify({ message: 'success', attributes_processed: processed, ...(errors ? { errors } : {}) });

const NAMELESS = "'external_id' or 'braze_id' or 'user_alias' or 'email' or 'phone' is required";

export const examples: readonly ProfileExchange[] = [
  {
    title: 'the attributes of two users are queued',
    settings,
    batch: [ann, bob],
    calls: [{ request: request(userOf(ann), userOf(bob)), reply: { status: 201, headers: json, body: queued(2) } }],
    answers: [
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'attributes_processed=2' }, http: 201 },
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'attributes_processed=2' }, http: 201 },
    ],
  },
  {
    title: 'a yes with an error beside it: that user is rejected, the other is queued',
    settings,
    batch: [ann, bob],
    calls: [
      {
        request: request(userOf(ann), userOf(bob)),
        reply: {
          status: 201,
          headers: json,
          body: queued(1, [{ type: NAMELESS, input_array: 'attributes', index: 1 }]),
        },
      },
    ],
    answers: [
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'attributes_processed=1' }, http: 201 },
      { kind: 'rejected', code: 'ROW_REFUSED', reason: NAMELESS, http: 201 },
    ],
  },
  {
    title: 'an error in free text is made sure of: the user that it seems to name is sent alone',
    settings,
    batch: [ann, bob],
    calls: [
      {
        request: request(userOf(ann), userOf(bob)),
        reply: { status: 201, headers: json, body: queued(1, ['attributes index 0: share_link is not valid']) },
      },
      {
        request: request(userOf(ann)),
        reply: { status: 400, headers: json, body: '{"message":"attributes index 0: share_link is not valid"}' },
      },
    ],
    answers: [
      { kind: 'rejected', code: 'ROW_REFUSED', reason: 'attributes index 0: share_link is not valid', http: 201 },
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'attributes_processed=1' }, http: 201 },
    ],
  },
  {
    title: 'a call that is refused whole is made again in halves, until that user stands alone',
    settings,
    batch: [ann, bob],
    calls: [
      {
        request: request(userOf(ann), userOf(bob)),
        reply: { status: 400, headers: json, body: '{"message":"Invalid value for share_link"}' },
      },
      {
        request: request(userOf(ann)),
        reply: { status: 400, headers: json, body: '{"message":"Invalid value for share_link"}' },
      },
      { request: request(userOf(bob)), reply: { status: 201, headers: json, body: queued(1) } },
    ],
    answers: [
      { kind: 'rejected', code: 'HTTP_400', reason: 'Invalid value for share_link', http: 400 },
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'attributes_processed=1' }, http: 201 },
    ],
  },
  {
    title: 'a person without external_id goes under a user alias',
    settings: { ...settings, withoutExternalId: 'alias', aliasLabel: 'email' },
    batch: [{ email: 'ann.lee@example.com', fields: ann.fields }],
    calls: [
      {
        request: request({
          share_link: 'https://share.example.com/ann',
          user_alias: { alias_name: 'ann.lee@example.com', alias_label: 'email' },
          _update_existing_only: false,
        }),
        reply: { status: 201, headers: json, body: queued(1) },
      },
    ],
    answers: [{ kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'attributes_processed=1' }, http: 201 }],
  },
  {
    title: 'the limit is used up: the call is made again when its window ends',
    settings,
    batch: [ann],
    calls: [
      {
        request: request(userOf(ann)),
        reply: {
          status: 429,
          headers: { ...json, 'x-ratelimit-limit': '3000', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2' },
          body: '{"message":"Rate limit exceeded"}',
        },
      },
    ],
    answers: [
      {
        kind: 'retryable',
        code: 'THROTTLED',
        reason: 'Braze answered 429: too many calls for now',
        afterMs: 2000,
        http: 429,
      },
    ],
  },
  {
    title: 'a refused key stops the destination',
    settings: { ...settings, apiKey: 'example-key-of-another-instance' },
    batch: [ann],
    calls: [
      {
        request: {
          ...request(userOf(ann)),
          headers: { Authorization: 'Bearer example-key-of-another-instance', 'Content-Type': 'application/json' },
        },
        reply: { status: 401, headers: json, body: '{"message":"Invalid API key"}' },
      },
    ],
    answers: [
      {
        kind: 'halted',
        code: 'UNAUTHORIZED',
        reason:
          'Braze answered 401 (Invalid API key): the key is not accepted; check apiKey, and url: a key works at the instance of its workspace only',
        http: 401,
      },
    ],
  },
];
