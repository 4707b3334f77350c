import type { Io } from '../../../model.ts';
import type { ProbeStep } from '../../probe-step.ts';
import { createAudienceApi } from './api.ts';
import { troubleOf } from './operation.ts';
import type { AudienceApiSettings } from './settings.ts';

/** Somebody waits for the answer. */
const PATIENCE_MS = 5000;

/** What `doctor` asks of Extole, without changing anything there: may the token read audiences, and is the one that a job names there. */
export async function probeAudiences(settings: AudienceApiSettings, io: Io, signal: AbortSignal): Promise<ProbeStep> {
  const api = createAudienceApi({ ...settings, patience: PATIENCE_MS }, io);
  const { audienceId } = settings;
  try {
    const step = audienceId === undefined ? 'audiences' : `audience ${audienceId}`;
    const said = audienceId === undefined ? await api.audiences(0, signal) : await api.memberCount(audienceId, signal);
    if ('found' in said) return { step, ok: true, detail: 'can be read' };
    const answer = troubleOf(said);
    const detail = answer.kind === 'accepted' ? 'the answer is not a list of audiences' : answer.reason;
    const hint =
      answer.kind === 'halted'
        ? 'make a long-lived access token in My Extole, with the right to read and change audiences, persons and files, and put it where `token` refers to; check apiUrl and audienceId'
        : 'check apiUrl, and that the firewall lets us out to it';
    return { step, ok: false, detail, hint };
  } finally {
    await api.close();
  }
}
