import type { Answer, Io } from '../../../model.ts';
import { findOrMake } from '../../find-or-make.ts';
import { afterLookingUp } from '../../halt.ts';
import { notSentAfter } from '../../jobs.ts';
import type { MembershipTarget, Segment } from '../../membership.ts';
import { asAnswers, asList, type Change, notReady } from '../../membership-calls.ts';
import type { Profile } from '../../profile.ts';
import { splitRefused } from '../../split.ts';
import { withoutValues } from '../../words.ts';
import { createKlaviyo } from '../klaviyo.ts';
import { type KlaviyoSettings, klaviyoSettings } from '../settings.ts';
import { createListApi, type Said } from './api.ts';
import type { KlaviyoListSettings } from './settings.ts';

const HINT = 'make a list in Klaviyo and set listId, or give the key the scopes lists:read and lists:write';

/** A list. Members are looked up first, since lists know profiles by ids of Klaviyo's own. A list keeps its name. */
export function createKlaviyoList(settings: KlaviyoListSettings, io: Io): MembershipTarget {
  const api = createListApi(settings, io);
  const { identifyBy, profilesPerLookUp } = settings;
  let listId = settings.listId ?? '';

  async function idOf({ name, earlier }: Segment, signal: AbortSignal): Promise<string> {
    const known = settings.listId ?? earlier?.targetId;
    if (known !== undefined) return known;
    const what = `the list "${name}"`;
    const find = async () => foundIn(await api.byName(name, signal));
    const make = async () => foundIn(await api.make(name, signal));
    return await findOrMake({ find, make, what, hint: HINT }, settings, io, signal);
  }

  /** Ids of profiles by member. A look-up that is refused because of one member is split. What has an answer afterwards is not sent. */
  async function lookUp(changes: readonly Change[], answers: Map<Change, Answer>, signal: AbortSignal) {
    const ids = new Map<string, string>();
    for (let at = 0; at < changes.length; at += profilesPerLookUp) {
      const part = changes.slice(at, at + profilesPerLookUp);
      const said = await splitRefused(
        part,
        async (some) => {
          const found = await api.profiles(
            some.map(({ id }) => id),
            signal,
          );
          if ('refused' in found) return found;
          if ('answer' in found) return { answers: some.map(() => afterLookingUp(found.answer)) };
          for (const { id, member } of found.found) ids.set(member, id);
          return { answers: some.map(() => LOOKED_UP) };
        },
        signal,
      );
      for (const [i, change] of part.entries()) {
        const answer = said[i] ?? LOST;
        if (answer.kind !== 'accepted') answers.set(change, answer);
      }
      const stop = said.find(({ kind }) => kind === 'halted' || kind === 'retryable');
      if (!stop) continue;
      // Who could not be asked for so long is not asked once more for each part.
      for (const change of changes.slice(at + part.length)) answers.set(change, notSentAfter(stop));
      break;
    }
    return ids;
  }

  async function changed(changes: readonly Change[], signal: AbortSignal): Promise<Answer[]> {
    const answers = new Map<Change, Answer>();
    const ids = await lookUp(changes, answers, signal);
    const profileOf = ({ id }: Change): string | undefined =>
      ids.get(identifyBy === 'email' ? id.trim().toLowerCase() : id);
    const open = changes.filter((change) => !answers.has(change));
    const known = open.filter((change) => profileOf(change) !== undefined);
    let stop: Answer | undefined;
    for (const add of [true, false]) {
      const rows = known.filter((change) => change.add === add);
      const sent = await splitRefused(
        rows,
        async (part) => {
          if (stop) return { answers: part.map(() => stop ?? LOST) };
          const said = await api.change(listId, add, [...new Set(part.flatMap((one) => profileOf(one) ?? []))], signal);
          if ('refused' in said) return said;
          if ('answer' in said) stop = notSentAfter(said.answer);
          return { answers: part.map(() => ('answer' in said ? said.answer : accepted(part.length))) };
        },
        signal,
      );
      for (const [i, change] of rows.entries()) answers.set(change, sent[i] ?? LOST);
    }
    const unknown = open.filter((change) => profileOf(change) === undefined);
    for (const change of unknown) if (!change.add) answers.set(change, accepted(0));
    const missing = unknown.filter(({ add }) => add);
    const made = stop ? missing.map(() => stop ?? LOST) : await make(missing, signal);
    for (const [i, change] of missing.entries()) answers.set(change, made[i] ?? LOST);
    return changes.map((change) => withoutValues(answers.get(change) ?? LOST, [change.id]));
  }

  /** Makes profiles in the list, where the settings say so. */
  async function make(missing: readonly Change[], signal: AbortSignal): Promise<Answer[]> {
    if (!settings.createProfiles || missing.length === 0) return missing.map(() => NO_PROFILE);
    const imports = createKlaviyo(importSettings(settings, listId), io);
    try {
      return await imports.send(
        missing.map(({ id }): Profile => ({ [identifyBy]: id, fields: {} })),
        signal,
      );
    } finally {
      await imports.close();
    }
  }

  return {
    maxBatchSize: settings.membersPerCall,
    identity: { provider: 'klaviyo', account: settings.account, target: `list ${settings.listId ?? ''}`.trim() },
    idKind: identifyBy,
    async prepare(segment, signal) {
      listId = await idOf(segment, signal);
      const size = foundIn(await api.size(listId, signal));
      if ('answer' in size) throw notReady(`list ${listId} could not be read`, size.answer, HINT);
      return { targetId: listId, ...(size.found === undefined ? {} : { members: size.found }) };
    },
    async apply(changes, signal) {
      signal.throwIfAborted();
      return asAnswers(await changed(asList(changes), signal), changes);
    },
    async *members(signal) {
      const seen = new Set<string>();
      let cursor = '';
      do {
        seen.add(cursor);
        const page = foundIn(await api.page(listId, cursor, signal));
        if ('answer' in page) throw notReady(`members of list ${listId} could not be read`, page.answer, HINT);
        const ids = page.found.profiles.map(({ member }) => member).filter((member) => member !== '');
        if (ids.length > 0) yield ids;
        cursor = page.found.next;
        // A list that leads in a circle would never end.
      } while (cursor !== '' && !seen.has(cursor));
    },
    close: () => api.close(),
  };
}

