import { createHmac } from 'node:crypto';
import type { Io } from '../../../src/model.ts';
import type { LinkEvent } from '../../../src/sandbox/extole/link-api.ts';
import { type Answered, type PostStyle, post } from './poster.ts';

export interface ExtoleWebhook {
  io: Io;
  /** Where it posts to. */
  url: string;
  keyType: 'hs256' | 'password' | 'basic';
  key: string;
  /** Pauses before it tries again; Extole's own are 1 s, 1 h, 3 h, 12 h, 12 h. */
  retriesMs?: readonly number[];
}

/** What became of an event: delivered, or put aside after the last try. */
export interface Told {
  answers: Answered[];
  delivered: boolean;
}

const RETRIES_MS = [1000, 3_600_000, 10_800_000, 43_200_000, 43_200_000];

/** Headers by which the receiver knows who posts. The signature is over the very bytes of the body. */
export function extoleHeaders(
  { keyType, key }: Pick<ExtoleWebhook, 'keyType' | 'key'>,
  body: Buffer,
): Record<string, string> {
  const json = { 'content-type': 'application/json' };
  if (keyType === 'password') return { ...json, authorization: `Bearer ${key}` };
  if (keyType === 'basic') return { ...json, authorization: `Basic ${Buffer.from(key).toString('base64')}` };
  return { ...json, 'x-extole-signature': createHmac('sha256', key).update(body).digest('hex') };
}

/** Posts as Extole does: whatever is answered other than 200 is sent again, the same bytes, after longer and longer pauses. */
export async function tellOfLink(webhook: ExtoleWebhook, event: LinkEvent, style?: PostStyle): Promise<Told> {
  const { io, url, retriesMs = RETRIES_MS } = webhook;
  const body = Buffer.from(JSON.stringify({ event: 'Share Link Created', ...event }));
  const answers: Answered[] = [];
  for (const pause of [0, ...retriesMs]) {
    if (pause > 0) await io.sleep(pause);
    const answered = await post(io, url, extoleHeaders(webhook, body), body, style);
    answers.push(answered);
    if (answered.status === 200) return { answers, delivered: true };
  }
  return { answers, delivered: false };
}
