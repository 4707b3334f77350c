import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changesOf, pagesOf, type ReceivedPage } from '../../src/ledger/received-pages.ts';
import { drainBody, heapHeaders, postHeap, syncBody, syncSegment } from './support/heap-webhook.ts';
import { post } from './support/poster.ts';
import { KEY, openReceiving, type Receiving } from './support/receiving.ts';

const SEGMENT = { id: 1338065, name: 'Free Customers' };
const TASK = 'f47ac10b-58cc-4372-a567-0e02b2c3d479';

describe('pages of segments that Heap posts', () => {
  let receiving: Receiving;
  beforeEach(async () => {
    receiving = await openReceiving();
  });
  afterEach(() => receiving.close());

  const heap = (): Parameters<typeof postHeap>[0] => ({ io: receiving.io, url: receiving.url('members'), secret: KEY });
  const pages = (): ReceivedPage[] => pagesOf(receiving.ledger, 'members');
  const changes = (segment = '1338065'): string[] =>
    [...changesOf(receiving.ledger, 'members', segment, pages(), String)].map(
      ({ member, removed }) => (removed ? '-' : '+') + member,
    );
  const page = (add: string[], remove: string[] = [], n = 1): object =>
    syncBody({ segment: SEGMENT, add, remove }, { task: TASK, page: n, pages: 3 });

  it('all pages of a sync are in the ledger, whole, whatever is posted twice', async () => {
    const add = Array.from({ length: 95 }, (_, n) => `user${n}@example.com`);
    const told = await syncSegment(
      heap(),
      { segment: SEGMENT, add, remove: ['gone@example.com'] },
      { task: TASK, perPage: 10, pauseMs: 5 },
    );
    expect(told).toEqual({ requests: 11, delivered: true });
    expect(pages().map(({ page: n, pages: of, adds, removes }) => [n, of, adds + removes])).toEqual([
      ...Array.from({ length: 9 }, (_, i) => [i + 1, 11, 10]),
      [10, 11, 5],
      [11, 11, 1],
    ]);
    expect(pages()[0]).toMatchObject({
      segment: '1338065',
      segmentName: 'Free Customers',
      kind: 'sync',
      task: TASK,
      rejected: 0,
    });
    expect(changes()).toEqual(['-gone@example.com', ...add.map((id) => `+${id}`).sort()]);
    await syncSegment(
      heap(),
      { segment: SEGMENT, add, remove: ['gone@example.com'] },
      { task: TASK, perPage: 10, pauseMs: 5 },
    );
    expect(pages()).toHaveLength(11);
    expect(receiving.counts()).toEqual({ taken: 11, known: 11 });
  });

  it('X13: what is signed with another key, too early or too late, or not at all is refused with 403', async () => {
    const now = Date.now();
    const refused = [
      await postHeap({ ...heap(), secret: `${KEY}x` }, page(['eve'])),
      await postHeap(heap(), page(['eve']), { at: now - 65_000 }),
      await postHeap(heap(), page(['eve']), { at: now + 90_000 }),
      await post(receiving.io, receiving.url('members'), {}, Buffer.from(JSON.stringify(page(['eve'])))),
    ];
    const { 'heap-hash': hash = '' } = heapHeaders(KEY, now, JSON.stringify(page(['ana'])));
    // The signature of another body; a time that was not signed; parts that are missing.
    for (const header of [hash, hash.replace(/ts:\d+/, `ts:${now + 1}`), hash.replace(/,.*/, ''), 'ts:x,hmac:y', ''])
      refused.push(
        await post(
          receiving.io,
          receiving.url('members'),
          { 'heap-hash': header },
          Buffer.from(JSON.stringify(page(['eve']))),
        ),
      );
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
    expect(pages()).toEqual([]);
    expect((await postHeap(heap(), page(['ana']), { at: now - 50_000 })).status).toBe(200);
    expect(receiving.counts()).toEqual({ unauthorized: refused.length, taken: 1 });
  });

  it('a body that was signed as JSON.stringify writes it is taken as well, and what was signed is what counts', async () => {
    expect((await postHeap(heap(), page(['ana', 'bo']), { spelling: 'restated' })).status).toBe(200);
    expect(changes()).toEqual(['+ana', '+bo']);
    // One field twice: the signature holds for the one that JSON.parse keeps.
    const signed = JSON.stringify(page(['cy'], [], 2));
    const sent = signed.replace('"action_type"', '"action_type":"segment.users.drain","action_type"');
    const headers = heapHeaders(KEY, Date.now(), signed);
    expect((await post(receiving.io, receiving.url('members'), headers, Buffer.from(sent))).status).toBe(200);
    expect(pages().map(({ kind }) => kind)).toEqual(['sync', 'sync']);
  });

  it('one that is too large to be written anew is refused with a reason of its own', async () => {
    const { io } = receiving;
    const padded = { ...page(['a']), note: 'x'.repeat(2 * 1024 * 1024) };
    const told = await postHeap(heap(), padded, { spelling: 'restated' });
    expect(told.status).toBe(403);
    expect(receiving.logged().join()).toContain('not that of these very bytes, and the body is above 2 MB');
    expect((await postHeap(heap(), padded, { at: io.now() })).status).toBe(200);
    expect(changes()).toEqual(['+a']);
  });

  it('a drain is kept as such, and ids stay as they are, of segments and of members', async () => {
    await postHeap(heap(), page(['007', ' x ', '1E5', 'ana@example.com'], ['9007199254740993']));
    expect(changes()).toEqual(['+ x ', '+007', '+1E5', '-9007199254740993', '+ana@example.com']);
    expect((await postHeap(heap(), drainBody(SEGMENT))).status).toBe(200);
    expect((await postHeap(heap(), drainBody(SEGMENT))).body).toContain('known');
    expect(pages().map(({ kind }) => kind)).toEqual(['sync', 'drain']);
    const long = JSON.stringify(page(['ana'])).replace('1338065', '9007199254740993');
    const headers = heapHeaders(KEY, Date.now(), long);
    expect((await post(receiving.io, receiving.url('members'), headers, Buffer.from(long))).status).toBe(200);
    expect(pages().map(({ segment }) => segment)).toContain('9007199254740993');
  });

  it('members that have no id are counted and cost no other one; what is no page is answered 400, other actions are ignored', async () => {
    const body = { ...page(['ana']), data: { ...dataOf(page(['ana', 'x'.repeat(256)], ['bo'])) } };
    const odd = JSON.parse(JSON.stringify(body).replace('"remove":[', '"remove":[{"id":null},{},7,{"id":{"a":1}},'));
    expect((await postHeap(heap(), odd)).status).toBe(200);
    expect(pages()).toMatchObject([{ adds: 1, removes: 1, rejected: 5 }]);
    for (const wrong of [
      [],
      { action_type: 'segment.users.sync' },
      { action_type: 'segment.users.sync', data: { segment: { id: 7 }, sync_info: { page_number: '1' } } },
      { ...body, data: { ...dataOf(page([])), add: 'ana' } },
    ])
      expect((await postHeap(heap(), wrong)).status, JSON.stringify(wrong)).toBe(400);
    expect((await postHeap(heap(), { action_type: 'segment.users.count' })).body).toContain('ignored');
    expect(receiving.logged().join()).not.toContain('ana');
  });

  it('a page of 50,000 members is taken, and no more than may wait for one job', { timeout: 60_000 }, async () => {
    const many = Array.from({ length: 50_000 }, (_, n) => `member-${n}`);
    expect((await postHeap(heap(), page(many))).status).toBe(200);
    expect(changes()).toHaveLength(50_000);
    receiving.ledger.db.exec('UPDATE received_pages SET adds = 9999999');
    expect(await postHeap(heap(), page(['ana', 'bo'], [], 2))).toMatchObject({ status: 503, retryAfter: '600' });
    expect(pages()).toHaveLength(1);
  });
});

function dataOf(body: object): object {
  return 'data' in body && typeof body.data === 'object' && body.data !== null ? body.data : {};
}
