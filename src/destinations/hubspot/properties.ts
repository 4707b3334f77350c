import { TransferError } from '../../model.ts';
import { jsonObject } from '../reply-json.ts';
import { type HubspotApi, troubleOf } from './api.ts';
import { isConflict } from './classify.ts';
import type { HubspotSettings } from './settings.ts';

/** A property of contacts that has to exist. */
export interface ContactProperty {
  /** The internal name. */
  name: string;
  /** What people see. */
  label: string;
  /** No two contacts have the same value; a contact can then be looked up by it. At most ten such properties in an account. */
  unique?: boolean;
}

/** Makes what is missing, of the group and types of the settings. A property that exists is left as it is. */
export async function ensureProperties(
  properties: readonly ContactProperty[],
  api: HubspotApi,
  { paths, property: { group, type, fieldType } }: HubspotSettings,
  signal: AbortSignal,
): Promise<{ made: string[]; present: string[] }> {
  const made: string[] = [];
  const present: string[] = [];
  for (const { name, label, unique } of properties) {
    const body = { name, label, type, fieldType, groupName: group, ...(unique ? { hasUniqueValue: true } : {}) };
    const result = await api.post(paths.properties, body, (reply) => jsonObject(reply.body), signal);
    if ('value' in result) made.push(name);
    else if ('refused' in result && isConflict(result.error)) present.push(name);
    else throw notMade(name, troubleOf(result), group);
  }
  return { made, present };
}

function notMade(name: string, answer: { kind: string; code?: string; reason?: string }, group: string): TransferError {
  const { kind, code = 'BAD_ANSWER', reason = '' } = answer;
  return new TransferError(code, `the contact property ${name} could not be made: ${reason}`, {
    retryable: kind === 'retryable' || kind === 'unknown',
    hint: `make it by hand in HubSpot (Settings, Properties), or check that the group ${group} exists and the token has the scope crm.schemas.contacts.write`,
  });
}
