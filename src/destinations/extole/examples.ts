import type { Exchange } from '../exchange.ts';

const settings = { account: 'acme', token: 'example-token', lane: 'async-events' };

const batch = [
  {
    attemptId: '0199a3b2-7c41-7f0e-9d5a-2f6b8e1c4d70',
    event: {
      line: 2,
      key: 'APP-000173',
      eventName: 'account_opened',
      eventTime: '2026-11-20T14:03:00Z',
      data: { email: 'ann.lee@example.com', partner_user_id: '007', product: 'checking', cart_value: '25.00' },
    },
  },
];

const request = {
  method: 'POST',
  url: 'https://events.extole.io/v6/async-events',
  headers: {
    Authorization: 'Bearer example-token',
    'Content-Type': 'application/json',
    'X-Request-Id': '0199a3b2-7c41-7f0e-9d5a-2f6b8e1c4d70',
  },
  body: {
    event_name: 'account_opened',
    event_time: '2026-11-20T14:03:00Z',
    data: {
      email: 'ann.lee@example.com',
      partner_user_id: '007',
      product: 'checking',
      cart_value: '25.00',
      partner_conversion_id: 'APP-000173',
      container: 'production',
    },
  },
};

const json = { 'content-type': 'application/json' };

/** Extole's error body, as its error guide prints it. */
function error(status: number, code: string, message: string): string {
  return JSON.stringify({ unique_id: '7465313346145957284', http_status_code: status, code, message, parameters: {} });
}

export const examples: readonly Exchange[] = [
  {
    title: 'an event is accepted and queued',
    settings,
    batch,
    request,
    reply: { status: 200, headers: json, body: '{"event_id":"7465313346145957284"}' },
    answers: [{ kind: 'accepted', proof: { kind: 'event_id', eventId: '7465313346145957284' }, http: 200 }],
  },
  {
    title: 'an event is accepted and its person known',
    settings: { ...settings, lane: 'events', requestsPerMinute: 60_000 },
    batch,
    request: { ...request, url: 'https://events.extole.io/v6/events' },
    reply: { status: 200, headers: json, body: '{"event_id":"7465313346145957284","person_id":"6997632984129465812"}' },
    answers: [
      {
        kind: 'accepted',
        proof: { kind: 'person_id', eventId: '7465313346145957284', personId: '6997632984129465812' },
        http: 200,
      },
    ],
  },
  {
    title: 'version 5 names the event "id"',
    settings: { ...settings, lane: 'events', apiVersion: 'v5', requestsPerMinute: 60_000 },
    batch,
    request: { ...request, url: 'https://api.extole.io/v5/events' },
    reply: { status: 200, headers: json, body: '{"id":"7465313346145957284"}' },
    answers: [{ kind: 'accepted', proof: { kind: 'event_id', eventId: '7465313346145957284' }, http: 200 }],
  },
  {
    title: 'an event that the account blocks is rejected',
    settings,
    batch,
    request,
    reply: {
      status: 400,
      headers: json,
      body: error(400, 'event_blocked', 'Blocked due to client specific rules to ignore spurious events'),
    },
    answers: [
      {
        kind: 'rejected',
        code: 'event_blocked',
        reason: 'Blocked due to client specific rules to ignore spurious events',
        http: 400,
        uniqueId: '7465313346145957284',
      },
    ],
  },
  {
    title: 'a full queue is tried again later',
    settings,
    batch,
    request,
    reply: {
      status: 429,
      headers: { ...json, 'retry-after': '2' },
      body: error(429, 'too_many_requests', 'please retry later.'),
    },
    answers: [
      {
        kind: 'retryable',
        code: 'THROTTLED',
        reason: 'Extole answered 429 too_many_requests (please retry later.)',
        afterMs: 2000,
        http: 429,
      },
    ],
  },
  {
    title: 'after a server error nobody knows',
    settings,
    batch,
    request,
    reply: { status: 503, headers: { 'content-type': 'text/plain' }, body: 'unavailable' },
    answers: [
      {
        kind: 'unknown',
        code: 'SERVER_ERROR',
        reason: 'Extole answered 503; the event may have been accepted',
        http: 503,
      },
    ],
  },
  {
    title: 'a refused token stops the destination, not the row',
    settings,
    batch,
    request,
    reply: {
      status: 401,
      headers: json,
      body: error(401, 'method_unauthorized', 'Unauthorized access to this endpoint'),
    },
    answers: [
      {
        kind: 'halted',
        code: 'UNAUTHORIZED',
        reason:
          'Extole answered 401 method_unauthorized (Unauthorized access to this endpoint): the token is not accepted; check the token setting',
        http: 401,
      },
    ],
  },
  {
    title: 'a 204 comes from the wrong host',
    settings,
    batch,
    request,
    reply: { status: 204, headers: {}, body: '' },
    answers: [
      {
        kind: 'halted',
        code: 'MISROUTED',
        reason: 'the answer was 204; this is not the events API: check apiUrl, eventsUrl and paths',
        http: 204,
      },
    ],
  },
];
