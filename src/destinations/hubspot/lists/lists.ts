import type { Answer, Io } from '../../../model.ts';
import { findOrMake } from '../../find-or-make.ts';
import { afterLookingUp } from '../../halt.ts';
import { notSentAfter } from '../../jobs.ts';
import type { MembershipTarget, Segment } from '../../membership.ts';
import { asAnswers, asList, type Change, notReady } from '../../membership-calls.ts';
import { splitRefused } from '../../split.ts';
import { withoutValues } from '../../words.ts';
import { createApi } from '../api.ts';
import { emailsOf, MOST_INPUTS } from '../batches.ts';
import { lookUp, type Row } from '../look-up.ts';
import { type HubspotSettings, hubspotSettings } from '../settings.ts';
import { answerOf, createListCalls, type HubspotList, MANUAL } from './calls.ts';
import { membersOf } from './read-back.ts';
import type { HubspotListSettings } from './settings.ts';

const HINT =
  'make a static list in HubSpot and set listId, or give the app the scopes crm.lists.read and crm.lists.write';

/** A static list. Members are looked up first, since lists know contacts by their record ids; no contact is ever made. */
export function createHubspotList(settings: HubspotListSettings, io: Io): MembershipTarget {
  const whole = wholeOf(settings);
  const api = createApi(whole, io);
  const calls = createListCalls(api, settings.paths.lists);
  let listId = settings.listId ?? '';

  async function listOf({ name, earlier }: Segment, signal: AbortSignal): Promise<HubspotList> {
    const known = settings.listId ?? earlier?.targetId;
    if (known === undefined) {
      const find = () => calls.byName(name, signal);
      const making = { find, make: () => calls.make(name, signal), what: `the list "${name}"`, hint: HINT };
      return await findOrMake(making, settings, io, signal);
    }
    const list = await calls.byId(known, signal);
    if ('answer' in list) throw notReady(`list ${known} could not be read`, list.answer, HINT);
    return list.found;
  }

  /** Looks contacts up, so many as HubSpot takes in a call; what has an answer afterwards is not sent. */
  async function rowsOf(changes: readonly Change[], signal: AbortSignal, stays?: Stays): Promise<MemberRow[]> {
    const rows = changes.map((change): MemberRow => {
      const profile = { [settings.identifyBy]: change.id, fields: {} };
      return { change, profile, traceId: '' };
    });
    for (let at = 0; at < rows.length; at += MOST_INPUTS) {
      const part = rows.slice(at, at + MOST_INPUTS);
      await lookUp(part, api, whole, signal);
      const stop = part.find(({ answer }) => answer && answer.kind !== 'rejected')?.answer;
      if (!stop || stop.kind === 'accepted') continue;
      for (const row of rows.slice(at)) row.answer ??= notSentAfter(afterLookingUp(stop));
      break;
    }
    for (const row of rows) {
      if (row.answer) row.answer = afterLookingUp(row.answer);
      if (row.contactId === undefined) row.answer ??= row.change.add ? NO_CONTACT : notAMember();
    }
    // Two ids may lead to one contact: whoever is to be a member by one of them stays one.
    const added = new Set(rows.flatMap(({ change, contactId }) => (change.add && contactId) || []));
    for (const row of rows) {
      const { change, contactId = '' } = row;
      if (!change.add && (added.has(contactId) || staysByAnother(row, stays))) row.answer ??= notAMember();
    }
    return rows;
  }

  async function changed(changes: readonly Change[], signal: AbortSignal, stays?: Stays): Promise<Answer[]> {
    const rows = await rowsOf(changes, signal, stays);
    const open = rows.filter(({ answer }) => answer === undefined);
    const answers = await splitRefused(
      open,
      async (part) => {
        const idsOf = (add: boolean): string[] => [
          ...new Set(part.flatMap(({ change, contactId }) => (change.add === add && contactId) || [])),
        ];
        const result = await calls.change(listId, idsOf(true), idsOf(false), signal);
        if (!('value' in result)) {
          const answer = answerOf(result);
          return answer.kind === 'rejected' ? { refused: answer } : { answers: part.map(() => answer) };
        }
        const { missing } = result.value;
        return {
          answers: part.map(({ contactId = '', change }) =>
            change.add && missing.has(contactId) ? GONE : accepted(contactId),
          ),
        };
      },
      signal,
    );
    for (const [i, row] of open.entries()) row.answer = answers[i] ?? LOST;
    return rows.map(({ answer, change }) => withoutValues(answer ?? LOST, [change.id]));
  }

  return {
    maxBatchSize: settings.membersPerCall,
    identity: { provider: 'hubspot', account: settings.account, target: `list ${settings.listId ?? ''}`.trim() },
    idKind: settings.identifyBy,
    async prepare(segment, signal) {
      const list = await listOf(segment, signal);
      if (list.processing !== '' && list.processing !== MANUAL && list.processing !== 'SNAPSHOT')
        throw notReady(`list ${list.id} is ${list.processing}`, DYNAMIC, HINT);
      const { earlier, name } = segment;
      if (earlier && earlier.name !== name && settings.listId === undefined && list.name !== name) {
        const trouble = await calls.rename(list.id, name, signal);
        if (trouble) throw notReady(`list ${list.id} could not be given the name "${name}"`, trouble, HINT);
      }
      listId = list.id;
      if (earlier) return { targetId: listId };
      // Whether it has members that we do not know is all that counts; so many as a page has are enough to say so.
      const page = await calls.page(listId, '', signal);
      if ('answer' in page) throw notReady(`members of list ${listId} could not be read`, page.answer, HINT);
      return { targetId: listId, members: page.found.ids.length, ...(page.found.after === '' ? {} : { more: true }) };
    },
    async apply(changes, signal, stays) {
      signal.throwIfAborted();
      return asAnswers(await changed(asList(changes), signal, stays), changes);
    },
    members: (signal) => membersOf(listId, calls, api, settings, signal),
    close: () => api.close(),
  };
}