/** The settings of imports; what lists do not have has its defaults. */
function importSettings(settings: KlaviyoListSettings, listId: string): KlaviyoSettings {
  const { account, apiKey, url, revision, poll, completeWithin, requestsPerSecond, requestsPerMinute } = settings;
  const { timeout, patience, backoff, connections, ca, allowPrivateAddresses, identifyBy } = settings;
  return {
    ...klaviyoSettings.parse({ account, apiKey }),
    ...{ url, revision, poll, completeWithin, requestsPerSecond, requestsPerMinute, listId, identifiers: identifyBy },
    ...{ timeout, patience, backoff, connections, allowPrivateAddresses, ...(ca === undefined ? {} : { ca }) },
  };
}

function foundIn<T>(said: Said<T>): { found: T } | { answer: Answer } {
  return 'refused' in said ? { answer: said.refused } : said;
}

function accepted(members: number): Answer {
  return { kind: 'accepted', proof: { kind: 'batch_counts', eventId: `members=${members}` }, http: 204 };
}

const LOOKED_UP: Answer = { kind: 'accepted', proof: { kind: 'batch_counts', eventId: '' } };

const NO_PROFILE: Answer = {
  kind: 'rejected',
  code: 'MEMBER_UNKNOWN',
  reason: 'Klaviyo knows no such profile, and createProfiles is false',
};

const LOST: Answer = { kind: 'unknown', code: 'NO_ANSWER', reason: 'Klaviyo said nothing of the member' };
