import { createHmac } from 'node:crypto';
import type { Io } from '../model.ts';
import type { Channel } from './message.ts';
import { openPoster, type Place, sentBy } from './post.ts';

/** `t=<unix seconds>,v1=<HMAC-SHA256 of "t.body" under the secret, hex>`. */
export function signatureOf(body: string, secret: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/** Any HTTP endpoint. The whole notice as JSON, signed; whoever checks the time as well cannot be sent an old one again. */
export function openWebhook({ secret, ...place }: Place & { secret: string }, io: Io): Channel {
  const poster = openPoster(place, io);
  return {
    async send(message) {
      const body = JSON.stringify({ format: 'referry-notice/1', ...message });
      const headers = {
        'x-referry-signature': signatureOf(body, secret, Math.floor(io.now() / 1000)),
        'x-referry-notice': message.id,
      };
      return sentBy(await poster.post(body, headers));
    },
    [Symbol.asyncDispose]: () => poster[Symbol.asyncDispose](),
  };
}