interface MemberRow extends Row {
  change: Change;
}

type Stays = (id: string) => boolean;

/** The other id may be in no change, or in one of another call. */
function staysByAnother({ change, contact }: MemberRow, stays?: Stays): boolean {
  if (!contact || !stays) return false;
  const own = change.id.trim().toLowerCase();
  return emailsOf(contact).some((email) => email !== own && stays(email));
}

/** The settings of everything that HubSpot is called with; what lists do not need has its defaults. */
function wholeOf({ paths, ...settings }: HubspotListSettings): HubspotSettings {
  const usual = hubspotSettings.parse({ account: settings.account, token: settings.token });
  return { ...usual, ...settings, paths: { ...usual.paths, contacts: paths.contacts } };
}

function accepted(contactId: string): Answer {
  return { kind: 'accepted', proof: { kind: 'person_id', eventId: contactId }, http: 200 };
}

/** Nothing had to be sent: nobody is to be removed. */
function notAMember(): Answer {
  return { kind: 'accepted', proof: { kind: 'batch_counts', eventId: 'members=0' } };
}

const NO_CONTACT: Answer = {
  kind: 'rejected',
  code: 'MEMBER_UNKNOWN',
  reason: 'HubSpot knows no such contact, and none is made for a segment',
};

const GONE: Answer = {
  kind: 'retryable',
  code: 'CONTACT_GONE',
  reason: 'the contact was deleted or merged meanwhile; the next try looks for it anew',
};

const DYNAMIC: Answer = {
  kind: 'halted',
  code: 'LIST_NOT_STATIC',
  reason: 'HubSpot works out its members by itself and takes none',
};

const LOST: Answer = { kind: 'unknown', code: 'NO_ANSWER', reason: 'HubSpot said nothing of the member' };
