import { isObject } from '../json.ts';

export interface ProjectOptions {
  /** Fields with their types; others are unknown. */
  fields?: Readonly<Record<string, FieldType>>;
  /** The project setting "Drop Unrecognized User Fields". */
  dropUnrecognized?: boolean;
  /** E-mail addresses and userIds that must not come back. */
  forgotten?: readonly string[];
  /** userIds that the project knows. */
  userIds?: readonly string[];
  /** E-mail addresses that the project knows. */
  emails?: readonly string[];
  /** Puts a user into this list of failed ones, such as `invalidDataEmails`. */
  fails?: (user: UserUpdate) => string | undefined;
  /** How an identifier stands in the lists of failed users. */
  echo?: (identifier: string) => string;
}

export type FieldType = 'string' | 'date' | 'long' | 'boolean';

export interface UserUpdate {
  email?: string;
  userId?: string;
  dataFields: Readonly<Record<string, unknown>>;
  preferUserId: boolean;
}

export interface Updated {
  successCount: number;
  failCount: number;
  failedUpdates: Readonly<Record<string, readonly string[]>>;
  createdFields: readonly string[];
  filteredOutFields: readonly string[];
  invalidEmails: readonly string[];
  invalidUserIds: readonly string[];
}

export interface Refused {
  code: string;
  msg: string;
  params?: unknown;
}

export interface Project {
  /** By e-mail address, else by userId. */
  users: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  fields: ReadonlyMap<string, FieldType>;
  /** One refusal of all, or every user for itself. */
  bulkUpdate(body: unknown): Updated | Refused;
  /** The list of failed users that this one belongs in; `undefined`: it is taken, and made where it is not known. */
  take(user: Pick<UserUpdate, 'email' | 'userId' | 'preferUserId'>, existingOnly: boolean): string | undefined;
}

const LISTS = [
  'conflictEmails',
  'conflictUserIds',
  'forgottenEmails',
  'forgottenUserIds',
  'invalidDataEmails',
  'invalidDataUserIds',
  'invalidEmails',
  'invalidUserIds',
  'notFoundEmails',
  'notFoundUserIds',
] as const;

const USER_KEYS: ReadonlySet<string> = new Set(['email', 'userId', 'dataFields', 'preferUserId', 'mergeNestedObjects']);
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2})?/;

