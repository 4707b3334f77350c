import { TransferError } from '../../model.ts';
import type { ExtoleApi } from './api.ts';
import { classify, errorOf } from './classify.ts';
import { type JsonObject, jsonObjects } from './reply-json.ts';
import type { ExtoleSettings } from './settings.ts';

/** A step of a person. One event may cause several. */
export interface Step {
  /** The events it comes from: its own, its cause's and its root's. */
  eventIds: readonly string[];
}

/**
 * The steps in the settings' container of whoever has the key or the e-mail: `GET /v5/persons` by
 * `person_keys=<field>:<key>`, which may name several profiles, or by e-mail where the account does not index the key;
 * then `GET /v5/persons/{id}/steps`. `undefined` where one of the calls had no answer to go by: part of the steps must
 * not pass for all of them, since it is what does not show that proves something.
 */
export async function findSteps(
  api: ExtoleApi,
  settings: ExtoleSettings,
  who: { email: string; key: string },
): Promise<Step[] | undefined> {
  const { apiUrl, paths, keyField, container } = settings;
  let persons = await list(api, apiUrl, paths.persons, { person_keys: `${keyField}:${who.key}` });
  if (persons?.length === 0) persons = await list(api, apiUrl, paths.persons, { identity_key_value: who.email });
  if (persons === undefined) return undefined;
  const steps: Step[] = [];
  for (const id of new Set(persons.flatMap((person) => text(person.id)))) {
    const path = `${paths.persons}/${encodeURIComponent(id)}/steps`;
    const its = await list(api, apiUrl, path, { containers: container, limit: '1000' });
    if (its === undefined) return undefined;
    for (const step of its) {
      steps.push({ eventIds: [step.event_id, step.cause_event_id, step.root_event_id].flatMap(text) });
    }
  }
  return steps;
}

/** `undefined`: busy, or no clear answer; a later look may have one. */
async function list(
  api: ExtoleApi,
  url: string,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<JsonObject[] | undefined> {
  const reply = await api.get(url, path, query);
  if (reply.kind === 'reply' && reply.status === 200) {
    const found = jsonObjects(reply.body);
    if (found) return found;
    throw new TransferError('BAD_ANSWER', `GET ${url}${path} answered 200 with something that is not a list`, {
      hint: 'check apiUrl and paths.persons',
    });
  }
  // Extole documents this code with 403 in one place and 404 in another.
  if (reply.kind === 'reply' && errorOf(reply).code === 'person_not_found') return [];
  const answer = classify(reply, 'v6', 0);
  if (answer.kind === 'halted' || answer.kind === 'rejected') {
    throw new TransferError(answer.code, `GET ${url}${path}: ${answer.reason}`);
  }
  return undefined;
}

function text(value: unknown): string[] {
  return typeof value === 'string' && value !== '' ? [value] : [];
}
