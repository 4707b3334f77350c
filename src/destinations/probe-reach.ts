import { createHttpClient, type HttpReply, PRIVATE_ADDRESS } from '../delivery/http.ts';
import type { Io } from '../model.ts';
import type { ProbeStep } from './probe-step.ts';
import { clean } from './words.ts';

const TIMEOUT_MS = 15_000;

/** Whether a provider's host is there and is who it says. Sends no credential: any answer will do. */
export async function probeReach(
  provider: string,
  url: string,
  { ca, allowPrivateAddresses }: { ca?: string | undefined; allowPrivateAddresses: boolean },
  io: Io,
): Promise<ProbeStep> {
  const http = createHttpClient(
    {
      origin: new URL(url).origin,
      connections: 1,
      headersTimeoutMs: TIMEOUT_MS,
      bodyTimeoutMs: TIMEOUT_MS,
      totalTimeoutMs: TIMEOUT_MS,
      ...(ca === undefined ? {} : { tls: { ca } }),
      allowPrivateAddresses,
    },
    io,
  );
  try {
    const reply = await new Promise<HttpReply>((done) => http.get('/', ['User-Agent', 'referry'], done));
    return reachStep(provider, url, reply);
  } finally {
    await http.close();
  }
}

/** What an answer, or its absence, says of the way to a provider. */
export function reachStep(provider: string, url: string, reply: HttpReply): ProbeStep {
  const step = `reach ${url}`;
  if (reply.kind === 'reply') {
    const how = url.startsWith('https:') ? 'answers, and its certificate is valid' : 'answers (without TLS)';
    return { step, ok: true, detail: how };
  }
  const detail = `${clean(reply.message)} (${clean(reply.code)})`;
  return { step, ok: false, detail, hint: hintFor(provider, reply) };
}

function hintFor(provider: string, reply: Exclude<HttpReply, { kind: 'reply' }>): string {
  if (reply.kind === 'not-sent' && reply.tls) {
    return 'the certificate is not one we trust: check the URL; behind a proxy that inspects TLS, give its authority as `ca`';
  }
  if (reply.code === PRIVATE_ADDRESS)
    return `${provider} is on the internet: check the URL and DNS. Where a proxy of yours stands for it, set allowPrivateAddresses: true`;
  if (reply.code === 'ENOTFOUND' || reply.code === 'EAI_AGAIN')
    return 'the name does not resolve: check the URL and DNS';
  return 'check the URL, and that the firewall lets us out to it on its port';
}
