import { type HttpReply, PRIVATE_ADDRESS } from '../../delivery/http.ts';
import type { Io } from '../../model.ts';
import type { ProbeStep } from '../probe-step.ts';
import { createApi, DEFAULT_TIMEOUTS, type ExtoleApi } from './api.ts';
import { classify, clean } from './classify.ts';
import type { ExtoleTimeouts } from './extole.ts';
import { jsonObjects } from './reply-json.ts';
import type { ExtoleSettings } from './settings.ts';

/**
 * What `doctor` asks of Extole, without sending an event: is each host reached, does it prove who it is, and is the token
 * accepted. The one call to the API looks for a person that does not exist.
 */
export async function probeExtole(
  settings: ExtoleSettings,
  io: Io,
  options: { timeouts?: ExtoleTimeouts } = {},
): Promise<ProbeStep[]> {
  await using api = createApi(settings, options.timeouts ?? DEFAULT_TIMEOUTS, io);
  const { apiUrl, eventsUrl } = settings;
  const reply = await askForNobody(api, settings);
  const steps = [reach(apiUrl, reply)];
  if (reply.kind === 'reply') steps.push(token(reply));
  if (new URL(eventsUrl).origin !== new URL(apiUrl).origin) {
    // Any answer will do: it shows that the host is there and is who it says.
    steps.push(reach(eventsUrl, await api.get(eventsUrl, '/', {})));
  }
  return steps;
}

function askForNobody(api: ExtoleApi, settings: ExtoleSettings): Promise<HttpReply> {
  return api.get(settings.apiUrl, settings.paths.persons, {
    identity_key_value: 'referry-doctor@example.com',
    limit: '1',
  });
}

function reach(url: string, reply: HttpReply): ProbeStep {
  const step = `reach ${url}`;
  if (reply.kind === 'reply') {
    const how = url.startsWith('https:') ? 'answers, and its certificate is valid' : 'answers (without TLS)';
    return { step, ok: true, detail: how };
  }
  const detail = `${clean(reply.message)} (${clean(reply.code)})`;
  return { step, ok: false, detail, hint: reachHint(reply) };
}

function reachHint(reply: Exclude<HttpReply, { kind: 'reply' }>): string {
  if (reply.kind === 'not-sent' && reply.tls) {
    return 'the certificate is not one we trust: check the URL; behind a proxy that inspects TLS, give its authority as `ca`';
  }
  if (reply.code === PRIVATE_ADDRESS)
    return 'Extole is on the internet: check the URL and DNS. Where a proxy of yours stands for it, set allowPrivateAddresses: true';
  if (reply.code === 'ENOTFOUND' || reply.code === 'EAI_AGAIN')
    return 'the name does not resolve: check the URL and DNS';
  return 'check the URL, and that the firewall lets us out to it on its port';
}

function token(reply: Extract<HttpReply, { kind: 'reply' }>): ProbeStep {
  const step = 'token accepted';
  if (reply.status === 200 && jsonObjects(reply.body)) return { step, ok: true, detail: 'persons can be read' };
  const answer = classify(reply, 'v6', 0);
  const reason = answer.kind === 'accepted' ? 'the answer is not a list of persons' : answer.reason;
  return { step, ok: false, detail: reason, hint: tokenHint(reply.status) };
}

function tokenHint(status: number): string {
  if (status === 401 || status === 403) {
    return 'make a long-lived access token in My Extole, with the right to send events and read persons, and put it where `token` refers to';
  }
  if (status === 429) return 'something else uses the limit of this token; try again in a minute';
  return 'check apiUrl and paths.persons';
}
