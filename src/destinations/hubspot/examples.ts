import type { ProfileExchange } from '../profile.ts';

const settings = {
  account: 'acme',
  token: 'example-token',
  requestsPer10Seconds: 10_000,
  backoff: { first: '1ms', cap: '1ms' },
};

const API = 'https://api.hubapi.com/crm/v3/objects/contacts/batch';
const headers = { Authorization: 'Bearer example-token', 'Content-Type': 'application/json' };
const json = { 'content-type': 'application/json;charset=utf-8' };

const ann = { email: 'ann.lee@example.com', fields: { share_link: 'https://share.example.com/annlee' } };
const bob = { email: 'bob@example.com', fields: { share_link: 'https://share.example.com/bob' } };

type Call = ProfileExchange['calls'][number];

function call(name: string, body: unknown, status: number, reply: unknown, more: Record<string, string> = {}): Call {
  return {
    request: { method: 'POST', url: `${API}/${name}`, headers, body },
    reply: { status, headers: { ...json, ...more }, body: JSON.stringify(reply) },
  };
}

function lookUp(...emails: string[]): object {
  const inputs = emails.map((id) => ({ id }));
  return { properties: ['email', 'hs_additional_emails'], idProperty: 'email', inputs };
}

function contact(id: string, email: string, traceId?: string): object {
  const trace = traceId === undefined ? {} : { objectWriteTraceId: traceId };
  return { id, properties: { email, hs_additional_emails: null, hs_object_id: id }, archived: false, ...trace };
}

function complete(results: object[], errors: object[] = []): object {
  const failed = errors.length === 0 ? {} : { numErrors: errors.length, errors };
  return { status: 'COMPLETE', results, ...failed, startedAt: AT, completedAt: AT };
}

const AT = '2026-11-20T14:03:00.000Z';

function absent(...ids: string[]): object {
  const message = 'Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.';
  return { status: 'error', category: 'OBJECT_NOT_FOUND', message, context: { ids } };
}

function error(category: string, message: string, more: object = {}): object {
  return { status: 'error', message, correlationId: '00000000-0000-4000-8000-000000000001', category, ...more };
}

/** HubSpot's message on a value, which has JSON inside. */
function invalid(name: string, code: string, message: string): string {
  return `Property values were not valid: ${JSON.stringify([{ isValid: false, message, error: code, name }])}`;
}

const updateAnn = {
  inputs: [{ id: '512', properties: ann.fields, objectWriteTraceId: 'row-1' }],
};
const createBob = {
  inputs: [{ properties: { ...bob.fields, email: bob.email }, objectWriteTraceId: 'row-2' }],
};
const annIsKnown = call('read', lookUp(ann.email), 200, complete([contact('512', ann.email)]));
const annAccepted = {
  kind: 'accepted',
  proof: { kind: 'person_id', eventId: '512', personId: '512' },
  http: 200,
} as const;

const DAILY_REASON =
  "the account's daily limit of calls to HubSpot is used up; it counts anew at midnight (America/New_York), and nothing is sent before";

