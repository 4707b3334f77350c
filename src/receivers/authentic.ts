import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ReceiveLinks } from '../jobs/receive-settings.ts';

/** Whether a text is one of ours. How long it takes says neither which, nor how much of it is right. */
export function isOneOf(told: string, ours: readonly string[]): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
  const its = digest(told);
  let found = false;
  for (const one of ours) found = timingSafeEqual(its, digest(one)) || found;
  return found;
}

/**
 * Whether headers alone say that Extole sent it: `Authorization: Bearer <key>` or `Basic <base64 of the key>`. `undefined`: the signature of
 * the body has to be looked at. Source: Extole, Webhooks, supported secret types.
 */
export function extoleSentHeaders({ keyType, key }: ReceiveLinks, headers: IncomingHttpHeaders): boolean | undefined {
  if (keyType === 'hs256') return headers['x-extole-signature'] === undefined ? false : undefined;
  const [, scheme = '', told = ''] = /^(\S+) +(\S+) *$/.exec(headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() !== (keyType === 'password' ? 'bearer' : 'basic')) return false;
  return isOneOf(told, keyType === 'password' ? key : key.map((each) => Buffer.from(each, 'utf8').toString('base64')));
}

/** Whether `X-Extole-Signature` is the HMAC-SHA256 of these very bytes, in hexadecimal. */
export function extoleSigned(key: readonly string[], headers: IncomingHttpHeaders, body: Uint8Array): boolean {
  const told = headers['x-extole-signature'];
  if (typeof told !== 'string') return false;
  const right = key.map((each) => createHmac('sha256', each).update(body).digest('hex'));
  return isOneOf(told.toLowerCase(), right);
}

/**
 * `stale`: it says itself that it was signed longer ago than a minute, or later than our clock shows. `forged`: also where it says nothing.
 * `not-restated`: its very bytes are not signed, and it is too large to look whether it is signed as Heap's sample writes it anew.
 */
export type HeapVerdict =
  | { kind: 'signed'; text: string }
  | { kind: 'stale' }
  | { kind: 'forged' }
  | { kind: 'not-restated' };

/** As Heap tells its partners. */
const HEAP_MAX_AGE_MS = 60_000;

/** In bytes. Nobody without the key has us parse more than this; pages of any size are signed over their very bytes. */
export const MOST_RESTATED = 2 * 1024 * 1024;

/**
 * Whether `Heap-Hash: ts:<milliseconds>,hmac:<base64>` is the HMAC-SHA256 of the timestamp and the body. `text` is what was signed: Heap's own
 * sample signs what JSON.stringify makes of the body, which differs from the bytes where those have spaces: up to 2 MB that is tried, too. Source: webhook_spec.yaml.
 */
export function heapSigned(
  key: readonly string[],
  headers: IncomingHttpHeaders,
  body: Buffer,
  now: number,
): HeapVerdict {
  const header = headers['heap-hash'];
  const parts = typeof header === 'string' ? header.split(',').map((part) => part.trim()) : [];
  const ts = parts.find((part) => part.startsWith('ts:'))?.slice(3) ?? '';
  const told = parts.find((part) => part.startsWith('hmac:'))?.slice(5) ?? '';
  if (!/^\d{1,16}$/.test(ts) || told === '') return { kind: 'forged' };
  const signs = (text: Buffer | string): boolean =>
    isOneOf(
      told,
      key.map((each) => createHmac('sha256', each).update(ts).update(text).digest('base64')),
    );
  // The cheapest first: who has no key can make us work as often as they like.
  if (Math.abs(now - Number(ts)) > HEAP_MAX_AGE_MS) return { kind: 'stale' };
  if (signs(body)) return { kind: 'signed', text: body.toString('utf8') };
  if (body.length > MOST_RESTATED) return { kind: 'not-restated' };
  const again = restated(body.toString('utf8'));
  return again !== undefined && signs(again) ? { kind: 'signed', text: again } : { kind: 'forged' };
}

function restated(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}
