import type { Io } from '../../model.ts';
import type { ProbeStep } from '../probe-step.ts';
import { createApi } from './api.ts';
import { progressOf } from './classify.ts';
import type { KlaviyoSettings } from './settings.ts';

/** Somebody waits for the answer. */
const PATIENCE_MS = 5000;

/** What `doctor` asks of Klaviyo, without changing anything there: an import job that does not exist. */
export async function probeKlaviyo(settings: KlaviyoSettings, io: Io, signal: AbortSignal): Promise<ProbeStep> {
  const api = createApi({ ...settings, patience: PATIENCE_MS }, io);
  const step = 'key accepted';
  try {
    const progress = progressOf(await api.job('referry-doctor', signal));
    if (typeof progress === 'string' || !('stopped' in progress) || progress.stopped.kind === 'accepted')
      return { step, ok: true, detail: 'import jobs can be read' };
    const { code, reason } = progress.stopped;
    const hint =
      code === 'UNAUTHORIZED' || code === 'FORBIDDEN'
        ? 'make a private API key with lists:write, profiles:read and profiles:write, and put it where `apiKey` refers to'
        : 'check the URL, and that the firewall lets us out to it';
    return { step, ok: false, detail: `${code}: ${reason}`, hint };
  } finally {
    await api.close();
  }
}
