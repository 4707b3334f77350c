import { afterEach, describe, expect, test } from 'vitest';
import type { Fault, FaultName } from '../../src/sandbox/extole/faults.ts';
import {
  called,
  closeAll,
  failOn,
  hubspot,
  io,
  kinds,
  links,
  people,
  person,
  signal,
  standIn,
} from './hubspot-setup.ts';

afterEach(closeAll);

const BUSY: Fault = {
  kind: 'status',
  status: 429,
  headers: { 'x-hubspot-ratelimit-interval-milliseconds': '100' },
  body: '{"status":"error","policyName":"TEN_SECONDLY_ROLLING"}',
};

const AT_CREATE: readonly FaultName[] = [
  '500pre',
  '500post',
  '503pre',
  'resetpre',
  'resetpost',
  'cut-headers',
  'cut-body',
  'html-post',
  'badjson-post',
  'empty-object',
  'null-id',
];

const WAITED_FOR: readonly (readonly [string, FaultName | Fault])[] = [
  ['500post', '500post'],
  ['resetpost', 'resetpost'],
  ['a 429 with a Retry-After', { kind: 'status', status: 429, headers: { 'retry-after': '1' } }],
  ['a 429 of the window', BUSY],
  ['a 423', { kind: 'status', status: 423 }],
];

describe('when calls fail', () => {
  test.each(AT_CREATE)('after %s where contacts are made, each is there once, and written', async (fault) => {
    const server = await standIn();
    failOn(server, '/create', fault, fault);
    expect(kinds(await hubspot(server).send(people(3), signal))).toEqual(Array(3).fill('accepted'));
    expect(server.contacts.all()).toHaveLength(3);
    expect(links(server)['p3@example.com']).toBe('https://share.example.com/p3');
  });

  test('what may have been made is looked for before it is made again', async () => {
    const server = await standIn();
    failOn(server, '/create', 'resetpost');
    expect(kinds(await hubspot(server).send(people(3), signal))).toEqual(Array(3).fill('accepted'));
    expect(called(server)).toEqual(['read', 'create', 'read', 'update']);
  });

  test('an answer that does not say whom its errors mean is asked for one by one', async () => {
    const server = await standIn();
    const error = { status: 'error', category: 'VALIDATION_ERROR', message: 'something is wrong' };
    const body = JSON.stringify({ status: 'COMPLETE', results: [], numErrors: 1, errors: [error] });
    failOn(server, '/create', { kind: 'status', status: 207, body });
    expect(kinds(await hubspot(server).send(people(4), signal))).toEqual(Array(4).fill('accepted'));
    expect(server.contacts.all()).toHaveLength(4);
  });

  test('whom an answer leaves out is written again, and made once', async () => {
    const server = await standIn();
    const first = { id: '101', properties: { email: 'p1@example.com' } };
    const body = JSON.stringify({ status: 'COMPLETE', results: [first] });
    failOn(server, '/create', { kind: 'status', status: 201, accept: true, body });
    expect(kinds(await hubspot(server).send(people(4), signal))).toEqual(Array(4).fill('accepted'));
    expect(server.contacts.all()).toHaveLength(4);
    expect(called(server)).toEqual(['read', 'create', 'create', 'read', 'update']);
  });

  test('a lookup that failed for some is no reason to make them', async () => {
    const server = await standIn();
    const error = { status: 'error', category: 'INTERNAL_ERROR', message: 'internal error' };
    const first = { id: '101', properties: { email: 'p1@example.com' } };
    server.contacts.add({ email: 'p1@example.com' });
    const body = JSON.stringify({ status: 'COMPLETE', results: [first], numErrors: 1, errors: [error] });
    failOn(server, '/read', { kind: 'status', status: 207, body });
    const answers = await hubspot(server).send(people(2), signal);
    expect(answers).toMatchObject([{ kind: 'accepted' }, { kind: 'retryable', code: 'LOOKUP_FAILED' }]);
    expect(server.contacts.all()).toHaveLength(1);
  });

  test('closed while an answer is waited for, it says of every profile that nobody knows', async () => {
    const server = await standIn();
    failOn(server, '/read', 'timeout-pre', 'timeout-pre');
    const sender = hubspot(server);
    const sending = sender.send(people(2), signal);
    while (server.received.length === 0) await io.sleep(5);
    await sender.close();
    expect(new Set(kinds(await sending))).toEqual(new Set(['unknown']));
    expect(server.contacts.all()).toEqual([]);
  });

  test.each(WAITED_FOR)('%s is waited for, at each call', async (name, fault) => {
    const server = await standIn();
    server.contacts.add({ email: 'p1@example.com' });
    const left = new Set(name.includes('Retry-After') ? ['/create'] : ['/read', '/update', '/create']);
    server.setFaults(({ path }) =>
      [...left].some((end) => path.endsWith(end) && left.delete(end)) ? fault : undefined,
    );
    expect(kinds(await hubspot(server).send(people(2), signal))).toEqual(['accepted', 'accepted']);
    expect(left.size).toBe(0);
    expect(Object.values(links(server))).toEqual(people(2).map(({ fields }) => fields.share_link));
    expect(server.contacts.all()).toHaveLength(2);
  });

  test('where nothing but errors come, it ends within its patience, without waiting so long for each call', async () => {
    const server = await standIn();
    server.contacts.add({ email: 'p1@example.com' });
    server.setFaults(({ path }) => (path.endsWith('/update') ? '503pre' : undefined));
    const answers = await hubspot(server, { patience: '200ms' }).send(people(3), signal);
    expect(answers[0]).toMatchObject({ kind: 'unknown', code: 'SERVER_ERROR' });
    expect(answers[2]).toMatchObject({ kind: 'retryable', code: 'NOT_SENT' });
    expect(called(server)).not.toContain('create');
  });

  test('where nobody listens, nothing was sent and the next run may', async () => {
    const server = await standIn();
    const sender = hubspot(server, { patience: '100ms' });
    await server.stop();
    expect(await sender.send([person(1)], signal)).toMatchObject([{ kind: 'retryable', code: 'NOT_SENT' }]);
  });

  test.each([
    ['401', 'UNAUTHORIZED'],
    ['403', 'FORBIDDEN'],
    ['302', 'MISROUTED'],
    ['404', 'MISROUTED'],
  ] as const)('a %s stops the destination, whichever call it comes to', async (fault, code) => {
    for (const end of ['/read', '/update', '/create']) {
      const server = await standIn();
      server.contacts.add({ email: 'p1@example.com' });
      failOn(server, end, fault);
      const answers = await hubspot(server).send(people(2), signal);
      expect(answers[1]).toMatchObject({ kind: 'halted', code });
      expect(server.contacts.all()).toHaveLength(1);
    }
  });

  test('a stop is thrown at once while an answer is waited for, and while a limit is', async () => {
    const server = await standIn();
    for (const fault of ['timeout-pre', '429-retry-after-2'] as const) {
      failOn(server, '/read', fault);
      const stop = new AbortController();
      const sending = hubspot(server).send([person(1)], stop.signal);
      setTimeout(() => stop.abort(new Error('enough')), 50);
      await expect(sending).rejects.toThrow('enough');
    }
    expect(server.contacts.all()).toEqual([]);
  });
});
