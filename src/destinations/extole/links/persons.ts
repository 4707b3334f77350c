import { exactObject, isObject, type JsonObject, jsonObjects } from '../reply-json.ts';
import { type LinkPerson, ok, type Step } from './answers.ts';
import type { Attempt } from './calls.ts';
import { asRejected, badAnswer } from './classify.ts';
import type { LinksSettings } from './settings.ts';

/** A person at Extole; `fresh`: made just now, so there are no links yet. */
export interface FoundPerson {
  id: string;
  fresh: boolean;
}

/** More than one is too many already. */
const MOST_PROFILES = '10';

/** A profile that a search gave. */
interface Profile {
  id: string;
  /** Its e-mail in lower case, where that is what it is known by. */
  email: string | undefined;
}

/**
 * The one profile that is meant: by e-mail, by partner_user_id, or both; made where there is none. Never guesses: several
 * profiles, or an e-mail and an id that lead to different people, are `ambiguous`.
 */
export async function personFor(
  attempt: Attempt,
  settings: LinksSettings,
  person: LinkPerson,
): Promise<Step<FoundPerson>> {
  for (;;) {
    const found = await lookFor(attempt, settings, person);
    if (found.kind !== 'ok') return found;
    if (found.value !== undefined) return ok({ id: found.value, fresh: false });
    const made = await make(attempt, settings, person);
    if (made.kind !== 'ok') return made;
    if (made.value !== undefined) return ok({ id: made.value, fresh: true });
  }
}

async function lookFor(
  attempt: Attempt,
  settings: LinksSettings,
  { email, partnerUserId }: LinkPerson,
): Promise<Step<string | undefined>> {
  const { findBy, partnerUserIdKey } = settings.person;
  const byEmail =
    email !== undefined && findBy.includes('email')
      ? await search(attempt, settings, { identity_key_value: email })
      : ok([]);
  if (byEmail.kind !== 'ok') return byEmail;
  const byId =
    partnerUserId !== undefined && findBy.includes('partner_user_id')
      ? await search(attempt, settings, { person_keys: `${partnerUserIdKey}:${partnerUserId}` })
      : ok([]);
  if (byId.kind !== 'ok') return byId;
  return theOne(byEmail.value, byId.value, email);
}

/** Which profile the two searches agree on. */
export function theOne(
  byEmail: readonly Profile[],
  byId: readonly Profile[],
  email: string | undefined,
): Step<string | undefined> {
  const [first] = byEmail;
  const [second] = byId;
  if (byEmail.length > 1) return several('SEVERAL_PROFILES', 'several profiles have this e-mail', byEmail);
  if (byId.length > 1) return several('SEVERAL_PROFILES', 'several profiles have this partner_user_id', byId);
  if (first?.email !== undefined && first.email !== email) {
    return several('PROFILE_MISMATCH', 'the profile that is found by this e-mail is known by another one', byEmail);
  }
  if (first && second && first.id !== second.id) {
    const both = [first, second];
    return several('PROFILE_MISMATCH', 'the e-mail leads to one profile, the partner_user_id to another', both);
  }
  if (!first && second?.email !== undefined && email !== undefined && second.email !== email) {
    return several('PROFILE_MISMATCH', 'the profile with this partner_user_id has another e-mail', byId);
  }
  return ok(first?.id ?? second?.id);
}

function several(
  code: 'SEVERAL_PROFILES' | 'PROFILE_MISMATCH',
  what: string,
  profiles: readonly Profile[],
): Step<never> {
  const personIds = profiles.map(({ id }) => id);
  const reason = `${what}; no link was made. Profiles at Extole: ${personIds.join(', ')}`;
  return { kind: 'ambiguous', code, reason, personIds };
}

async function search(
  attempt: Attempt,
  settings: LinksSettings,
  by: Readonly<Record<string, string>>,
): Promise<Step<Profile[]>> {
  const said = await attempt.get(
    settings.paths.persons,
    { ...by, limit: MOST_PROFILES },
    profilesOf,
    'a list of persons',
  );
  // Extole documents this code with 403 in one place and 404 in another.
  if (said.kind === 'refused') return said.code === 'person_not_found' ? ok([]) : asRejected(said);
  if (said.kind !== 'read') return said.kind === 'unknown' ? notMade(said) : said;
  const different = new Map(said.value.map((profile) => [profile.id, profile]));
  return ok([...different.values()]);
}

function profilesOf(body: string): Profile[] | undefined {
  const profiles = jsonObjects(body)?.map(profileOf);
  return profiles?.every((profile) => profile !== undefined) ? profiles : undefined;
}

function profileOf(object: JsonObject): Profile | undefined {
  const { id, identity_key: key, identity_key_value: value } = object;
  if (typeof id !== 'string' || id === '') return undefined;
  const known = isObject(key) && key.name === 'email' && typeof value === 'string' && value !== '';
  return { id, email: known ? value.trim().toLowerCase() : undefined };
}

/** The id of a person that was made; `undefined`: look again. */
async function make(
  attempt: Attempt,
  settings: LinksSettings,
  { email, partnerUserId }: LinkPerson,
): Promise<Step<string | undefined>> {
  const { create, identity } = settings.person;
  const value = identity === 'email' ? email : partnerUserId;
  if (!create || value === undefined) {
    const why = create ? `without ${identity} none can be made` : 'person.create is off';
    const reason = `no profile at Extole, and ${why}; one comes to be with the first event of the person`;
    return { kind: 'rejected', code: 'PERSON_NOT_FOUND', reason };
  }
  const said = await attempt.post(settings.paths.persons, { identity_key_value: value });
  if (said.kind === 'ok') {
    const id = exactObject(said.body)?.id;
    if (typeof id === 'string' && id !== '') return ok(id);
    return (await attempt.pause()) ? ok(undefined) : notMade(badAnswer('names no person'));
  }
  if (said.kind === 'refused') {
    if (said.code !== 'identity_key_value_already_taken') return asRejected(said);
    const { code, http } = said;
    const reason = 'Extole has a profile with this identity already, and does not show it when it is looked for';
    return (await attempt.pause()) ? ok(undefined) : { kind: 'retryable', code, reason, http };
  }
  if (said.kind === 'unknown' || (said.kind === 'halted' && said.doubtful)) {
    if (await attempt.pause()) return ok(undefined);
    return said.kind === 'unknown' ? notMade(said) : said;
  }
  return said;
}

/** A person may have been made, which does no harm; a link was surely not. */
function notMade({ code, reason, http }: { code: string; reason: string; http?: number }): Step<never> {
  return { kind: 'retryable', code, reason: `${reason}; no link was made`, ...(http === undefined ? {} : { http }) };
}