/** The users of one project. A field has the type of the first value that came, for good. */
export function createProject(options: ProjectOptions): Project {
  const users = new Map<string, Readonly<Record<string, unknown>>>((options.emails ?? []).map((email) => [email, {}]));
  const fields = new Map<string, FieldType>(
    Object.entries(options.fields ?? { email: 'string', share_link: 'string' }),
  );
  const forgotten = new Set(options.forgotten);
  const userIds = new Set(options.userIds);
  const echo = options.echo ?? ((identifier) => identifier);

  function bulkUpdate(body: unknown): Updated | Refused {
    const read = readBody(body);
    if ('code' in read) return read;
    const mismatch = mismatchIn(read.users);
    if (mismatch) return mismatch;
    const failed = new Map<string, string[]>(LISTS.map((list) => [list, []]));
    const [created, filtered] = [new Set<string>(), new Set<string>()];
    let good = 0;
    for (const user of read.users) {
      const list = failureOf(user);
      if (list === undefined) {
        store(user, read.createNewFields, created, filtered);
        good += 1;
      } else failed.set(list, [...(failed.get(list) ?? []), echo(user.email ?? user.userId ?? '')]);
    }
    const failedUpdates = Object.fromEntries(failed);
    return {
      successCount: good,
      failCount: read.users.length - good,
      failedUpdates,
      createdFields: [...created],
      filteredOutFields: [...filtered],
      invalidEmails: failedUpdates.invalidEmails ?? [],
      invalidUserIds: failedUpdates.invalidUserIds ?? [],
    };
  }

  function mismatchIn(updates: readonly UserUpdate[]): Refused | undefined {
    for (const { dataFields } of updates) {
      for (const [name, value] of Object.entries(dataFields)) {
        const expectedType = fields.get(name);
        if (expectedType === undefined || fits(value, expectedType)) continue;
        const msg =
          `Project 1: The request does not have the same data types as the data previously submitted. Field '${name}' already ` +
          `exists for type 'user' and has a data type of '${expectedType}' but possible types 'string, keyword' in the request.`;
        const error = { incomingTypes: ['string', 'keyword'], expectedType, _type: 'UnexpectedType' };
        const offending = { ...error, offendingValue: value, category: 'user' };
        return { code: 'RequestFieldsTypesMismatched', msg, params: { validationErrors: { [name]: offending } } };
      }
    }
    return undefined;
  }

  /** The list of failed users that this one belongs in. */
  function failureOf(user: UserUpdate): string | undefined {
    const own = options.fails?.(user);
    if (own !== undefined) return own;
    if (user.email !== undefined) {
      if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(user.email)) return 'invalidEmails';
      return forgotten.has(user.email) ? 'forgottenEmails' : undefined;
    }
    const userId = user.userId ?? '';
    if (userId === '' || userId.length > 52) return 'invalidUserIds';
    if (forgotten.has(userId)) return 'forgottenUserIds';
    return userIds.has(userId) || user.preferUserId ? undefined : 'notFoundUserIds';
  }

  function store(user: UserUpdate, createNew: boolean | undefined, created: Set<string>, filtered: Set<string>): void {
    const id = user.email ?? user.userId ?? '';
    const kept: Record<string, unknown> = { ...users.get(id) };
    for (const [name, value] of Object.entries(user.dataFields)) {
      if (!fields.has(name)) {
        if (!(createNew ?? !options.dropUnrecognized)) {
          filtered.add(name);
          continue;
        }
        created.add(name);
        fields.set(name, typeof value === 'boolean' ? 'boolean' : typeof value === 'number' ? 'long' : 'string');
      }
      kept[name] = value;
    }
    users.set(id, kept);
    if (user.userId !== undefined) userIds.add(user.userId);
  }

  function take(
    user: Pick<UserUpdate, 'email' | 'userId' | 'preferUserId'>,
    existingOnly: boolean,
  ): string | undefined {
    const { email, userId = '' } = user;
    const failure = failureOf({ ...user, preferUserId: user.preferUserId && !existingOnly, dataFields: {} });
    if (failure !== undefined) return failure;
    if (email !== undefined && existingOnly && !users.has(email)) return 'notFoundEmails';
    if (!users.has(email ?? userId)) users.set(email ?? userId, {});
    if (email === undefined) userIds.add(userId);
    return undefined;
  }

  return { users, fields, bulkUpdate, take };
}

function fits(value: unknown, type: FieldType): boolean {
  if (type === 'string') return typeof value === 'string';
  if (type === 'date') return typeof value === 'string' && DATE.test(value);
  return typeof value === (type === 'long' ? 'number' : 'boolean');
}

function readBody(body: unknown): { users: UserUpdate[]; createNewFields: boolean | undefined } | Refused {
  if (!isObject(body)) return { code: 'BadJsonBody', msg: 'the body is no JSON object' };
  const { users, createNewFields, ...others } = body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return bad(`unknown field ${unknown}`);
  if (createNewFields !== undefined && typeof createNewFields !== 'boolean')
    return bad('createNewFields is no boolean');
  if (!Array.isArray(users) || users.length === 0) return bad('users is no list of users');
  const read: UserUpdate[] = [];
  for (const user of users) {
    if (!isObject(user)) return bad('a user is no object');
    const { email, userId, dataFields = {}, preferUserId = false } = user;
    const odd = Object.keys(user).find((name) => !USER_KEYS.has(name));
    if (odd !== undefined) return bad(`unknown field ${odd} of a user`);
    if (!isObject(dataFields) || typeof preferUserId !== 'boolean') return bad('a user has a field of a wrong type');
    if ((email !== undefined && typeof email !== 'string') || (userId !== undefined && typeof userId !== 'string'))
      return bad('an identifier is no text');
    if (email === undefined && userId === undefined) return bad('a user has neither email nor userId');
    read.push({
      ...(email === undefined ? {} : { email }),
      ...(userId === undefined ? {} : { userId }),
      dataFields,
      preferUserId,
    });
  }
  return { users: read, createNewFields };
}

export const bad = (msg: string): Refused => ({ code: 'BadParams', msg });
