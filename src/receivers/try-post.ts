import { createHmac } from 'node:crypto';
import type { ReceiveLinks, ReceiveMembers } from '../jobs/receive-settings.ts';
import type { Io } from '../model.ts';

/** How a job's posts are known, and whose they are. */
export type Receiving = { provider: 'extole'; receive: ReceiveLinks } | { provider: 'heap'; receive: ReceiveMembers };

/** A post about nothing, which is answered `ignored` by who has the key. */
const EMPTY = '{}';
const PATIENCE_MS = 5000;

function headersOf({ provider, receive }: Receiving, now: number): Record<string, string> {
  const key = receive.key[0] ?? '';
  const hmac = (text: string): ReturnType<typeof createHmac> => createHmac('sha256', key).update(text);
  if (provider === 'heap') return { 'heap-hash': `ts:${now},hmac:${hmac(`${now}${EMPTY}`).digest('base64')}` };
  if (receive.keyType === 'password') return { authorization: `Bearer ${key}` };
  if (receive.keyType === 'basic') return { authorization: `Basic ${Buffer.from(key).toString('base64')}` };
  return { 'x-extole-signature': hmac(EMPTY).digest('hex') };
}

/** What the address answers to an empty post that is signed as the provider signs; `undefined` where nobody answers. */
export async function tryPost(url: string, receiving: Receiving, io: Io): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', ...headersOf(receiving, io.now()) };
  try {
    const reply = await fetch(url, { method: 'POST', body: EMPTY, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    return reply.status;
  } catch {
    return undefined;
  }
}

/** A command that does the same from anywhere, with the key in the variable KEY. */
export function tryCommand(url: string, { provider, receive }: Receiving): string {
  const hmac = 'openssl dgst -sha256 -hmac "$KEY"';
  const header =
    provider === 'heap'
      ? `"Heap-Hash: ts:$TS,hmac:$(printf %s "$TS{}" | ${hmac} -binary | base64)"`
      : {
          hs256: `"X-Extole-Signature: $(printf {} | ${hmac} -r | cut -d' ' -f1)"`,
          password: '"Authorization: Bearer $KEY"',
          basic: '"Authorization: Basic $(printf %s "$KEY" | base64 -w0)"',
        }[receive.keyType];
  return `${provider === 'heap' ? 'TS=$(date +%s000); ' : ''}curl -sS -d {} -H ${header} ${url}`;
}
