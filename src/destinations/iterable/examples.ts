import type { ProfileExchange } from '../profile.ts';

const settings = { account: 'acme', apiKey: 'example-key', requestsPerSecond: 1000, patience: '0s' };

const ann = {
  email: 'ann.lee@example.com',
  fields: { share_link: 'https://share.example.com/ann', share_code: 'ann' },
};
const bob = {
  email: 'bob.ray@example.com',
  fields: { share_link: 'https://share.example.com/bob', share_code: 'bob' },
};

function userOf({ email, fields }: typeof ann): object {
  return { email, dataFields: fields };
}

function request(...people: (typeof ann)[]): ProfileExchange['calls'][number]['request'] {
  return {
    method: 'POST',
    url: 'https://api.iterable.com/api/users/bulkUpdate',
    headers: { 'Api-Key': 'example-key', 'Content-Type': 'application/json' },
    body: { users: people.map(userOf) },
  };
}

const json = { 'content-type': 'application/json' };

/** Lists that are not given are empty, as Iterable sends them. */
function updated(good: number, bad: number, failed: object = {}, filteredOutFields: string[] = []): string {
  const failedUpdates = { conflictEmails: [], forgottenEmails: [], invalidEmails: [], notFoundEmails: [], ...failed };
  return JSON.stringify({ successCount: good, failCount: bad, failedUpdates, createdFields: [], filteredOutFields });
}

const MISMATCH = JSON.stringify({
  msg: "Project 1: The request does not have the same data types as the data previously submitted. Field 'share_code' already exists for type 'user' and has a data type of 'long' but possible types 'string, keyword' in the request.",
  code: 'RequestFieldsTypesMismatched',
  params: {
    validationErrors: {
      share_code: {
        incomingTypes: ['string', 'keyword'],
        expectedType: 'long',
        _type: 'UnexpectedType',
        offendingValue: 'bob',
        category: 'user',
      },
    },
  },
});

export const examples: readonly ProfileExchange[] = [
  {
    title: 'two users are updated',
    settings,
    batch: [ann, bob],
    calls: [{ request: request(ann, bob), reply: { status: 200, headers: json, body: updated(2, 0) } }],
    answers: [
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'successCount=2' }, http: 200 },
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'successCount=2' }, http: 200 },
    ],
  },
  {
    title: 'a user whom the project was told to forget is rejected, the other is updated',
    settings,
    batch: [ann, bob],
    calls: [
      {
        request: request(ann, bob),
        reply: { status: 200, headers: json, body: updated(1, 1, { forgottenEmails: [' Ann.Lee@Example.com'] }) },
      },
    ],
    answers: [
      {
        kind: 'rejected',
        code: 'forgottenEmails',
        reason: 'the project was told to forget this person, and takes no data on them',
        http: 200,
      },
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'successCount=1' }, http: 200 },
    ],
  },
  {
    title: 'a call refused for the type of one field is made again in halves, until that user stands alone',
    settings,
    batch: [ann, bob],
    calls: [
      { request: request(ann, bob), reply: { status: 400, headers: json, body: MISMATCH } },
      { request: request(ann), reply: { status: 200, headers: json, body: updated(1, 0) } },
      { request: request(bob), reply: { status: 400, headers: json, body: MISMATCH } },
    ],
    answers: [
      { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'successCount=1' }, http: 200 },
      {
        kind: 'rejected',
        code: 'RequestFieldsTypesMismatched',
        reason: 'the field "share_code" is of type long in the project for good, and this value is not',
        http: 400,
      },
    ],
  },
  {
    title: 'too many calls: they are made again later',
    settings,
    batch: [ann],
    calls: [
      {
        request: request(ann),
        reply: { status: 429, headers: json, body: '{"msg":"","code":"RateLimitExceeded","params":null}' },
      },
    ],
    answers: [
      {
        kind: 'retryable',
        code: 'THROTTLED',
        reason: 'Iterable answered 429: too many calls for now',
        http: 429,
      },
    ],
  },
  {
    title: 'a refused key stops the destination',
    settings: { ...settings, region: 'eu' },
    batch: [ann],
    calls: [
      {
        request: { ...request(ann), url: 'https://api.eu.iterable.com/api/users/bulkUpdate' },
        reply: { status: 401, headers: json, body: '{"msg":"Invalid API key","code":"BadApiKey","params":null}' },
      },
    ],
    answers: [
      {
        kind: 'halted',
        code: 'UNAUTHORIZED',
        reason:
          'Iterable answered 401 (BadApiKey: Invalid API key): the API key is not accepted; check apiKey, and region: a key of a project in the EU works only there',
        http: 401,
      },
    ],
  },
  {
    title: 'a field that the project drops stops the destination, and names the setting',
    settings,
    batch: [ann],
    calls: [{ request: request(ann), reply: { status: 200, headers: json, body: updated(1, 0, {}, ['share_link']) } }],
    answers: [
      {
        kind: 'halted',
        code: 'FIELD_DROPPED',
        reason:
          'Iterable does not store the field "share_link": the project has no such field, and its setting "Drop Unrecognized User Fields" is on. Make the field in the project or switch that setting off, or set createNewFields: true, and run again',
        http: 200,
      },
    ],
  },
];
