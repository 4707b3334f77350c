import type { Io } from '../../model.ts';
import { isObject } from '../json.ts';
import { errorReply, type Reply } from './errors.ts';
import type { SubmittedEvent } from './events.ts';
import { createFaultQueue, type FaultQueue } from './fault-queue.ts';
import type { Fault, FaultName, FaultSource } from './faults.ts';
import type { LinkRoute } from './link-routes.ts';
import { ok } from './paging.ts';
import { createReports, REPORT_DEFAULTS, type ReportBehaviour, type ReportRow } from './reports.ts';
import { personBody } from './routes.ts';
import { createShareables, SHAREABLE_DEFAULTS, type ShareableOptions, type StoredShareable } from './shareables.ts';
import type { Accepted, Person, ProfileKeys, Store } from './store.ts';

/** What Extole's guide shows of a share link. */
export interface LinkEvent {
  email?: string;
  partner_user_id?: string;
  /** ISO 8601. */
  timestamp?: unknown;
  /** Without a scheme, as in the guide. */
  share_link?: string;
  [more: string]: unknown;
}

export interface LinkOptions {
  shareables?: Partial<ShareableOptions>;
  reports?: Partial<ReportBehaviour>;
  /** What a person is made by: an e-mail, or any value. */
  identity?: 'email' | 'any';
  /** Extole's "Create Share Link on any Event": event name to the label of the link that its person gets. */
  onEvents?: Readonly<Record<string, string>>;
  /** Told of each link that is made, as the event of Extole's outbound webhooks says it. */
  made?: (link: LinkEvent) => void;
}

/** Persons, share links and reports, for tests to look at and to set up. */
export interface LinkStandIn {
  /** Every link of the account, oldest first. */
  readonly shareables: readonly StoredShareable[];
  /** How links are made; switch while it runs. */
  behaviour: ShareableOptions;
  reports: ReportBehaviour;
  readonly reportsMade: number;
  /** One more profile, whoever else is known by the same. */
  addPerson(profile: ProfileKeys): string;
  person(id: string): Person | undefined;
  putShareable(shareable: Pick<StoredShareable, 'personId' | 'label'> & Partial<StoredShareable>): StoredShareable;
  /** Plays these for the next requests that make something: a person, a link, a report; one each. */
  fail(...faults: readonly (Fault | FaultName)[]): void;
  /** Plays these for the next looks at persons, links and reports. */
  failLooks(...faults: readonly (Fault | FaultName)[]): void;
  setFaults(source: FaultSource | undefined): void;
}

export interface LinkApi {
  standIn: LinkStandIn;
  /** Answers; `id` is of what was made, else empty. */
  answer(route: LinkRoute, request: { isJson: boolean; body: string }): { reply: Reply; id: string };
  faults: Pick<FaultQueue, 'next'>;
  /** An event of a person was taken. */
  taken(event: SubmittedEvent, accepted: Accepted): void;
}

