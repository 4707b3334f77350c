import type { HttpReply } from '../../delivery/http.ts';
import type { Io } from '../../model.ts';
import { reachStep } from '../probe-reach.ts';
import type { ProbeStep } from '../probe-step.ts';
import { createApi, DEFAULT_TIMEOUTS, type ExtoleApi } from './api.ts';
import { classify } from './classify.ts';
import type { ExtoleTimeouts } from './extole.ts';
import { jsonObjects } from './reply-json.ts';
import type { ExtoleSettings } from './settings.ts';

/**
 * What `doctor` asks of Extole, without sending an event: is each host reached, does it prove who it is, and is the token
 * accepted. The one call to the API looks for a person that does not exist. `events: false`: no event is ever sent, so the host of
 * events does not matter.
 */
export async function probeExtole(
  settings: ExtoleSettings,
  io: Io,
  options: { timeouts?: ExtoleTimeouts; events?: boolean } = {},
): Promise<ProbeStep[]> {
  await using api = createApi(settings, options.timeouts ?? DEFAULT_TIMEOUTS, io);
  const { apiUrl, eventsUrl } = settings;
  const reply = await askForNobody(api, settings);
  const steps = [reachStep('Extole', apiUrl, reply)];
  if (reply.kind === 'reply') steps.push(token(reply, options.events === false));
  if (options.events !== false && new URL(eventsUrl).origin !== new URL(apiUrl).origin) {
    // Any answer will do: it shows that the host is there and is who it says.
    steps.push(reachStep('Extole', eventsUrl, await api.get(eventsUrl, '/', {})));
  }
  return steps;
}

function askForNobody(api: ExtoleApi, settings: ExtoleSettings): Promise<HttpReply> {
  return api.get(settings.apiUrl, settings.paths.persons, {
    identity_key_value: 'referry-doctor@example.com',
    limit: '1',
  });
}

function token(reply: Extract<HttpReply, { kind: 'reply' }>, links: boolean): ProbeStep {
  const step = 'token accepted';
  if (reply.status === 200 && jsonObjects(reply.body)) return { step, ok: true, detail: 'persons can be read' };
  const answer = classify(reply, 'v6', 0);
  const reason = answer.kind === 'accepted' ? 'the answer is not a list of persons' : answer.reason;
  return { step, ok: false, detail: reason, hint: tokenHint(reply.status, links) };
}

function tokenHint(status: number, links: boolean): string {
  if (status === 401 || status === 403) {
    const right = links ? 'read and make persons and their links' : 'send events and read persons';
    return `make a long-lived access token in My Extole, with the right to ${right}, and put it where \`token\` refers to`;
  }
  if (status === 429) return 'something else uses the limit of this token; try again in a minute';
  return 'check apiUrl and paths.persons';
}