export const examples: readonly ProfileExchange[] = [
  {
    title: 'a known contact is brought up to date, a missing one made',
    settings,
    batch: [ann, bob],
    calls: [
      call('read', lookUp(ann.email, bob.email), 207, complete([contact('512', ann.email)], [absent(bob.email)])),
      call('update', updateAnn, 200, complete([contact('512', ann.email, 'row-1')])),
      call('create', createBob, 201, complete([contact('513', bob.email, 'row-2')])),
    ],
    answers: [
      annAccepted,
      { kind: 'accepted', proof: { kind: 'person_id', eventId: '513', personId: '513' }, http: 201 },
    ],
  },
  {
    title: 'one profile is refused, the other contact made',
    settings,
    batch: [{ ...ann, email: 'ann.lee@example' }, bob],
    calls: [
      call('read', lookUp('ann.lee@example', bob.email), 207, complete([], [absent('ann.lee@example', bob.email)])),
      call(
        'create',
        {
          inputs: [
            { properties: { ...ann.fields, email: 'ann.lee@example' }, objectWriteTraceId: 'row-1' },
            ...createBob.inputs,
          ],
        },
        207,
        complete(
          [contact('513', bob.email, 'row-2')],
          [
            error('VALIDATION_ERROR', invalid('email', 'INVALID_EMAIL', 'Email address ann.lee@example is invalid'), {
              context: { objectWriteTraceId: ['row-1'] },
            }),
          ],
        ),
      ),
    ],
    answers: [
      { kind: 'rejected', code: 'INVALID_EMAIL', reason: 'Email address (not shown) is invalid', http: 207 },
      { kind: 'accepted', proof: { kind: 'person_id', eventId: '513', personId: '513' }, http: 207 },
    ],
  },
  {
    title: 'the limit of ten seconds is waited for',
    settings,
    batch: [ann],
    calls: [
      call(
        'read',
        lookUp(ann.email),
        429,
        {
          ...error('RATE_LIMITS', 'You have reached your ten_secondly_rolling limit.'),
          policyName: 'TEN_SECONDLY_ROLLING',
        },
        { 'x-hubspot-ratelimit-interval-milliseconds': '50', 'x-hubspot-ratelimit-remaining': '0' },
      ),
      annIsKnown,
      call('update', updateAnn, 200, complete([contact('512', ann.email, 'row-1')])),
    ],
    answers: [annAccepted],
  },
  {
    title: 'the daily limit stops everything until midnight',
    settings: { ...settings, timezone: 'America/New_York' },
    batch: [ann, bob],
    calls: [
      call('read', lookUp(ann.email, bob.email), 429, {
        status: 'error',
        message: 'You have reached your daily limit.',
        errorType: 'RATE_LIMIT',
        policyName: 'DAILY',
      }),
    ],
    answers: [
      { kind: 'halted', code: 'DAILY_LIMIT', reason: DAILY_REASON, http: 429 },
      { kind: 'halted', code: 'DAILY_LIMIT', reason: DAILY_REASON, http: 429 },
    ],
  },
  {
    title: 'a refused token stops the destination, not the profile',
    settings,
    batch: [ann],
    calls: [
      call('read', lookUp(ann.email), 401, error('INVALID_AUTHENTICATION', 'Authentication credentials not found.')),
    ],
    answers: [
      {
        kind: 'halted',
        code: 'UNAUTHORIZED',
        reason:
          'HubSpot answered 401 (INVALID_AUTHENTICATION: Authentication credentials not found.): the token is not accepted; check the token setting',
        http: 401,
      },
    ],
  },
  {
    title: 'a contact that was deleted meanwhile is looked for again later, the other one is written',
    settings,
    batch: [ann, bob],
    calls: [
      call('read', lookUp(ann.email, bob.email), 200, complete([contact('513', bob.email), contact('512', ann.email)])),
      call(
        'update',
        { inputs: [...updateAnn.inputs, { id: '513', properties: bob.fields, objectWriteTraceId: 'row-2' }] },
        207,
        complete([contact('512', ann.email, 'row-1')], [absent('513')]),
      ),
    ],
    answers: [
      { ...annAccepted, http: 207 },
      {
        kind: 'retryable',
        code: 'CONTACT_GONE',
        reason: 'the contact was deleted or merged meanwhile; the next try looks for it anew',
        http: 207,
      },
    ],
  },
  {
    title: 'a contact that somebody else made meanwhile is taken, and brought up to date',
    settings,
    batch: [ann],
    calls: [
      call('read', lookUp(ann.email), 207, complete([], [absent(ann.email)])),
      call(
        'create',
        { inputs: [{ properties: { ...ann.fields, email: ann.email }, objectWriteTraceId: 'row-1' }] },
        409,
        error('CONFLICT', 'Contact already exists. Existing ID: 512'),
      ),
      call(
        'read',
        { properties: ['email', 'hs_additional_emails'], inputs: [{ id: '512' }] },
        200,
        complete([contact('512', ann.email)]),
      ),
      call('update', updateAnn, 200, complete([contact('512', ann.email, 'row-1')])),
    ],
    answers: [annAccepted],
  },
  {
    title: 'a property that HubSpot does not have is told of at once',
    settings,
    batch: [ann],
    calls: [
      annIsKnown,
      call(
        'update',
        updateAnn,
        400,
        error(
          'VALIDATION_ERROR',
          invalid('share_link', 'PROPERTY_DOESNT_EXIST', 'Property "share_link" does not exist'),
        ),
      ),
    ],
    answers: [
      {
        kind: 'halted',
        code: 'PROPERTY_UNUSABLE',
        reason:
          'Property "share_link" does not exist: make the property in HubSpot, or check its spelling and that it can be written',
        http: 400,
      },
    ],
  },
];