export function createLinkApi(io: Io, store: Store, options: LinkOptions): LinkApi {
  const behaviour = { ...SHAREABLE_DEFAULTS, ...options.shareables };
  const reportBehaviour = { ...REPORT_DEFAULTS, ...options.reports };
  const shareables = createShareables(io, store, behaviour);
  const reports = createReports(io, reportBehaviour, rowsOf);
  const faults = createFaultQueue(undefined);

  /** One row a link, with the columns that are asked for, else all. */
  function rowsOf(columns: readonly string[] | undefined): ReportRow[] {
    return shareables.all.map((one) => {
      const person = store.person(one.personId);
      const whole: Record<string, string> = {
        person_id: one.personId,
        email: person?.email ?? '',
        partner_user_id: person ? partnerUserIdOf(person) : '',
        label: one.label,
        key: one.key,
        code: one.code,
      };
      return columns ? Object.fromEntries(columns.map((name) => [name, whole[name.toLowerCase()] ?? ''])) : whole;
    });
  }

  function answer(route: LinkRoute, { isJson, body }: { isJson: boolean; body: string }): { reply: Reply; id: string } {
    const { method } = route;
    if (method !== 'GET' && method !== 'POST') return { reply: errorReply('method_not_allowed'), id: '' };
    const json = method === 'POST' ? requestOf(isJson, body) : { value: undefined };
    if ('status' in json) return { reply: json, id: '' };
    switch (route.of) {
      case 'persons':
        return method === 'GET' ? looked(personOf(route.personId)) : makePerson(route.personId, json.value);
      case 'shareables': {
        const { personId, code, query, api } = route;
        if (method === 'POST' && code === '') {
          const before = shareables.all.length;
          const made = shareables.create(personId, json.value, api);
          if (shareables.all.length > before) tellOf(shareables.all.at(-1));
          return { reply: made.reply, id: made.code };
        }
        if (method === 'POST' || api === 'v3') return looked(errorReply('method_not_allowed'));
        return looked(code === '' ? shareables.list(personId, query) : shareables.get(personId, code));
      }
      case 'reports':
        return onReport(route, json.value);
    }
  }

  function onReport(route: LinkRoute & { of: 'reports' }, body: unknown): { reply: Reply; id: string } {
    const { method, id, action, query } = route;
    if (method === 'POST') return id === '' ? reports.create(body) : looked(errorReply('method_not_allowed'));
    if (id === '') return looked(reports.list(query));
    if (action === '') return looked(reports.get(id));
    if (action === 'info') return looked(reports.info(id));
    const isDownload = action === 'download' || action.startsWith('download.');
    return looked(isDownload ? reports.download(id, action, query) : errorReply('not_found'));
  }

  function tellOf(made: StoredShareable | undefined): void {
    const person = made && store.person(made.personId);
    if (!made || !person) return;
    const { email } = person;
    const partnerUserId = partnerUserIdOf(person);
    options.made?.({
      ...(email === undefined || email === '' ? {} : { email }),
      ...(partnerUserId === '' ? {} : { partner_user_id: partnerUserId }),
      timestamp: new Date(made.createdAt).toISOString(),
      share_link: shareables.linkOf(made).replace(/^https?:\/\//, ''),
    });
  }

  function personOf(id: string): Reply {
    const found = store.person(id);
    return found ? ok(personBody(found)) : errorReply('person_not_found', { person_id: id });
  }

  function makePerson(id: string, body: unknown): { reply: Reply; id: string } {
    if (id !== '') return looked(errorReply('method_not_allowed'));
    if (!isObject(body)) return looked(errorReply('binding_error', { reason: 'the body is not an object' }));
    for (const field in body) {
      if (field !== 'identity_key_value')
        return looked(errorReply('binding_error', { reason: `unknown field ${field}` }));
    }
    const { identity_key_value: value } = body;
    if (typeof value !== 'string' || value.trim() === '') return looked(errorReply('invalid_key_value'));
    if ((options.identity ?? 'email') === 'email' && !/^[^\s@]+@[^\s@]+$/.test(value))
      return looked(errorReply('invalid_key_value'));
    const made = store.create(value);
    return made ? { reply: ok(personBody(made)), id: made.id } : looked(errorReply('identity_key_value_already_taken'));
  }

  // Links are only ever added: those since the last look are noted.
  const linked = new Set<string>();
  let noted = 0;
  function hasLink(personId: string, label: string): boolean {
    for (; noted < shareables.all.length; noted += 1) {
      const one = shareables.all[noted];
      if (one) linked.add(`${one.personId}\n${one.label}`);
    }
    return linked.has(`${personId}\n${label}`);
  }

  return {
    answer,
    faults,
    taken(event, { personId, duplicate }) {
      const label = options.onEvents?.[event.name];
      if (label === undefined || duplicate) return;
      if (!hasLink(personId, label)) tellOf(shareables.put({ personId, label }));
    },
    standIn: {
      shareables: shareables.all,
      behaviour,
      reports: reportBehaviour,
      get reportsMade() {
        return reports.count;
      },
      addPerson: (profile) => store.add(profile).id,
      person: store.person,
      putShareable: shareables.put,
      fail: (...next) => faults.fail(next),
      failLooks: (...next) => faults.failLooks(next),
      setFaults: faults.setSource,
    },
  };
}

function looked(reply: Reply): { reply: Reply; id: string } {
  return { reply, id: '' };
}

function requestOf(isJson: boolean, body: string): { value: unknown } | Reply {
  if (!isJson) return errorReply('unsupported_media_type');
  if (body === '') return errorReply('missing_request_body');
  try {
    return { value: JSON.parse(body) };
  } catch {
    return errorReply('invalid_json');
  }
}

function partnerUserIdOf({ keys, steps }: Person): string {
  const known =
    keys.partner_user_id ?? steps.find(({ event }) => 'partner_user_id' in event.data)?.event.data.partner_user_id;
  return typeof known === 'string' ? known : '';
}
