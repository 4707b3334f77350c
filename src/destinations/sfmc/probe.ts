import type { Io } from '../../model.ts';
import type { ProbeStep } from '../probe-step.ts';
import type { SfmcSettings } from './settings.ts';
import { tokensFor } from './token.ts';

/** Somebody waits for the answer. */
const PATIENCE_MS = 5000;

/** What `doctor` asks of Salesforce Marketing Cloud: a token. The data extension is not looked at. */
export async function probeSfmc(settings: SfmcSettings, io: Io, signal: AbortSignal): Promise<ProbeStep> {
  const step = 'token given';
  const granted = await tokensFor({ ...settings, patience: PATIENCE_MS }, io).get(signal);
  if ('token' in granted)
    return { step, ok: true, detail: `for ${new URL(granted.restUrl).host}; the data extension is not tried` };
  const { stopped } = granted;
  const detail = stopped.kind === 'accepted' ? '' : `${stopped.code}: ${stopped.reason}`;
  const hint = 'compare clientId, clientSecret, subdomain and accountId with the installed package in Setup';
  return { step, ok: false, detail, hint };
}
