import type { LinkAnswer, LinkPerson } from './answers.ts';

/** A worked link: a test runs each against our own code, so that the examples stay true. */
export interface LinkExchange {
  title: string;
  settings: unknown;
  person: LinkPerson;
  /** In order. Header names as they are sent; replies have theirs in lower case. */
  calls: {
    request: { method: string; url: string; headers: Record<string, string>; body: unknown };
    reply: { status: number; headers: Record<string, string>; body: string };
  }[];
  answer: LinkAnswer;
}

type Call = LinkExchange['calls'][number];

const API = 'https://api.extole.io';
const ID = '6997632984129465812';
const OTHER_ID = '6997632984129465999';

const settings = {
  account: 'acme',
  token: 'example-token',
  label: 'refer-a-friend',
  requestsPerMinute: 60_000,
  code: { template: '{first_name}{employee_id}' },
};

const person: LinkPerson = {
  email: 'ann.lee@example.com',
  columns: { email: 'ann.lee@example.com', first_name: 'Ann', employee_id: '0173' },
};

const headers = { Authorization: 'Bearer example-token', 'Content-Type': 'application/json' };
const json = { 'content-type': 'application/json' };

function call(method: string, path: string, body: unknown, status: number, reply: unknown): Call {
  return {
    request: { method, url: `${API}${path}`, headers, body },
    reply: { status, headers: json, body: JSON.stringify(reply) },
  };
}

/** Extole's error body, as its error guide prints it. */
function error(status: number, code: string, message: string, parameters: object = {}): object {
  return { unique_id: '7465313346145957284', http_status_code: status, code, message, parameters };
}

const personOf = (id: string): object => ({
  id,
  identity_id: id,
  identity_key: { name: 'email' },
  identity_key_value: 'ann.lee@example.com',
  locale: { last_browser: 'en' },
  version: '1',
});

const linkOf = (code: string, key: string): object => ({
  code,
  content: {},
  created_date: '2026-11-20T14:03:00Z',
  data: {},
  key,
  label: 'refer-a-friend',
  link: `https://share.acme.example/${code}`,
  updated_date: '2026-11-20T14:03:00Z',
});

const KEY = `refer-a-friend-${ID}`;

const lookFor = (found: readonly object[]): Call =>
  call('GET', '/v5/persons?identity_key_value=ann.lee%40example.com&limit=10', undefined, 200, found);
const lookAtLinks = (found: readonly object[]): Call =>
  call('GET', `/v5/persons/${ID}/shareables?labels=refer-a-friend&limit=200&offset=0`, undefined, 200, found);
const makePerson = (status: number, reply: object): Call =>
  call('POST', '/v5/persons', { identity_key_value: 'ann.lee@example.com' }, status, reply);
const makeLink = (code: string, status: number, reply: object): Call =>
  call('POST', `/v5/persons/${ID}/shareables`, { label: 'refer-a-friend', key: KEY, code }, status, reply);

const accepted = (code: string, key: string, adopted: boolean): LinkAnswer => ({
  kind: 'accepted',
  personId: ID,
  link: `https://share.acme.example/${code}`,
  code,
  key,
  label: 'refer-a-friend',
  adopted,
});

export const examples: readonly LinkExchange[] = [
  {
    title: 'a customer whom Extole does not know: the person is made, then the link',
    settings,
    person,
    calls: [lookFor([]), makePerson(200, personOf(ID)), makeLink('Ann0173', 200, linkOf('Ann0173', KEY))],
    answer: accepted('Ann0173', KEY, false),
  },
  {
    title: 'a link that is there is adopted, whatever its key',
    settings,
    person,
    calls: [lookFor([personOf(ID)]), lookAtLinks([linkOf('annie', 'web')])],
    answer: accepted('annie', 'web', true),
  },
  {
    title: 'a code that is taken: what Extole suggests',
    settings,
    person,
    calls: [
      lookFor([personOf(ID)]),
      lookAtLinks([]),
      makeLink(
        'Ann0173',
        403,
        error(403, 'code_taken', 'The code associated with this shareable has already been specified', {
          code_suggestions: ['Ann01731'],
        }),
      ),
      lookAtLinks([]),
      makeLink('Ann01731', 200, linkOf('Ann01731', KEY)),
    ],
    answer: accepted('Ann01731', KEY, false),
  },
  {
    title: 'a key that is taken is one of ours: it is looked for again',
    settings,
    person,
    calls: [
      lookFor([personOf(ID)]),
      lookAtLinks([]),
      makeLink(
        'Ann0173',
        400,
        error(400, 'shareable_key_taken', 'The key associated with this shareable has already been specified'),
      ),
      call('GET', `/v5/persons/${ID}/shareables?limit=200&offset=0`, undefined, 200, [linkOf('Ann0173', KEY)]),
    ],
    answer: accepted('Ann0173', KEY, true),
  },
  {
    title: 'a person who was made by somebody else in between',
    settings,
    person,
    calls: [
      lookFor([]),
      makePerson(400, error(400, 'identity_key_value_already_taken', 'Identity key value already taken')),
      lookFor([personOf(ID)]),
      lookAtLinks([linkOf('annie', 'web')]),
    ],
    answer: accepted('annie', 'web', true),
  },
  {
    title: 'several profiles wait for a person to decide',
    settings,
    person,
    calls: [lookFor([personOf(ID), personOf(OTHER_ID)])],
    answer: {
      kind: 'ambiguous',
      code: 'SEVERAL_PROFILES',
      reason: `several profiles have this e-mail; no link was made. Profiles at Extole: ${ID}, ${OTHER_ID}`,
      personIds: [ID, OTHER_ID],
    },
  },
  {
    title: 'a person whom Extole gives no link',
    settings,
    person,
    calls: [
      lookFor([personOf(ID)]),
      lookAtLinks([]),
      makeLink('Ann0173', 403, error(403, 'person_not_rewardable', 'Person does not have email address')),
    ],
    answer: {
      kind: 'rejected',
      code: 'person_not_rewardable',
      reason: 'Person does not have email address',
      http: 403,
      uniqueId: '7465313346145957284',
    },
  },
  {
    title: 'too many requests for longer than patience: the next run goes on',
    settings: { ...settings, patience: '1s' },
    person,
    calls: [
      {
        ...lookFor([]),
        reply: {
          status: 429,
          headers: { ...json, 'retry-after': '30' },
          body: JSON.stringify(error(429, 'too_many_requests', 'please retry later.')),
        },
      },
    ],
    answer: {
      kind: 'retryable',
      code: 'THROTTLED',
      reason: 'Extole answered 429 too_many_requests (please retry later.)',
      afterMs: 30_000,
      http: 429,
    },
  },
  {
    title: 'a refused token stops the destination, not the person',
    settings,
    person,
    calls: [
      {
        ...lookFor([]),
        reply: {
          status: 401,
          headers: json,
          body: JSON.stringify(error(401, 'method_unauthorized', 'Unauthorized access to this endpoint')),
        },
      },
    ],
    answer: {
      kind: 'halted',
      code: 'UNAUTHORIZED',
      reason:
        'Extole answered 401 method_unauthorized (Unauthorized access to this endpoint): the token is not accepted here; it needs the right to read and make persons and their links',
      http: 401,
    },
  },
];
