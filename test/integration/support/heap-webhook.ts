import { createHmac } from 'node:crypto';
import type { Io } from '../../../src/model.ts';
import { type Answered, type PostStyle, post } from './poster.ts';

export interface HeapWebhook {
  io: Io;
  url: string;
  secret: string;
}

export interface SegmentChange {
  segment: { id: number | string; name: string };
  add?: readonly string[];
  remove?: readonly string[];
}

export interface HeapPage {
  task: string;
  page: number;
  pages: number;
}

/** What Heap signs: the body as it is sent, or, as its own sample reads it, the body written anew without the spaces that it is sent with. */
export type Spelling = 'as-sent' | 'restated';

export function heapHeaders(secret: string, ts: number, signed: string): Record<string, string> {
  const hmac = createHmac('sha256', secret).update(`${ts}${signed}`).digest('base64');
  return { 'content-type': 'application/json', 'heap-hash': `ts:${ts},hmac:${hmac}` };
}

export function syncBody({ segment, add, remove }: SegmentChange, { task, page, pages }: HeapPage): object {
  return {
    id_token: '7a36ae58-c4b9-11eb-8529-0242ac130003',
    action_type: 'segment.users.sync',
    customer_config: { fields: [] },
    data: {
      segment,
      sync_info: { page_number: page, total_pages: pages, sync_task_id: task },
      ...(add ? { add: add.map((id) => ({ id })) } : {}),
      ...(remove ? { remove: remove.map((id) => ({ id })) } : {}),
    },
  };
}

export function drainBody(segment: SegmentChange['segment']): object {
  return { id_token: '7a36ae58-c4b9-11eb-8529-0242ac130003', action_type: 'segment.users.drain', data: { segment } };
}

/** Posts one body once, signed at `at` (now). */
export async function postHeap(
  { io, url, secret }: HeapWebhook,
  body: object,
  { at, spelling = 'as-sent', style }: { at?: number; spelling?: Spelling; style?: PostStyle } = {},
): Promise<Answered> {
  const sent = spelling === 'as-sent' ? JSON.stringify(body) : JSON.stringify(body, undefined, 2);
  const ts = at ?? io.now();
  return post(io, url, heapHeaders(secret, ts, JSON.stringify(body)), Buffer.from(sent), style);
}

/** Posts a segment's changes page by page, each again until it is taken, with a pause between the tries. Returns how many requests it took. */
export async function syncSegment(
  webhook: HeapWebhook,
  change: SegmentChange,
  { task, perPage, pauseMs, tries = 20 }: { task: string; perPage: number; pauseMs: number; tries?: number },
): Promise<{ requests: number; delivered: boolean }> {
  const parts = [
    ...inParts(change.add ?? [], perPage).map((add) => ({ add })),
    ...inParts(change.remove ?? [], perPage).map((remove) => ({ remove })),
  ];
  let requests = 0;
  for (const [i, part] of parts.entries()) {
    let status = 0;
    for (let n = 0; status !== 200; n += 1) {
      if (n === tries) return { requests, delivered: false };
      if (n > 0) await webhook.io.sleep(pauseMs);
      requests += 1;
      const body = syncBody({ segment: change.segment, ...part }, { task, page: i + 1, pages: parts.length });
      ({ status } = await postHeap(webhook, body));
    }
  }
  return { requests, delivered: true };
}

function inParts<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
