import type { Io } from '../../model.ts';
import { createCallSender, type Prepared } from '../calls.ts';
import type { Profile, ProfileSender } from '../profile.ts';
import { withoutProfile } from '../words.ts';
import { createApi } from './api.ts';
import { classify } from './classify.ts';
import type { IterableSettings } from './settings.ts';

/**
 * Brings users of an Iterable project up to date by bulk updates. A user is named by one identifier, of the kind that the
 * project goes by: both in one call can make two users of one person.
 */
export function createIterable(settings: IterableSettings, io: Io): ProfileSender {
  const api = createApi(settings, io);
  const rows = settings.usersPerCall;
  const bytes = settings.bytesPerCall - 1 - Buffer.byteLength(bodyOf([], settings));

  return createCallSender({
    prepare: (profile) => userOf(profile, settings),
    bounds: { rows, bytes },
    call: async (users, signal) =>
      classify(
        await api.bulkUpdate(bodyOf(users, settings), signal),
        users.map(({ item }) => item),
      ),
    masked: withoutProfile,
    close: () => api.close(),
  });
}

function userOf({ email, userId, fields }: Profile, settings: IterableSettings): Prepared {
  const { identifyBy, preferUserId } = settings;
  const identifier = identifyBy === 'email' ? email : userId;
  if (identifier === undefined) {
    const reason = `the person has no ${identifyBy}, and identifyBy says that Iterable knows its users by it`;
    return { refused: { kind: 'rejected', code: 'NO_IDENTIFIER', reason } };
  }
  const user = { [identifyBy]: identifier, dataFields: fields };
  return { json: JSON.stringify(identifyBy === 'userId' ? { ...user, preferUserId } : user), kind: identifyBy };
}

function bodyOf(users: readonly { json: string }[], { createNewFields }: IterableSettings): string {
  const fields = createNewFields === undefined ? '' : `,"createNewFields":${createNewFields}`;
  return `{"users":[${users.map(({ json }) => json).join(',')}]${fields}}`;
}
