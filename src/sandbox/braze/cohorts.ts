import { isObject } from '../json.ts';
import type { KeptList } from '../kept-lists.ts';
import type { StandInReply } from '../stand-in.ts';

/** A cohort as the workspace has it. */
export interface Cohort {
  name: string;
  createdAt: string;
  /** What names its users: `external_id 007`, `alias label name`. */
  members: ReadonlySet<string>;
}

export interface CohortOptions {
  /** The partner that may send cohorts, and the two keys that it needs. */
  partner?: string;
  partnerApiKey?: string;
  clientSecret?: string;
  /** The most ids in a call. */
  ids?: number;
  /** Refuses a whole call because of one id, with these words. */
  refusesId?: (id: string) => string | undefined;
  /** Cohorts that are there from the beginning. */
  kept?: readonly KeptList[];
}

export interface Cohorts {
  all: ReadonlyMap<string, Cohort>;
  /** `/partners/{partner}/cohorts`, and `/users` below it. `undefined`: another path. */
  answer(path: string, body: unknown): StandInReply | undefined;
  /** So many calls are answered 423. */
  lock(calls: number): void;
}

export const SANDBOX_PARTNER = {
  partner: 'heap',
  partnerApiKey: 'sandbox-partner-key',
  clientSecret: 'sandbox-import-key',
};

const PATH = /^\/partners\/([^/]+)\/cohorts(\/users)?$/;

/** Cohorts that a partner sends: users who are not known are passed over without a word, and none is ever made. */
export function createCohorts(options: CohortOptions, isKnown: (name: string) => boolean): Cohorts {
  const { partner, partnerApiKey, clientSecret } = { ...SANDBOX_PARTNER, ...options };
  const most = options.ids ?? 1000;
  const cohorts = new Map<string, { name: string; createdAt: string; members: Set<string> }>();
  for (const { id, name, createdAt = '', members } of options.kept ?? [])
    cohorts.set(id, { name, createdAt, members: new Set(members) });
  let locked = 0;

  function make(body: Readonly<Record<string, unknown>>): StandInReply {
    const stranger = strangerIn(body, [...KEYS, 'name', 'created_at']);
    if (stranger !== undefined) return refusal(400, `unknown parameter ${stranger}`);
    const { cohort_id: id, name, created_at: createdAt } = body;
    if (typeof id !== 'string' || id === '') return refusal(400, "'cohort_id' is required");
    if (typeof name !== 'string' || name === '') return refusal(400, "'name' is required");
    if (typeof createdAt !== 'string' || Number.isNaN(Date.parse(createdAt)))
      return refusal(400, "'created_at' must be a time in ISO 8601");
    cohorts.set(id, { name, createdAt, members: cohorts.get(id)?.members ?? new Set() });
    return success(id);
  }

  function change(body: Readonly<Record<string, unknown>>): StandInReply {
    const stranger = strangerIn(body, [...KEYS, 'cohort_changes']);
    if (stranger !== undefined) return refusal(400, `unknown parameter ${stranger}`);
    const { cohort_id: id, cohort_changes: changes } = body;
    const cohort = typeof id === 'string' ? cohorts.get(id) : undefined;
    if (!cohort) return refusal(400, "'cohort_id' is not the id of a cohort");
    if (!Array.isArray(changes) || changes.length === 0) return refusal(400, "'cohort_changes' is required");
    const read = changes.map(readChange);
    const wrong = read.find((one) => typeof one === 'string');
    if (wrong !== undefined) return refusal(400, wrong);
    const good = read.filter((one) => typeof one !== 'string');
    const names = good.flatMap((one) => one.names);
    if (names.length === 0) return refusal(400, 'no users in cohort_changes');
    if (names.length > most) return refusal(400, `at most ${most} users in a request`);
    const fatal = names.map((name) => options.refusesId?.(idIn(name))).find((words) => words !== undefined);
    if (fatal !== undefined) return refusal(400, fatal);
    for (const { names: users, remove } of good) {
      for (const name of users) {
        if (remove) cohort.members.delete(name);
        else if (isKnown(name)) cohort.members.add(name);
      }
    }
    return success('cohort');
  }

  return {
    all: cohorts,
    answer(path, body) {
      const [whole, named, users] = PATH.exec(path) ?? [];
      if (whole === undefined) return undefined;
      if (!isObject(body)) return refusal(400, 'The request body is not valid JSON');
      if (named !== partner || body.partner_api_key !== partnerApiKey) return refusal(401, 'Invalid partner API key');
      if (body.client_secret !== clientSecret) return refusal(401, 'Invalid client secret');
      if (locked > 0) {
        locked -= 1;
        return refusal(423, 'The cohort is locked by another request');
      }
      return users === undefined ? make(body) : change(body);
    },
    lock(calls) {
      locked = calls;
    },
  };
}

/** Fields of each body that let its sender in. */
export const COHORT_SECRETS = ['partner_api_key', 'client_secret'];

const KEYS = [...COHORT_SECRETS, 'cohort_id'];
const LISTS = ['user_ids', 'device_ids', 'aliases', 'should_remove'];

function strangerIn(object: Readonly<Record<string, unknown>>, known: readonly string[]): string | undefined {
  return Object.keys(object).find((field) => !known.includes(field));
}

function readChange(change: unknown): { names: string[]; remove: boolean } | string {
  if (!isObject(change)) return 'an entry of cohort_changes is not an object';
  const stranger = strangerIn(change, LISTS);
  if (stranger !== undefined) return `unknown parameter ${stranger}`;
  const { user_ids = [], device_ids = [], aliases = [], should_remove = false } = change;
  if (typeof should_remove !== 'boolean') return "'should_remove' must be a boolean";
  if (!Array.isArray(user_ids) || !Array.isArray(device_ids) || !Array.isArray(aliases)) return 'users must be lists';
  if ([...user_ids, ...device_ids].some((id) => typeof id !== 'string' || id === '')) return 'an id is not text';
  const named = aliases.map((alias) => (isObject(alias) ? aliasName(alias) : undefined));
  if (named.includes(undefined)) return 'an alias needs alias_name and alias_label';
  const names = [...user_ids.map((id) => `external_id ${id}`), ...named.filter((name) => name !== undefined)];
  return { names, remove: should_remove };
}

function aliasName({ alias_name, alias_label, ...others }: Readonly<Record<string, unknown>>): string | undefined {
  if (Object.keys(others).length > 0 || typeof alias_name !== 'string' || typeof alias_label !== 'string')
    return undefined;
  return alias_name === '' || alias_label === '' ? undefined : `alias ${alias_label} ${alias_name}`;
}

const idIn = (name: string): string => name.slice(name.lastIndexOf(' ') + 1);

const success = (id: string): StandInReply => ({ status: 201, body: '{"message":"success"}', id });

function refusal(status: number, message: string): StandInReply {
  return { status, body: JSON.stringify({ message }) };
}
