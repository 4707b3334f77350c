import type { ProfileExchange } from '../profile.ts';

const settings = {
  account: 'acme',
  subdomain: 'mc563885gzs27c5t9',
  clientId: 'example-client',
  clientSecret: 'example-secret',
  restUrl: 'https://mc563885gzs27c5t9.rest.marketingcloudapis.com',
  dataExtension: { key: 'Extole_Share_Links' },
  requestsPerMinute: 1_000_000,
  poll: '1ms',
};

const ann = { email: 'ann.lee@example.com', fields: { extole_share_link: 'https://share.example.com/ann' } };
const bob = { email: 'bob.ray@example.com', fields: { extole_share_link: 'https://share.example.com/bob' } };
const annRow = { extole_share_link: 'https://share.example.com/ann', EmailAddress: 'ann.lee@example.com' };
const bobRow = { extole_share_link: 'https://share.example.com/bob', EmailAddress: 'bob.ray@example.com' };

const json = { 'content-type': 'application/json' };
const rest = 'https://mc563885gzs27c5t9.rest.marketingcloudapis.com/data/v1/async';
const requestId = 'ed0ec06e-dd78-4f30-80b6-07bfc77db289';
const bearer = { Authorization: 'Bearer example-token' };

type Call = ProfileExchange['calls'][number];

const token: Call = {
  request: {
    method: 'POST',
    url: 'https://mc563885gzs27c5t9.auth.marketingcloudapis.com/v2/token',
    headers: { 'Content-Type': 'application/json' },
    body: { grant_type: 'client_credentials', client_id: 'example-client', client_secret: 'example-secret' },
  },
  reply: {
    status: 200,
    headers: json,
    body: '{"access_token":"example-token","token_type":"Bearer","expires_in":1079,"rest_instance_url":"https://mc563885gzs27c5t9.rest.marketingcloudapis.com/"}',
  },
};

function upsert(items: readonly object[], reply: Call['reply']): Call {
  const headers = { ...bearer, 'Content-Type': 'application/json' };
  const url = `${rest}/dataextensions/key:Extole_Share_Links/rows`;
  return { request: { method: 'PUT', url, headers, body: { items } }, reply };
}

function look(path: string, body: unknown): Call {
  const url = `${rest}/${requestId}/${path}`;
  return {
    request: { method: 'GET', url, headers: bearer, body: undefined },
    reply: { status: 200, headers: json, body: JSON.stringify(body) },
  };
}

const taken = { status: 202, headers: json, body: JSON.stringify({ requestId, resultMessages: [] }) };
const waiting = look('status', { requestId, resultMessages: [] });
const allWell = look('status', {
  status: { requestStatus: 'Complete', resultStatus: 'OK', hasErrors: false, requestId },
});
const withErrors = look('status', {
  status: { requestStatus: 'Complete', resultStatus: 'Has Errors', hasErrors: true, requestId },
});

function results(items: readonly object[]): Call {
  return look('results?page=1&pageSize=1000', { page: 1, pageSize: 1000, count: items.length, items, requestId });
}

function accepted(eventId: string, kind: 'batch_counts' | 'row_result'): ProfileExchange['answers'][number] {
  return { kind: 'accepted', proof: { kind, eventId }, http: 200 };
}

export const examples: readonly ProfileExchange[] = [
  {
    title: 'rows are upserted; the status is missing until the request is picked up',
    settings,
    batch: [ann, bob],
    calls: [token, upsert([annRow, bobRow], taken), waiting, allWell],
    answers: [accepted(requestId, 'batch_counts'), accepted(requestId, 'batch_counts')],
  },
  {
    title: 'one row of two is refused when the request is worked off; results come in the order of the rows',
    settings,
    batch: [ann, bob],
    calls: [
      token,
      upsert([annRow, bobRow], taken),
      withErrors,
      results([
        { status: 'OK', message: 'Updated' },
        { status: 'Error', errorCode: 'UnexpectedError', message: "Cannot insert bob.ray@example.com in column 'X'." },
      ]),
    ],
    answers: [
      accepted(`${requestId}#1`, 'row_result'),
      {
        kind: 'rejected',
        code: 'UnexpectedError',
        reason: "Cannot insert (not shown) in column 'X'.",
        http: 200,
      },
    ],
  },
  {
    title: 'a row that met a deadlock is sent again later',
    settings,
    batch: [ann],
    calls: [
      token,
      upsert([annRow], taken),
      withErrors,
      results([
        {
          status: 'Error',
          errorCode: 'UnexpectedError',
          message: 'Transaction was deadlocked and has been chosen as the deadlock victim. Rerun the transaction.',
        },
      ]),
    ],
    answers: [
      {
        kind: 'retryable',
        code: 'DEADLOCK',
        reason: 'Transaction was deadlocked and has been chosen as the deadlock victim. Rerun the transaction.',
        http: 200,
      },
    ],
  },
  {
    title: 'a share link over 500 characters is not sent',
    settings,
    batch: [{ ...ann, fields: { extole_share_link: `https://share.example.com/${'a'.repeat(475)}` } }],
    calls: [],
    answers: [
      {
        kind: 'rejected',
        code: 'VALUE_TOO_LONG',
        reason: 'extole_share_link has 501 characters; its column takes 500 (setting maxLength)',
      },
    ],
  },
  {
    title: 'too many calls: it waits as long as it is told, here longer than patience, so the rows are for later',
    settings: { ...settings, patience: '5s' },
    batch: [ann],
    calls: [
      token,
      upsert([annRow], {
        status: 429,
        headers: { ...json, 'retry-after': '60' },
        body: '{"message":"API rate limit exceeded.","errorcode":50100,"documentation":""}',
      }),
    ],
    answers: [
      {
        kind: 'retryable',
        code: 'THROTTLED',
        reason: 'Salesforce Marketing Cloud answered 429: too many calls for now',
        afterMs: 60_000,
        http: 429,
      },
    ],
  },
  {
    title: 'a wrong client secret stops the destination',
    settings,
    batch: [ann],
    calls: [
      {
        ...token,
        reply: {
          status: 401,
          headers: json,
          body: '{"error":"invalid_client","error_description":"Client authentication failed."}',
        },
      },
    ],
    answers: [
      {
        kind: 'halted',
        code: 'UNAUTHORIZED',
        reason:
          'Salesforce Marketing Cloud gave no token (401 invalid_client: Client authentication failed.): check subdomain, clientId, clientSecret, accountId and scope',
        http: 401,
      },
    ],
  },
  {
    title: 'a package without the right to write rows stops the destination',
    settings,
    batch: [ann],
    calls: [
      token,
      upsert([annRow], {
        status: 403,
        headers: json,
        body: '{"message":"Insufficient privileges to complete this action.","errorcode":1,"documentation":""}',
      }),
    ],
    answers: [
      {
        kind: 'halted',
        code: 'FORBIDDEN',
        reason:
          'Salesforce Marketing Cloud answered 403 (1: Insufficient privileges to complete this action.): the installed package needs the right Data Extensions: Write; a token keeps the rights it was given with, for up to 20 minutes',
        http: 403,
      },
    ],
  },
];
